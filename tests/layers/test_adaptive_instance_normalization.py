import numpy as np
import pytest
from keras import ops

from amalthea.layers import AdaptiveInstanceNormalization

from harness import check_layer

RANDOM = np.random.default_rng(0)


def test_is_a_layer():
    check_layer(
        lambda **k: AdaptiveInstanceNormalization(**k),
        (4, 5, 3),
        (4, 5, 3),
        trainable=2,
        call=lambda layer, inputs: layer([inputs, inputs[:, 0, 0]]),
    )


def test_a_style_decides_mean_and_deviation_of_each_channel():
    images = RANDOM.normal(3, 2, (6, 8, 8, 4)).astype("float32")
    styles = RANDOM.standard_normal((6, 5)).astype("float32")
    layer = AdaptiveInstanceNormalization()
    outputs = ops.convert_to_numpy(layer([images, styles]))
    scale, offset = np.split(ops.convert_to_numpy(layer.affine(styles)), 2, axis=1)
    np.testing.assert_allclose(outputs.mean(axis=(1, 2)), offset, atol=1e-4)
    np.testing.assert_allclose(outputs.std(axis=(1, 2)), np.abs(1 + scale), rtol=1e-3, atol=1e-4)


def test_without_a_style_it_is_instance_normalisation():
    images = RANDOM.normal(3, 2, (2, 8, 8, 4)).astype("float32")
    outputs = AdaptiveInstanceNormalization()([images, np.zeros((2, 5), "float32")])
    expected = (images - images.mean((1, 2), keepdims=True)) / images.std((1, 2), keepdims=True)
    np.testing.assert_allclose(ops.convert_to_numpy(outputs), expected, rtol=1e-3, atol=1e-4)


def test_a_wrong_epsilon_is_one_sentence():
    with pytest.raises(ValueError, match="epsilon must be above 0, got 0"):
        AdaptiveInstanceNormalization(0)
