import numpy as np
import pytest

from amalthea.layers import Binarize

from harness import check_layer, one_sentence


def test_is_a_layer():
    check_layer(Binarize, (3, 2), (3, 2))


@pytest.mark.parametrize("threshold", [0.0, 0.5, 2])
def test_tells_what_reaches_the_threshold(threshold):
    inputs = np.random.default_rng(0).standard_normal((4, 5)).astype("float32")
    np.testing.assert_array_equal(Binarize(threshold)(inputs), inputs >= threshold)
    np.testing.assert_array_equal(Binarize(threshold)(np.full((1, 1), threshold)), 1)


def test_probabilities_are_left_alone_in_reverse_and_without_a_threshold():
    probabilities = np.random.default_rng(0).random((2, 3)).astype("float32")
    np.testing.assert_array_equal(Binarize()(probabilities, reverse=True), probabilities)
    np.testing.assert_array_equal(Binarize(None)(probabilities), probabilities)


def test_a_wrong_threshold_is_named():
    with pytest.raises(ValueError, match="threshold") as error:
        Binarize("half")
    assert "'half'" in one_sentence(error)
