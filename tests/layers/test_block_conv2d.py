import keras
import numpy as np
import pytest
from keras import ops

from amalthea.layers import BlockConv2D, BlockConv2DTranspose

from harness import check_gradients, check_layer, one_sentence

PAIRS = [
    (BlockConv2D, keras.layers.Conv2D),
    (BlockConv2DTranspose, keras.layers.Conv2DTranspose),
]
both = pytest.mark.parametrize(("layer", "plain"), PAIRS)


def test_they_are_layers():
    check_layer(lambda **k: BlockConv2D(3, **k), (6, 4, 1), (3, 2, 3), trainable=2)
    check_layer(lambda **k: BlockConv2DTranspose(2, **k), (3, 2, 5), (6, 4, 2), trainable=2)


@both
@pytest.mark.parametrize("shape", [(6, 4, 1), (8, 8, 3), (2, 2, 2)])
def test_they_give_what_keras_layers_give(layer, plain, shape):
    x = np.random.rand(3, *shape).astype("float32")
    block = layer(5, activation="tanh", bias_initializer="normal")
    peer = plain(5, 4, 2, "same", activation="tanh")
    block(x), peer(x)
    peer.set_weights(block.get_weights())
    np.testing.assert_allclose(block(x), peer(x), rtol=1e-5, atol=1e-6)


@both
def test_gradients_equal_finite_differences(float64, layer, plain):
    x = keras.Variable(np.random.rand(2, 4, 2, 2), dtype="float64")
    block = layer(2)
    block(x.value)
    weights = [x, *block.trainable_variables]
    check_gradients(lambda: ops.sum(ops.square(block(x.value))), weights)


@both
@pytest.mark.parametrize("arguments", [{"kernel_size": 3}, {"strides": 1}, {"padding": "valid"}])
def test_other_kernels_are_refused(layer, plain, arguments):
    with pytest.raises(ValueError, match="kernel_size of 4, strides of 2 and padding 'same'") as e:
        layer(2, **arguments)
    one_sentence(e)


def test_odd_sides_are_refused():
    with pytest.raises(ValueError, match=r"images of even sides, got shape \(None, 5, 4, 1\)"):
        BlockConv2D(2).build((None, 5, 4, 1))
