import numpy as np
import pytest
from keras import ops

from amalthea.layers import Maxout

from harness import check_gradients, check_layer


def test_is_a_layer():
    check_layer(lambda **k: Maxout(3, pieces=2, **k), (5,), (3,), trainable=2)
    check_layer(lambda **k: Maxout(3, **k), (4, 5), (4, 3), trainable=2)


def test_a_unit_is_the_largest_of_its_pieces():
    layer = Maxout(2, pieces=3, bias_initializer="random_normal")
    inputs = np.random.default_rng(0).standard_normal((7, 4)).astype("float32")
    outputs = ops.convert_to_numpy(layer(inputs))
    kernel, bias = (ops.convert_to_numpy(w) for w in layer.weights)
    for unit in range(2):
        own = slice(3 * unit, 3 * unit + 3)
        pieces = inputs @ kernel[:, own] + bias[own]
        np.testing.assert_allclose(outputs[:, unit], pieces.max(1), rtol=1e-5, atol=1e-6)


def test_the_gradient_reaches_the_largest_piece_alone(float64):
    layer = Maxout(2, pieces=3)
    inputs = np.random.default_rng(0).standard_normal((4, 3))
    layer.build(inputs.shape)
    check_gradients(lambda: ops.sum(layer(inputs) ** 2), layer.trainable_weights)


@pytest.mark.parametrize("arguments", [{"units": 0}, {"units": 2, "pieces": 0}, {"units": 1.5}])
def test_wrong_numbers_are_one_sentence(arguments):
    with pytest.raises(ValueError, match="must be a whole number of at least 1, got"):
        Maxout(**arguments)


def test_an_undefined_width_is_one_sentence():
    with pytest.raises(ValueError, match="needs a defined last axis"):
        Maxout(2).build((None, None))
