import numpy as np
import pytest

from amalthea.metrics import pca_reconstruction_error, reconstruction_error


def test_the_error_sums_over_pixels_and_averages_over_images():
    images = np.zeros((3, 2, 2, 1))
    reconstructions = images.copy()
    reconstructions[0] += 0.5
    assert reconstruction_error(images, reconstructions) == pytest.approx(4 * 0.25 / 3)


def test_different_shapes_are_named():
    with pytest.raises(ValueError, match=r"\(3, 4\) and \(3, 5\)"):
        reconstruction_error(np.zeros((3, 4)), np.zeros((3, 5)))


def test_pca_keeps_what_lies_in_its_subspace():
    random = np.random.default_rng(0)
    images = (random.random((50, 2)) @ random.random((2, 12))).reshape(50, 3, 4, 1)
    assert pca_reconstruction_error(images, images, 2) == pytest.approx(0, abs=1e-12)
    assert pca_reconstruction_error(images, images, 1) > 1e-3


def test_pcas_error_is_the_variance_it_leaves_out():
    images = np.random.default_rng(0).random((50, 6))
    left_out = np.linalg.eigvalsh(np.cov(images.T, bias=True))[:-2].sum()
    assert pca_reconstruction_error(images, images, 2) == pytest.approx(left_out)
