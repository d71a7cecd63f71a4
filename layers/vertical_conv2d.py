"""The convolution of the vertical stack of the gated PixelCNN."""

import keras
from keras import initializers, ops

from ..checks import check_count
from .raster import check_side, over_columns, pad, pushed, read


@keras.saving.register_keras_serializable("amalthea")
class VerticalConv2D(keras.layers.Layer):
    """Convolution over the rows above a pixel, as far to the right as to the left.

    The row of the pixel itself is read, too, unless it is left out, as it must be in a first layer:
    its inputs must not depend on that row of the image. What is not read has no weights.

    Args:
        filters: Number of output features.
        kernel_size: Side of the square whose upper rows the kernel is, odd and at least 3.
        strict: Whether the pixel's own row is left out.
        kernel_initializer: Initializer of the kernel, `(rows, side, inputs, filters)`.
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
    >>> from amalthea.layers import VerticalConv2D
    >>> layer = VerticalConv2D(4, 3, strict=True)
    >>> images = keras.ops.ones((1, 5, 5, 1))
    >>> tuple(layer(images).shape)
    (1, 5, 5, 4)
    >>> bool(keras.ops.all(layer(images)[:, 0] == 0))  # above the first row there is none
    True

    Reference:
        van den Oord et al. 2016, "Conditional Image Generation with PixelCNN Decoders", section
        2.2: https://arxiv.org/abs/1606.05328
    """

    vertical = True

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        *,
        strict: bool = False,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters = check_count("filters", filters)
        self.kernel_size = check_side(kernel_size)
        self.strict = strict
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)

    def build(self, input_shape):
        rows = self.kernel_size // 2 + (not self.strict)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(rows, self.kernel_size, input_shape[-1], self.filters),
            initializer=self.kernel_initializer,
        )
        self.bias = self.add_weight(
            name="bias", shape=(self.filters,), initializer=self.bias_initializer
        )

    def call(self, inputs):
        seen = inputs[:, :-1] if self.strict else inputs
        reach = self.kernel_size // 2
        x = pad(seen, top=reach, left=reach, right=reach)
        return ops.add(ops.conv(x, self.kernel, data_format="channels_last"), self.bias)

    def start(self, batch, width):
        """The rows that are seen above the first one: zeros."""
        features = self.kernel_size // 2 * self.kernel.shape[2]
        return ops.zeros((width, batch, features), self.compute_dtype)

    def row(self, rows, inputs):
        """What is given at a row, from those above it and its inputs."""
        rows = rows if self.strict else ops.concatenate([rows, inputs], axis=-1)
        return ops.add(over_columns(rows, read(self, self.kernel)), read(self, self.bias))

    def leave(self, rows, inputs):
        """The rows that are seen above the next one."""
        return pushed(rows, inputs)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strict": self.strict,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
        }
