import numpy as np
import pytest
from keras import ops

from amalthea.layers import LocalResponseNormalization

from harness import check_layer

VALUES = {"bias": 1.5, "alpha": 0.3, "beta": 0.6}


def by_hand(images, size, bias, alpha, beta):
    """The paper's section 3.3, map by map."""
    maps, half = images.shape[-1], size // 2
    outputs = np.empty_like(images)
    for i in range(maps):
        near = images[..., max(0, i - half) : min(maps - 1, i + half) + 1]
        outputs[..., i] = images[..., i] / (bias + alpha * (near**2).sum(-1)) ** beta
    return outputs


def test_is_a_layer():
    check_layer(lambda **k: LocalResponseNormalization(3, **VALUES, **k), (4, 5, 6), (4, 5, 6))


@pytest.mark.parametrize("size", [1, 3, 5, 9])
def test_is_the_formula_of_the_paper(size):
    images = np.random.default_rng(0).normal(size=(2, 3, 4, 7)).astype("float32")
    outputs = LocalResponseNormalization(size, **VALUES)(images)
    expected = by_hand(images, size, **VALUES)
    np.testing.assert_allclose(ops.convert_to_numpy(outputs), expected, rtol=1e-5)


def test_what_other_backends_compute_is_the_same(float64):
    images = np.random.default_rng(0).normal(size=(2, 3, 4, 7))
    outputs = LocalResponseNormalization(5, **VALUES)(images)
    expected = by_hand(images, 5, **VALUES)
    np.testing.assert_allclose(ops.convert_to_numpy(outputs), expected, rtol=1e-10)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 4}, "size must be odd, got 4"),
        ({"bias": 0}, "bias must be above 0, got 0"),
        ({"size": 0}, "size must be .*, got 0"),
    ],
)
def test_wrong_arguments_are_one_sentence(arguments, message):
    with pytest.raises(ValueError, match=message):
        LocalResponseNormalization(**arguments)
