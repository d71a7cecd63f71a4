import keras
import numpy as np
import pytest
from keras import ops

from amalthea.layers import KSparse

from harness import check_gradients, check_layer, one_sentence


def test_is_a_layer():
    check_layer(lambda **k: KSparse(2, **k), (5,), (5,))


def test_the_largest_remain_and_all_others_are_0():
    inputs = np.random.default_rng(0).normal(size=(7, 9)).astype("float32")
    outputs = ops.convert_to_numpy(KSparse(3)(inputs))
    assert ((outputs != 0).sum(axis=1) == 3).all()
    order = np.sort(inputs, axis=1)
    expected = np.where(inputs >= order[:, -3:-2], inputs, 0)
    np.testing.assert_array_equal(outputs, expected)


def test_equal_ones_all_remain_and_so_do_fewer_than_k():
    inputs = np.array([[1.0, 1.0, 0.5]], "float32")
    np.testing.assert_array_equal(KSparse(1)(inputs), [[1.0, 1.0, 0.0]])
    np.testing.assert_array_equal(KSparse(5)(inputs), inputs)


def test_gradients_flow_through_what_remains(float64):
    inputs = keras.Variable(np.random.default_rng(0).normal(size=(3, 6)), dtype="float64")
    check_gradients(lambda: ops.sum(ops.square(KSparse(2)(inputs.value))), [inputs])


def test_what_cannot_be_is_named():
    with pytest.raises(ValueError, match="k must be a whole number of at least 1, got 0") as error:
        KSparse(0)
    one_sentence(error)
