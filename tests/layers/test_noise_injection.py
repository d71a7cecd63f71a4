import keras
import numpy as np
import pytest
from keras import ops

from amalthea.layers import NoiseInjection

from harness import check_layer

IMAGES = np.random.default_rng(0).random((4, 16, 16, 3)).astype("float32")


def test_is_a_layer():
    check_layer(lambda **k: NoiseInjection(seed=0, **k), (4, 5, 3), (4, 5, 3), trainable=1)


def test_at_first_the_output_does_not_depend_on_noise():
    outputs = NoiseInjection(seed=0)(IMAGES)
    np.testing.assert_array_equal(ops.convert_to_numpy(outputs), IMAGES)


def test_all_channels_have_the_same_noise_in_their_own_strengths():
    layer = NoiseInjection(seed=0)
    layer.build(IMAGES.shape)
    layer.strength.assign([1.0, -2.0, 0.0])
    first, second = (ops.convert_to_numpy(layer(IMAGES)) - IMAGES for _ in range(2))
    np.testing.assert_allclose(first[..., 1], -2 * first[..., 0], rtol=1e-3, atol=1e-5)
    np.testing.assert_array_equal(first[..., 2], 0)
    assert abs(first[..., 0].std() - 1) < 0.1
    assert abs(np.corrcoef(first[..., 0].ravel(), second[..., 0].ravel())[0, 1]) < 0.1


def test_noise_that_is_given_is_added():
    layer = NoiseInjection(seed=0)
    layer.build(IMAGES.shape)
    layer.strength.assign([1.0, 2.0, 3.0])
    noise = np.ones((4, 16, 16, 1), "float32")
    outputs = ops.convert_to_numpy(layer(IMAGES, noise=noise))
    np.testing.assert_allclose(outputs, IMAGES + np.array([1, 2, 3]), rtol=1e-6)


def test_saved_and_loaded_it_goes_on_with_its_noise(tmp_path):
    layer, images = NoiseInjection(seed=0), keras.Input((16, 16, 3))
    model = keras.Model(images, layer(images))
    layer.strength.assign(np.ones(3))
    model(IMAGES)
    model.save(tmp_path / "model.keras")
    twin = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(*(ops.convert_to_numpy(one(IMAGES)) for one in (model, twin)))


def test_undefined_channels_are_one_sentence():
    with pytest.raises(ValueError, match="needs a defined last axis"):
        NoiseInjection().build((None, 4, 4, None))
