"""Responses divided by what is near them in other maps."""

import keras
import numpy as np
from keras import ops

from ..checks import check_count


@keras.saving.register_keras_serializable("amalthea")
class LocalResponseNormalization(keras.layers.Layer):
    """Divides each response by the size of those at its place in the maps next to its own.

    With aᵢ the response in map i, bᵢ = aᵢ / (bias + alpha · Σ aⱼ²)^beta, where the sum is over
    `size` maps around i, as far as there are any. Alpha multiplies the sum, as in the paper; other
    libraries divide it by `size`.

    Args:
        size: Number of maps of the sum, odd: the map itself, and as many to each side.
        bias: The paper's k, above 0.
        alpha: Factor of the sum.
        beta: The exponent.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, height, width, channels)`.

    Returns:
        The same shape.

    Raises:
        ValueError: If `size` is not odd, or `bias` not above 0.

    Example:
    >>> import keras
    >>> from amalthea.layers import LocalResponseNormalization
    >>> layer = LocalResponseNormalization(3, bias=1, alpha=1, beta=1)
    >>> images = keras.ops.array([1.0, 0.0, 1.0])[None, None, None]
    >>> keras.ops.convert_to_numpy(layer(images)).ravel().tolist()
    [0.5, 0.0, 0.5]

    Reference:
        Krizhevsky, Sutskever & Hinton 2012, "ImageNet Classification with Deep Convolutional Neural
        Networks", section 3.3: https://papers.nips.cc/paper/4824
    """

    def __init__(
        self,
        size: int = 5,
        bias: float = 2.0,
        alpha: float = 1e-4,
        beta: float = 0.75,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.size = check_count("size", size)
        if size % 2 == 0:
            raise ValueError(f"size must be odd, got {size}")
        if not bias > 0:
            raise ValueError(f"bias must be above 0, got {bias!r}")
        self.bias, self.alpha, self.beta = bias, alpha, beta

    def call(self, inputs):
        if keras.backend.backend() == "tensorflow" and self.compute_dtype != "float64":
            import tensorflow as tf

            outputs = tf.nn.local_response_normalization(
                ops.cast(inputs, "float32"), self.size // 2, self.bias, self.alpha, self.beta
            )
            return ops.cast(outputs, self.compute_dtype)
        maps = np.arange(inputs.shape[-1])
        near = np.abs(maps[:, None] - maps) <= self.size // 2
        sums = ops.matmul(ops.square(inputs), ops.cast(near, self.compute_dtype))
        return inputs / (self.bias + self.alpha * sums) ** self.beta

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "size": self.size,
            "bias": self.bias,
            "alpha": self.alpha,
            "beta": self.beta,
        }
