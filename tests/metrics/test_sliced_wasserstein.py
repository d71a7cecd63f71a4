import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from amalthea.data import read
from amalthea.metrics import sliced_wasserstein
from amalthea.metrics.sliced_wasserstein import _blurred, _pyramid


def noise(count=20, side=16, seed=0):
    return np.random.default_rng(seed).random((count, side, side, 1), dtype="float32")


def test_equal_images_at_equal_places_are_at_no_distance():
    images = noise(10, 7)  # one place for a patch
    assert sliced_wasserstein(images, images)["mean"] == pytest.approx(0, abs=1e-4)


def test_the_levels_add_up_to_the_image():
    images = noise(3, 28)
    fine, middle, coarse = _pyramid(images)
    assert [level.shape[1] for level in (fine, middle, coarse)] == [28, 14, 7]
    for level in (middle, fine):
        apart = np.zeros_like(level)
        apart[:, ::2, ::2] = 4 * coarse
        coarse = level + _blurred(apart)
    np.testing.assert_allclose(coarse, images, atol=1e-5)


def test_it_is_the_level_of_the_difference_that_shows_it():
    smooth = np.stack([gaussian_filter(image, (2, 2, 0)) for image in noise(200, 28)])
    one, other = np.split((smooth - smooth.min()) / np.ptp(smooth), 2)
    settings = {"patches": 32, "directions": 64, "repeats": 2}
    same = sliced_wasserstein(one, other, **settings)
    rough = sliced_wasserstein(one, other + 0.1 * noise(100, 28), **settings)
    assert rough["28"] > 3 * same["28"]
    assert rough["7"] < 1.5 * same["7"]


def test_blurred_digits_are_farther_from_digits_than_other_digits_are():
    digits = read("digits", "train").as_float()
    half = len(digits) // 2
    one, other = digits[:half], digits[half : 2 * half]
    blurred = np.stack([gaussian_filter(image, (1, 1, 0)) for image in other])
    same, apart = (sliced_wasserstein(one, images, patches=8) for images in (other, blurred))
    assert apart["mean"] > 3 * same["mean"]


@pytest.mark.slow
def test_the_seed_decides():
    a, b = noise(seed=1), noise(seed=2)
    assert sliced_wasserstein(a, b, seed=3) == sliced_wasserstein(a, b, seed=3)
    assert sliced_wasserstein(a, b, seed=3) != sliced_wasserstein(a, b, seed=4)


@pytest.mark.parametrize("other", [noise(19), noise(20, 8), noise()[..., 0]])
def test_unequal_sets_are_one_sentence(other):
    with pytest.raises(ValueError, match="two equal shapes"):
        sliced_wasserstein(noise(), other)


def test_images_smaller_than_a_patch_are_one_sentence():
    with pytest.raises(ValueError, match="at least 7 pixels a side"):
        sliced_wasserstein(noise(side=6), noise(side=6))
