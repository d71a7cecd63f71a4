import numpy as np
import pytest
from keras import ops
from scipy.ndimage import convolve

from amalthea.layers import Blur

from harness import check_layer


def test_is_a_layer():
    check_layer(lambda **k: Blur(**k), (5, 4, 3), (5, 4, 3))


@pytest.mark.parametrize("kernel", [(1, 2, 1), (1, 4, 6, 4, 1)])
def test_is_a_convolution_of_each_channel(kernel):
    images = np.random.default_rng(0).random((2, 6, 7, 3)).astype("float32")
    weights = np.outer(kernel, kernel) / np.square(np.sum(kernel))
    expected = convolve(images, weights[None, :, :, None], mode="constant")
    outputs = ops.convert_to_numpy(Blur(kernel)(images))
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kernel", [(), (1, 0, 1)])
def test_a_wrong_kernel_is_one_sentence(kernel):
    with pytest.raises(ValueError, match="kernel must be numbers above 0, got"):
        Blur(kernel)
