"""The masked convolution of the PixelCNN."""

import keras
import numpy as np
from keras import activations, initializers, ops

from ..checks import check_count
from .raster import along_taps, channel_mask, check_side, over_columns, pad, pushed, read


@keras.saving.register_keras_serializable("amalthea")
class MaskedConv2D(keras.layers.Layer):
    """Convolution of which no output depends on a later pixel, in raster order.

    Where the centre is masked (mask A, for a first layer) nor does one depend on its own pixel.
    Images of several channels count as that many values a pixel, one after another: features are of
    the channels by turns, from the first on, and those of a channel see, of their own pixel,
    earlier channels, and with mask B their own.

    The kernel is stored as the square that it is part of; what is masked of it is not used.

    Args:
        filters: Number of output features.
        kernel_size: Side of the kernel, odd and at least 3.
        mask_center: Whether the pixel itself is masked (mask A), or not (mask B).
        channels: Channels of the image, at least 1.
        activation: Activation of the output.
        kernel_initializer: Initializer of the kernel, `(side, side, inputs, filters)`.
        bias_initializer: Initializer of the bias.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, height, width, features)`.

    Returns:
        `(batch, height, width, filters)`.

    Raises:
        ValueError: If a number is not as above.

    Example:
    >>> import keras
    >>> from amalthea.layers import MaskedConv2D
    >>> layer = MaskedConv2D(4, 3, mask_center=True)
    >>> images = keras.ops.ones((1, 5, 5, 1))
    >>> tuple(layer(images).shape)
    (1, 5, 5, 4)
    >>> bool(keras.ops.all(layer(images)[:, 0, 0] == 0))  # before it there is no pixel
    True

    Reference:
        van den Oord, Kalchbrenner & Kavukcuoglu 2016, "Pixel Recurrent Neural Networks", section
        3.4: https://arxiv.org/abs/1601.06759
    """

    vertical = False

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        *,
        mask_center: bool = False,
        channels: int = 1,
        activation=None,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters = check_count("filters", filters)
        self.kernel_size = check_side(kernel_size)
        self.mask_center = mask_center
        self.channels = check_count("channels", channels)
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)

    @property
    def reach(self) -> int:
        """How many rows above, and columns to either side, are seen."""
        return self.kernel_size // 2

    def build(self, input_shape):
        side, reach, inputs = self.kernel_size, self.reach, input_shape[-1]
        self.kernel = self.add_weight(
            name="kernel",
            shape=(side, side, inputs, self.filters),
            initializer=self.kernel_initializer,
        )
        self.bias = self.add_weight(
            name="bias", shape=(self.filters,), initializer=self.bias_initializer
        )
        # Of the rows of the kernel down to the one of the pixel itself.
        self._seen = np.ones((reach + 1, side, inputs, self.filters), "float32")
        self._seen[-1, reach + 1 :] = 0
        self._seen[-1, reach] = channel_mask(
            inputs, self.filters, self.channels, strict=self.mask_center
        )

    def call(self, inputs):
        reach = self.reach
        seen = ops.convert_to_tensor(self._seen, self.compute_dtype)
        x = pad(inputs, top=reach, left=reach, right=reach)
        x = ops.conv(x, self.kernel[: reach + 1] * seen, data_format="channels_last")
        return self.activation(ops.add(x, self.bias))

    def start(self, batch, width):
        """The rows that are seen above the first one: zeros."""
        return ops.zeros((width, batch, self.reach * self.kernel.shape[2]), self.compute_dtype)

    def enter(self, rows):
        """The kernel along the row, what the rows above give, and the pixels to the left: zeros."""
        reach, inputs, kernel = self.reach, self.kernel.shape[2], read(self, self.kernel)
        taps = reach + bool(self._seen[-1, reach].any())
        seen = ops.convert_to_tensor(self._seen[-1, :taps], self.compute_dtype)
        along = ops.reshape(kernel[reach, :taps] * seen, (taps * inputs, self.filters))
        above = ops.add(over_columns(rows, kernel[:reach]), read(self, self.bias))
        return along, above, ops.zeros_like(rows[0])

    def step(self, inputs, state, above, weights):
        """What is given at a pixel, from its inputs, those to the left, and what is from above."""
        x, left = along_taps(state, inputs, weights)
        return self.activation(x + above), left

    def leave(self, rows, states):
        """The rows that are seen above the next one."""
        return pushed(rows, states[..., -self.kernel.shape[2] :])

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "mask_center": self.mask_center,
            "channels": self.channels,
            "activation": activations.serialize(self.activation),
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
        }
