"""The row LSTM of the PixelRNN."""

import keras
from keras import initializers, ops

from ..checks import check_count
from .horizontal_conv2d import HorizontalConv2D
from .raster import check_side, over_columns, read


@keras.saving.register_keras_serializable("amalthea")
class RowLSTM(keras.layers.Layer):
    """LSTM whose steps are the rows of an image, all pixels of a row at once.

    Gates get what a masked convolution along the row gives (mask B), and a convolution of width 3
    over the states of the row above: a pixel sees a triangle of those above it, and as far to the
    left in its own row as the former reaches. Cells go straight down. The gates are those of
    `keras.layers.LSTM`, in its order: input, forget, cell, output; forget gates begin open.

    Args:
        units: Number of output features.
        kernel_size: Width of the convolution along the row, odd and at least 3.
        channels: Channels of the image, at least 1.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, height, width, features)`, height and width being known.

    Returns:
        `(batch, height, width, units)`.

    Raises:
        ValueError: If a number is not as above.

    Example:
    >>> import keras
    >>> from amalthea.layers import RowLSTM
    >>> tuple(RowLSTM(4)(keras.ops.ones((1, 5, 6, 2))).shape)
    (1, 5, 6, 4)

    Reference:
        van den Oord, Kalchbrenner & Kavukcuoglu 2016, "Pixel Recurrent Neural Networks", section
        3.1: https://arxiv.org/abs/1601.06759
    """

    vertical = False

    def __init__(self, units: int, kernel_size: int = 3, *, channels: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.units = check_count("units", units)
        self.kernel_size = check_side(kernel_size)
        self.channels = check_count("channels", channels)
        self.along = HorizontalConv2D(
            4 * units,
            kernel_size,
            channels=channels,
            gates=4,
            bias_initializer=open_forget_gates,
            dtype=self.dtype_policy,
            name="along",
        )

    def build(self, input_shape):
        self.along.build(input_shape)
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel",
            shape=(3, self.units, 4 * self.units),
            initializer="glorot_uniform",
        )

    def call(self, inputs):
        gates = ops.transpose(self.along(inputs), (1, 0, 2, 3))  # (height, batch, width, 4 · units)

        def next_row(states, gates):
            above = ops.conv(
                states[0], self.recurrent_kernel, padding="same", data_format="channels_last"
            )
            states = lstm(gates + above, states[1])
            return states, states

        zeros = ops.zeros_like(gates[0, ..., : self.units])
        _, (outputs, _) = ops.scan(next_row, (zeros, zeros), gates)
        return ops.transpose(outputs, (1, 0, 2, 3))

    def start(self, batch, width):
        """Outputs and cells above the first row: zeros."""
        zeros = ops.zeros((width, batch, self.units), self.compute_dtype)
        return zeros, zeros

    def enter(self, rows):
        """Weights along the row, what the row above gives to gates, its cells, and zeros."""
        outputs, cells = rows
        weights, _, left = self.along.enter(outputs)
        from_above = over_columns(outputs, read(self, self.recurrent_kernel)[None])
        zeros = ops.zeros_like(outputs[0])
        return weights, (from_above, cells), (left, zeros, zeros)

    def step(self, inputs, state, above, weights):
        """What is given at a pixel, from its inputs, those to the left, and the row above."""
        gates, left = self.along.step(inputs, state[0], (), weights)
        from_above, cells = above
        outputs, cells = lstm(gates + from_above, cells)
        return outputs, (left, outputs, cells)

    def leave(self, rows, states):
        """Outputs and cells of the row."""
        return states[1:]

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "kernel_size": self.kernel_size,
            "channels": self.channels,
        }


def lstm(gates, cells):
    """Outputs and cells, from what goes into the four gates and the cells before."""
    entry, forget, candidate, output = ops.split(gates, 4, axis=-1)
    cells = ops.sigmoid(forget) * cells + ops.sigmoid(entry) * ops.tanh(candidate)
    return ops.sigmoid(output) * ops.tanh(cells), cells


@keras.saving.register_keras_serializable("amalthea")
def open_forget_gates(shape, dtype=None):
    """Initial biases of four gates, of which those of the forget gates are one."""
    units = shape[-1] // 4
    ones = initializers.Ones()((*shape[:-1], units), dtype)
    zeros = ops.zeros_like(ones)
    return ops.concatenate([zeros, ones, zeros, zeros], axis=-1)
