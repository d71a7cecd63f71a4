"""The convolution of the horizontal stack of the gated PixelCNN, and of the row LSTM."""

import keras
import numpy as np
from keras import initializers, ops

from ..checks import check_count
from .raster import along_taps, channel_mask, check_side, pad, read


@keras.saving.register_keras_serializable("amalthea")
class HorizontalConv2D(keras.layers.Layer):
    """Convolution along a row, of which no output sees a pixel to its right.

    Where the centre is masked (mask A, for a first layer) nor does one see its own pixel. Features
    are of the image's channels by turns, from the first on; those of a channel see, of their own
    pixel, earlier channels, and with mask B their own. Pixels that are not seen have no weights.

    Args:
        filters: Number of output features.
        kernel_size: Width of the kernel whose left part this is, odd and at least 3.
        mask_center: Whether the pixel itself is masked (mask A), or not (mask B).
        channels: Channels of the image, at least 1.
        gates: Into how many parts of equal size the outputs are to be split; turns of the channels
            begin anew in each.
        kernel_initializer: Initializer of the kernel, `(taps, inputs, filters)`.
        bias_initializer: Initializer of the bias.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, height, width, features)`.

    Returns:
        `(batch, height, width, filters)`.

    Raises:
        ValueError: If a number is not as above, or `filters` are not so many equal parts.

    Example:
    >>> import keras
    >>> from amalthea.layers import HorizontalConv2D
    >>> layer = HorizontalConv2D(4, 3, mask_center=True)
    >>> tuple(layer(keras.ops.ones((1, 5, 5, 1))).shape)
    (1, 5, 5, 4)
    >>> layer.count_params()  # one pixel to the left, and biases
    8

    Reference:
        van den Oord et al. 2016, "Conditional Image Generation with PixelCNN Decoders", section
        2.2: https://arxiv.org/abs/1606.05328
    """

    vertical = False

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        *,
        mask_center: bool = False,
        channels: int = 1,
        gates: int = 1,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters = check_count("filters", filters)
        self.kernel_size = check_side(kernel_size)
        self.mask_center = mask_center
        self.channels = check_count("channels", channels)
        self.gates = check_count("gates", gates)
        if filters % gates:
            raise ValueError(f"filters must be {gates} equal parts, got {filters}")
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)

    @property
    def reach(self) -> int:
        """How many pixels to the left are seen."""
        return self.kernel_size // 2

    def build(self, input_shape):
        inputs, own = input_shape[-1], not self.mask_center or self.channels > 1
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.reach + own, inputs, self.filters),
            initializer=self.kernel_initializer,
        )
        self.bias = self.add_weight(
            name="bias", shape=(self.filters,), initializer=self.bias_initializer
        )
        self._seen = None
        if self.channels > 1:
            self._seen = np.ones(self.kernel.shape, "float32")
            self._seen[-1] = channel_mask(
                inputs, self.filters, self.channels, strict=self.mask_center, gates=self.gates
            )

    def _kernel(self):
        kernel = read(self, self.kernel)
        if self._seen is None:
            return kernel
        return kernel * ops.convert_to_tensor(self._seen, self.compute_dtype)

    def call(self, inputs):
        kernel = self._kernel()
        x = pad(inputs, left=self.reach)
        if kernel.shape[0] == self.reach:
            x = x[:, :, :-1]
        return ops.add(ops.conv(x, kernel[None], data_format="channels_last"), self.bias)

    def start(self, batch, width):
        """Nothing is kept of rows: only the number of images, as an empty tensor."""
        return ops.zeros((width, batch, 0), self.compute_dtype)

    def enter(self, rows):
        """The kernel and the bias, nothing from above, and the pixels to the left: zeros."""
        taps, inputs, filters = self.kernel.shape
        kernel = ops.reshape(self._kernel(), (taps * inputs, filters))
        left = (ops.shape(rows)[1], self.reach * inputs)
        return (kernel, read(self, self.bias)), (), ops.zeros(left, self.compute_dtype)

    def step(self, inputs, state, above, weights):
        """What is given at a pixel, from its inputs and those to the left."""
        kernel, bias = weights
        x, left = along_taps(state, inputs, kernel)
        return ops.add(x, bias), left

    def leave(self, rows, states):
        """Nothing is kept."""
        return rows

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "mask_center": self.mask_center,
            "channels": self.channels,
            "gates": self.gates,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
        }
