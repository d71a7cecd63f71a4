"""A transposed convolution in two steps."""

import keras
import numpy as np
from keras import layers, ops


@keras.saving.register_keras_serializable("amalthea")
class FoldConv2DTranspose(layers.Conv2DTranspose):
    """Transposed convolution as a product in each pixel and a fold: the same outputs.

    Each pixel is multiplied by the whole kernel, and the products are laid over each other. On a
    CPU that takes less time than Keras' own layer where a single map is made of 32 or more.

    Args:
        filters: Maps that are made.
        kernel_size: Height and width of the kernel, one number for both or two.
        strides: How many times higher and wider the maps become, one number for both or two.
        padding: `"same"` or `"valid"`.
        activation: Activation of the outputs; none if not given.
        **kwargs: Further arguments of `keras.layers.Conv2DTranspose`.

    Call arguments:
        inputs: `(batch, height, width, channels)`.

    Returns:
        `(batch, height · stride, width · stride, filters)` with the padding `"same"`.

    Raises:
        ValueError: Where `keras.layers.Conv2DTranspose` raises it.

    Example:
    >>> import keras
    >>> from amalthea.layers import FoldConv2DTranspose
    >>> layer = FoldConv2DTranspose(1, 3, strides=2, padding="same")
    >>> tuple(layer(keras.ops.ones((2, 7, 7, 32))).shape)
    (2, 14, 14, 1)

    Reference:
        Dumoulin & Visin 2016, "A guide to convolution arithmetic for deep learning", chapter 4:
        https://arxiv.org/abs/1603.07285
    """

    def __init__(self, filters, kernel_size, strides=1, padding="valid", activation=None, **kwargs):
        super().__init__(filters, kernel_size, strides, padding, activation=activation, **kwargs)

    def call(self, inputs):
        height, width, filters, channels = self.kernel.shape
        count = height * width * filters
        products = ops.reshape(ops.moveaxis(self.kernel, -1, 0), (1, 1, channels, count))
        x = ops.conv(inputs, products, 1, "valid", self.data_format)
        x = ops.conv_transpose(
            x,
            ops.cast(np.eye(count).reshape(height, width, filters, count), x.dtype),
            list(self.strides),
            self.padding,
            self.output_padding,
            self.data_format,
            self.dilation_rate,
        )
        if self.use_bias:
            first = self.data_format == "channels_first"
            x = x + ops.reshape(self.bias, (filters, 1, 1) if first else (filters,))
        return self.activation(x)
