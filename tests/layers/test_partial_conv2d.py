import keras
import numpy as np
import pytest
from keras import ops

from amalthea.layers import PartialConv2D

from harness import check_gradients, check_layer, one_sentence

TABLE = ((0, 1), (2,), (0, 1, 2))


def test_is_a_layer():
    check_layer(
        lambda **k: PartialConv2D(TABLE, kernel_size=3, activation="tanh", **k),
        (6, 5, 3),
        (4, 3, 3),
        trainable=2,
    )


def test_a_full_table_is_a_plain_convolution():
    partial = PartialConv2D(((0, 1), (0, 1), (0, 1)), kernel_size=3)
    plain = keras.layers.Conv2D(3, 3)
    x = np.random.rand(2, 6, 6, 2).astype("float32")
    partial(x), plain(x)
    kernel, bias = plain.get_weights()  # (3, 3, 2, 3): connections run over inputs fastest
    partial.set_weights([kernel.transpose(0, 1, 3, 2).reshape(3, 3, 6), bias + 0.5])
    np.testing.assert_allclose(partial(x), plain(x) + 0.5, rtol=1e-4, atol=1e-6)


def test_an_output_map_sees_only_the_input_maps_in_its_row():
    layer = PartialConv2D(TABLE, kernel_size=3)
    x = np.random.rand(1, 5, 5, 3).astype("float32")
    start = np.asarray(layer(x))
    for i in range(3):
        moved = x.copy()
        moved[..., i] += 1
        changed = np.abs(np.asarray(layer(moved)) - start).max(axis=(0, 1, 2)) > 1e-6
        assert changed.tolist() == [i in row for row in TABLE]


def test_has_a_weight_for_each_connection_and_no_more():
    layer = PartialConv2D(TABLE, kernel_size=5)
    layer.build((None, 8, 8, 3))
    assert layer.count_params() == 25 * 6 + 3


def test_gradients_equal_finite_differences(float64):
    layer = PartialConv2D(TABLE, kernel_size=2, activation="tanh")
    x = np.random.rand(2, 4, 4, 3)
    layer(x)
    check_gradients(lambda: ops.sum(ops.square(layer(x))), layer.trainable_variables)


@pytest.mark.parametrize("connections", [(), ((0,), ()), ((1, 1),)])
def test_a_table_without_sense_is_named(connections):
    with pytest.raises(ValueError, match="connections") as error:
        PartialConv2D(connections)
    assert repr(connections) in one_sentence(error)


def test_a_map_that_the_input_lacks_is_named():
    with pytest.raises(ValueError, match="maps 0 to 1"):
        PartialConv2D(TABLE, kernel_size=3).build((None, 5, 5, 2))
