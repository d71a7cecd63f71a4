import numpy as np
import pytest

from amalthea.metrics import modes_covered

CENTRES = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])


def test_modes_with_a_good_sample_are_covered():
    samples = np.array([[0.1, 0.0], [0.0, -0.2], [9.0, 0.0], [5.0, 5.0], [0.0, 13.1]])
    modes, good = modes_covered(samples, CENTRES, 1.0)
    assert modes == 2
    assert good == pytest.approx(3 / 5)


def test_samples_of_the_mixture_cover_all_of_it():
    random = np.random.default_rng(0)
    samples = CENTRES[random.integers(0, 3, 3000)] + random.standard_normal((3000, 2))
    modes, good = modes_covered(samples, CENTRES, 1.0)
    assert modes == 3
    assert good == pytest.approx(1 - np.exp(-4.5), abs=0.005)  # within three deviations of two


def test_no_good_sample_covers_nothing():
    assert modes_covered(np.full((4, 2), 100.0), CENTRES, 1.0) == (0, 0.0)


def test_a_deviation_of_0_is_one_sentence():
    with pytest.raises(ValueError, match="deviation must be above 0, got 0"):
        modes_covered(CENTRES, CENTRES, 0)
