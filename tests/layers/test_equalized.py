import keras
import numpy as np
import pytest
from keras import ops

from amalthea.layers import EqualizedConv2D, EqualizedDense

from harness import check_gradients, check_layer

RANDOM = np.random.default_rng(0)


def test_are_layers():
    check_layer(lambda **k: EqualizedDense(3, gain=1.0, **k), (5,), (3,), trainable=2)
    check_layer(lambda **k: EqualizedConv2D(3, 3, **k), (4, 6, 2), (4, 6, 3), trainable=2)
    check_layer(
        lambda **k: EqualizedConv2D(
            2, 2, strides=2, use_bias=False, learning_rate_multiplier=0.1, **k
        ),
        (4, 6, 2),
        (2, 3, 2),
        trainable=1,
    )
    check_layer(
        lambda **k: EqualizedConv2D(3, 3, resample="up", **k), (4, 6, 2), (8, 12, 3), trainable=2
    )
    check_layer(
        lambda **k: EqualizedConv2D(3, 3, resample="down", **k), (4, 6, 2), (2, 3, 3), trainable=2
    )


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda **k: EqualizedDense(400, **k), (300,)),
        (lambda **k: EqualizedConv2D(64, 3, **k), (8, 8, 40)),
    ],
)
@pytest.mark.parametrize("multiplier", [1.0, 0.01])
def test_kernels_are_of_unit_variance_and_outputs_as_hes(make, shape, multiplier):
    layer = make(gain=1.0, learning_rate_multiplier=multiplier)
    outputs = layer(RANDOM.standard_normal((64, *shape)).astype("float32"))
    kernel = ops.convert_to_numpy(layer.kernel)
    assert kernel.std() * multiplier == pytest.approx(1, rel=0.02)
    inside = ops.convert_to_numpy(outputs)
    inside = inside[:, 1:-1, 1:-1] if inside.ndim == 4 else inside  # without the padded edges
    assert inside.std() == pytest.approx(1, rel=0.05)


def test_equals_keras_layer_with_scaled_kernel_and_biases():
    images = RANDOM.standard_normal((2, 5, 5, 3)).astype("float32")
    layer = EqualizedConv2D(
        4, 3, gain=2.0, learning_rate_multiplier=0.5, bias_initializer="ones", activation="relu"
    )
    found = layer(images)
    plain = keras.layers.Conv2D(4, 3, padding="same", activation="relu")
    plain.build(images.shape)
    plain.set_weights([2 * 0.5 / np.sqrt(27) * layer.get_weights()[0], np.full(4, 0.5)])
    np.testing.assert_allclose(
        ops.convert_to_numpy(found), ops.convert_to_numpy(plain(images)), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("size", [1, 3, 5])
def test_resampling_equals_resampling_and_a_convolution(size):
    images = RANDOM.standard_normal((2, 6, 4, 3)).astype("float32")
    up, down, plain = (
        EqualizedConv2D(4, size, resample=resample, bias_initializer="ones")
        for resample in ("up", "down", None)
    )
    for layer in (up, down, plain):
        layer.build(images.shape)
    up.set_weights(plain.get_weights())
    down.set_weights(plain.get_weights())
    doubled = images.repeat(2, axis=1).repeat(2, axis=2)
    np.testing.assert_allclose(
        ops.convert_to_numpy(up(images)), ops.convert_to_numpy(plain(doubled)), rtol=1e-4, atol=1e-5
    )
    halved = ops.convert_to_numpy(plain(images)).reshape(2, 3, 2, 2, 2, 4).mean(axis=(2, 4))
    np.testing.assert_allclose(ops.convert_to_numpy(down(images)), halved, rtol=1e-4, atol=1e-5)


def test_gradients(float64):
    layer = EqualizedDense(2, learning_rate_multiplier=0.1)
    inputs = RANDOM.standard_normal((3, 4))
    layer.build(inputs.shape)
    check_gradients(lambda: ops.sum(ops.sin(layer(inputs))), layer.trainable_weights)


@pytest.mark.parametrize("name", ["gain", "learning_rate_multiplier"])
def test_wrong_numbers_are_one_sentence(name):
    with pytest.raises(ValueError, match=f"{name} must be above 0, got 0"):
        EqualizedDense(2, **{name: 0})


def test_a_wrong_resampling_is_one_sentence():
    with pytest.raises(ValueError, match="resample must be 'up', 'down' or None, got 'sideways'"):
        EqualizedConv2D(2, 3, resample="sideways")
    with pytest.raises(ValueError, match="resample goes with padding 'same', strides of 1"):
        EqualizedConv2D(2, 3, resample="up", strides=2)
