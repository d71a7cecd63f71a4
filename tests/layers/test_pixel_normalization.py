import numpy as np
import pytest
from keras import ops

from amalthea.layers import PixelNormalization

from harness import check_layer


def test_is_a_layer():
    check_layer(lambda **k: PixelNormalization(**k), (4, 3, 5), (4, 3, 5))


def test_the_mean_square_of_each_pixel_is_1():
    images = np.random.default_rng(0).normal(3, 10, (2, 4, 4, 6)).astype("float32")
    outputs = ops.convert_to_numpy(PixelNormalization()(images))
    np.testing.assert_allclose(np.square(outputs).mean(axis=-1), 1, rtol=1e-5)
    factors = outputs / images
    np.testing.assert_allclose(factors, factors[..., :1] * np.ones(6), rtol=1e-4)


def test_half_precision_does_not_overflow():
    outputs = PixelNormalization(dtype="mixed_float16")(np.full((1, 4), 1000, "float16"))
    np.testing.assert_allclose(ops.convert_to_numpy(outputs), 1, rtol=1e-3)


def test_a_wrong_epsilon_is_one_sentence():
    with pytest.raises(ValueError, match="epsilon must be above 0, got 0"):
        PixelNormalization(0)
