import numpy as np
import pytest
from keras import ops

from amalthea.layers import NoiseInjection

from harness import check_layer

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((4, 5, 6, 3)).astype("float32")
NOISE = RANDOM.standard_normal((4, 5, 6, 1)).astype("float32")


def test_is_a_layer():
    def call(layer, inputs):
        return layer([inputs, inputs[..., :1]])

    check_layer(lambda **k: NoiseInjection(**k), (4, 5, 3), (4, 5, 3), trainable=1, call=call)


def test_at_first_the_output_does_not_depend_on_noise():
    outputs = NoiseInjection()([IMAGES, NOISE])
    np.testing.assert_array_equal(ops.convert_to_numpy(outputs), IMAGES)


def test_all_channels_have_the_same_noise_in_their_own_strengths():
    layer = NoiseInjection()
    layer.build([IMAGES.shape, NOISE.shape])
    strengths = np.array([1.0, -2.0, 0.0], "float32")
    layer.strength.assign(strengths)
    outputs = ops.convert_to_numpy(layer([IMAGES, NOISE]))
    np.testing.assert_allclose(outputs, IMAGES + strengths * NOISE, rtol=1e-6, atol=1e-6)


def test_undefined_channels_are_one_sentence():
    with pytest.raises(ValueError, match="needs a defined last axis"):
        NoiseInjection().build([(None, 4, 4, None), (None, 4, 4, 1)])
