import keras
import numpy as np
import pytest
from keras import ops

from amalthea.layers import RandomShift

from harness import check_layer


def test_is_a_layer():
    check_layer(lambda **k: RandomShift(1, seed=0, **k), (4, 5, 2), (4, 5, 2))


@pytest.mark.parametrize("flip", [False, True])
def test_each_image_is_shifted_by_itself_and_every_shift_is_as_likely(flip):
    height, width, pixels = 4, 5, 1
    image = np.arange(1, height * width + 1, dtype="float32").reshape(height, width, 1)
    images = np.tile(image, (3000, 1, 1, 1))
    shifted = ops.convert_to_numpy(RandomShift(pixels, flip, seed=0)(images, training=True))
    padded = np.pad(image[..., 0], pixels)
    counts = []
    for top in range(2 * pixels + 1):
        for left in range(2 * pixels + 1):
            crop = padded[top : top + height, left : left + width]
            for seen in [crop, crop[:, ::-1]][: 1 + flip]:
                counts.append((shifted[..., 0] == seen).all((1, 2)).sum())
    assert sum(counts) == len(images)
    assert min(counts) > 0.7 * len(images) / len(counts)


def test_in_inference_images_are_left_as_they_are():
    images = np.random.default_rng(0).random((3, 4, 5, 2)).astype("float32")
    outputs = RandomShift(2, flip=True)(images)
    np.testing.assert_array_equal(ops.convert_to_numpy(outputs), images)


def test_saved_and_loaded_it_goes_on_with_its_shifts(tmp_path):
    images = np.random.default_rng(0).random((8, 6, 6, 1)).astype("float32")
    inputs = keras.Input((6, 6, 1))
    model = keras.Model(inputs, RandomShift(2, seed=0)(inputs))
    model(images, training=True)
    model.save(tmp_path / "model.keras")
    twin = keras.saving.load_model(tmp_path / "model.keras")
    one, other = (ops.convert_to_numpy(each(images, training=True)) for each in (model, twin))
    np.testing.assert_array_equal(one, other)
    assert not np.array_equal(one, images)


def test_less_than_no_pixels_are_one_sentence():
    with pytest.raises(ValueError, match=r"pixels must be .*, got -1"):
        RandomShift(-1)
