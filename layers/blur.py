"""Smoothing of images."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("amalthea")
class Blur(keras.layers.Layer):
    """Smooths each channel with a small kernel, against aliasing where the size of images changes.

    Args:
        kernel: The kernel along one axis; that of the image is its product with itself, divided by
            the sum. Binomial coefficients are usual; all above 0.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, height, width, channels)`.

    Returns:
        The same shape. Beyond the edges the images count as 0.

    Raises:
        ValueError: If `kernel` is empty or not all above 0.

    Example:
    >>> import keras
    >>> from amalthea.layers import Blur
    >>> outputs = Blur()(keras.ops.ones((1, 3, 3, 1)))
    >>> keras.ops.convert_to_numpy(outputs)[0, 1, :, 0].tolist()
    [0.75, 1.0, 0.75]

    Reference:
        Zhang 2019, "Making Convolutional Networks Shift-Invariant Again":
        https://arxiv.org/abs/1904.11486
    """

    def __init__(self, kernel: tuple[float, ...] = (1, 2, 1), **kwargs):
        super().__init__(**kwargs)
        if not len(kernel) or not min(kernel) > 0:
            raise ValueError(f"kernel must be numbers above 0, got {kernel!r}")
        self.kernel = tuple(kernel)

    def call(self, inputs):
        weights = np.outer(self.kernel, self.kernel)
        weights = (weights / weights.sum())[:, :, None, None]
        weights = np.repeat(weights, inputs.shape[-1], axis=2)
        weights = ops.convert_to_tensor(weights, dtype=self.compute_dtype)
        return ops.depthwise_conv(inputs, weights, padding="same", data_format="channels_last")

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "kernel": self.kernel}
