import numpy as np
import pytest

from amalthea.metrics import active_units


def test_dimensions_that_differ_from_image_to_image_are_counted():
    codes = np.random.default_rng(0).standard_normal((1000, 4)) * [1.0, 0.2, 0.05, 0.0]
    assert active_units(codes) == 2
    assert active_units(codes, threshold=0.0001) == 3
    assert active_units(codes + 7) == 2


def test_one_image_is_not_enough():
    with pytest.raises(ValueError, match=r"two or more images, .* got shape \(1, 3\)"):
        active_units(np.zeros((1, 3)))
