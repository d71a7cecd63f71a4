import numpy as np
import pytest
from keras import ops

from amalthea.layers import FadeIn

from harness import check_layer

OLD, NEW = np.random.default_rng(0).standard_normal((2, 3, 4)).astype("float32") / 3


def test_is_a_layer():
    check_layer(
        lambda **k: FadeIn(0.25, **k),
        (4,),
        (4,),
        non_trainable=1,
        call=lambda layer, inputs: layer([inputs, 2 * inputs]),
    )


@pytest.mark.parametrize(("alpha", "expected"), [(0, OLD), (1, NEW)])
def test_the_ends_are_exact(alpha, expected):
    layer = FadeIn()
    layer.build([OLD.shape, NEW.shape])
    layer.alpha.assign(alpha)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer([OLD, NEW])), expected)


def test_between_the_ends_is_the_weighted_mean():
    outputs = FadeIn(0.25)([OLD, NEW])
    np.testing.assert_allclose(
        ops.convert_to_numpy(outputs), 0.75 * OLD + 0.25 * NEW, rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("alpha", [-0.1, 1.1])
def test_a_wrong_alpha_is_one_sentence(alpha):
    with pytest.raises(ValueError, match=r"alpha must be in \[0, 1\], got"):
        FadeIn(alpha)
