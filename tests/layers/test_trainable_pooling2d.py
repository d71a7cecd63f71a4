import numpy as np
import pytest
from keras import ops

from amalthea.layers import TrainablePooling2D

from harness import check_gradients, check_layer, one_sentence


def test_is_a_layer():
    check_layer(
        lambda **k: TrainablePooling2D(2, activation="tanh", **k), (6, 5, 3), (3, 2, 3), trainable=2
    )


def test_scales_and_shifts_the_sum_of_each_window():
    layer = TrainablePooling2D(2)
    x = np.random.rand(2, 4, 6, 3).astype("float32")
    layer(x)
    coefficient, bias = np.random.rand(2, 3)
    layer.set_weights([coefficient, bias])
    sums = x.reshape(2, 2, 2, 3, 2, 3).sum(axis=(2, 4))
    np.testing.assert_allclose(layer(x), sums * coefficient + bias, rtol=1e-5)


def test_starts_as_average_pooling():
    x = np.random.rand(2, 6, 6, 2).astype("float32")
    means = x.reshape(2, 2, 3, 2, 3, 2).mean(axis=(2, 4))
    np.testing.assert_allclose(TrainablePooling2D(3)(x), means, rtol=1e-5)


def test_gradients_equal_finite_differences(float64):
    layer = TrainablePooling2D(2, activation="tanh")
    x = np.random.rand(2, 4, 4, 3)
    layer(x)
    check_gradients(lambda: ops.sum(ops.square(layer(x))), layer.trainable_variables)


@pytest.mark.parametrize("pool_size", [0, -1, 1.5])
def test_a_wrong_pool_size_is_named(pool_size):
    with pytest.raises(ValueError, match="pool_size") as error:
        TrainablePooling2D(pool_size)
    assert repr(pool_size) in one_sentence(error)
