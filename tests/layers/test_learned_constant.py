import numpy as np
import pytest
from keras import ops

from amalthea.layers import LearnedConstant

from harness import check_layer


def test_is_a_layer():
    check_layer(lambda **k: LearnedConstant((2, 2, 3), **k), (4,), (2, 2, 3), trainable=1)


def test_is_the_same_for_all_rows_whatever_the_input():
    layer = LearnedConstant((2, 3))
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(np.zeros((2, 5)))), 1)
    value = np.arange(6.0).reshape(2, 3)
    layer.constant.assign(value)
    outputs = ops.convert_to_numpy(layer(np.random.default_rng(0).random((4, 5))))
    np.testing.assert_array_equal(outputs, np.stack([value] * 4))


@pytest.mark.parametrize("shape", [(0, 2), (1.5,)])
def test_a_wrong_shape_is_one_sentence(shape):
    with pytest.raises(ValueError, match="shape must be whole numbers of at least 1, got"):
        LearnedConstant(shape)
