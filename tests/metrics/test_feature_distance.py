import numpy as np
import pytest
from scipy.linalg import sqrtm
from sklearn.metrics.pairwise import polynomial_kernel

from amalthea.metrics import frechet_distance, kernel_distance, precision_recall

RANDOM = np.random.default_rng(0)


def normal(count, mean=0.0, scale=1.0, features=3):
    return mean + scale * RANDOM.standard_normal((count, features))


def test_equal_sets_are_at_no_frechet_distance():
    rows = normal(50)
    assert frechet_distance(rows, rows) == pytest.approx(0, abs=1e-9)


def test_a_shift_is_at_its_squared_length():
    rows = normal(50)
    assert frechet_distance(rows, rows + np.array([3, 4, 0])) == pytest.approx(25)


def test_the_frechet_distance_is_the_papers_formula():
    one = normal(60) @ RANDOM.standard_normal((3, 3))
    other = 1 + normal(40) @ RANDOM.standard_normal((3, 3))
    c, d = np.cov(one.T), np.cov(other.T)
    expected = np.square(one.mean(0) - other.mean(0)).sum()
    expected += np.trace(c + d - 2 * sqrtm(c @ d).real)
    assert frechet_distance(one, other) == pytest.approx(expected)


def test_fewer_images_than_features_are_no_trouble():
    assert np.isfinite(frechet_distance(normal(4, features=10), normal(5, features=10)))


def test_the_kernel_distance_of_all_rows_is_the_unbiased_discrepancy():
    one, other = normal(30), normal(30, mean=0.5)
    found, error = kernel_distance(one, other, subsets=3)

    def kernel(a, b):
        return polynomial_kernel(a, b, degree=3, gamma=1 / 3, coef0=1)

    own = sum((kernel(r, r).sum() - np.trace(kernel(r, r))) / (30 * 29) for r in (one, other))
    assert found == pytest.approx(own - 2 * kernel(one, other).mean())
    assert error == pytest.approx(0, abs=1e-9)  # each subset has all rows


def test_sets_from_one_distribution_are_at_kernel_distance_0_on_average():
    found, error = kernel_distance(normal(2000), normal(2000), subsets=50, size=200)
    assert abs(found) < 5 * error
    apart, error = kernel_distance(normal(2000), normal(2000, mean=0.5), subsets=50, size=200)
    assert apart > 10 * error


def test_equal_sets_have_all_precision_and_recall_and_distant_ones_none():
    rows = normal(50)
    assert precision_recall(rows, rows) == (1, 1)
    assert precision_recall(rows, rows + 100) == (0, 0)


def test_a_model_of_one_mode_of_two_has_precision_without_recall():
    real = np.concatenate([normal(200), normal(200, mean=50.0)])
    precision, recall = precision_recall(real, normal(200))
    assert precision > 0.8
    assert 0.3 < recall < 0.55


def test_the_region_is_made_of_balls_to_the_kth_neighbour():
    real = np.array([[0.0], [1.0], [3.0], [10.0]])
    # With one neighbour the balls reach from −1 to 1, 0 to 2, 1 to 5 and 3 to 17.
    fake = np.array([[-1.5], [-0.5], [4.5], [16.9], [17.1]])
    assert precision_recall(real, fake, neighbours=1)[0] == pytest.approx(3 / 5)


@pytest.mark.parametrize("distance", [frechet_distance, kernel_distance, precision_recall])
def test_wrong_rows_are_one_sentence(distance):
    with pytest.raises(ValueError, match=r"two arrays \(count, features\) are needed, got"):
        distance(normal(5), normal(5, features=2))
    with pytest.raises(ValueError, match="at least two rows of each are needed, got 1 and 5"):
        distance(normal(1), normal(5))


def test_too_many_neighbours_are_one_sentence():
    with pytest.raises(ValueError, match="neighbours must be at least 1 and below 5, got 5"):
        precision_recall(normal(5), normal(9), neighbours=5)
