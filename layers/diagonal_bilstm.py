"""The diagonal bidirectional LSTM of the PixelRNN."""

import keras
from keras import ops

from ..checks import check_count
from .raster import channel_mask, read
from .row_lstm import lstm, open_forget_gates


@keras.saving.register_keras_serializable("amalthea")
class DiagonalBiLSTM(keras.layers.Layer):
    """Two LSTMs whose steps are the diagonals of an image, from either upper corner.

    At a pixel, gates get its inputs (a masked 1×1 convolution, mask B) and the outputs of the pixel
    above and of the one beside it, from which its cells come, too: to the left for one LSTM, to the
    right for the other. The latter's outputs are moved down by a row before the two are added, so
    that no pixel sees later ones, and every pixel all earlier ones. Rows are shifted so that
    diagonals are columns; what lies outside of the image has outputs and cells of zero. The gates
    are those of `keras.layers.LSTM`, in its order: input, forget, cell, output; forget gates begin
    open.

    Args:
        units: Number of output features.
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
    >>> from amalthea.layers import DiagonalBiLSTM
    >>> tuple(DiagonalBiLSTM(4)(keras.ops.ones((1, 5, 6, 2))).shape)
    (1, 5, 6, 4)

    Reference:
        van den Oord, Kalchbrenner & Kavukcuoglu 2016, "Pixel Recurrent Neural Networks", section
        3.2: https://arxiv.org/abs/1601.06759
    """

    vertical = False

    def __init__(self, units: int, *, channels: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.units = check_count("units", units)
        self.channels = check_count("channels", channels)

    def build(self, input_shape):
        inputs, gates = input_shape[-1], 4 * self.units
        # First of each is that from the left.
        self.kernel, self.recurrent_kernel, self.bias = [], [], []
        for side in ("left", "right"):
            self.kernel.append(
                self.add_weight(
                    name=f"{side}_kernel", shape=(inputs, gates), initializer="glorot_uniform"
                )
            )
            self.recurrent_kernel.append(  # of the pixel above, and of the one beside
                self.add_weight(
                    name=f"{side}_recurrent_kernel",
                    shape=(2, self.units, gates),
                    initializer="orthogonal",
                )
            )
            self.bias.append(
                self.add_weight(name=f"{side}_bias", shape=(gates,), initializer=open_forget_gates)
            )
        self._seen = channel_mask(inputs, gates, self.channels, strict=False, gates=4)

    def call(self, inputs):
        height, width = inputs.shape[1:3]
        sides = ops.stack([inputs, ops.flip(inputs, axis=2)])  # (2, batch, height, width, …)
        gates = ops.stack([self._entering(sides[side], side) for side in (0, 1)])
        recurrent = ops.stack([read(self, kernel) for kernel in self.recurrent_kernel])
        recurrent = ops.reshape(recurrent, (2, 2 * self.units, -1))
        inside = _skewed(ops.ones((height, width, 1), gates.dtype))  # (height, diagonals, 1)
        diagonals = ops.transpose(_skewed(gates), (3, 0, 1, 2, 4)), ops.transpose(inside, (1, 0, 2))

        def next_diagonal(states, diagonal):
            gates, inside = diagonal
            outputs, cells = states  # (2, batch, height, units)
            above = ops.pad(outputs[:, :, :-1], ((0, 0), (0, 0), (1, 0), (0, 0)))
            around = ops.concatenate([above, outputs], axis=-1)
            around = ops.reshape(around, (2, -1, 2 * self.units))
            gates = gates + ops.reshape(ops.matmul(around, recurrent), ops.shape(gates))
            states = tuple(x * inside for x in lstm(gates, cells))
            return states, states

        zeros = ops.zeros_like(gates[..., 0, : self.units])
        _, (outputs, _) = ops.scan(next_diagonal, (zeros, zeros), diagonals)
        sides = _unskewed(ops.transpose(outputs, (1, 2, 3, 0, 4)), width)
        left, right = sides[0], ops.flip(sides[1], axis=2)
        down = ops.pad(right[:, :-1], ((0, 0), (1, 0), (0, 0), (0, 0)))
        return left + down

    def _entering(self, inputs, side: int):
        """What inputs, `(…, features)`, give to the gates of a side."""
        return ops.matmul(inputs, self._kernel(side)) + read(self, self.bias[side])

    def _kernel(self, side: int):
        kernel = read(self, self.kernel[side])
        if self.channels == 1:
            return kernel
        return kernel * ops.convert_to_tensor(self._seen, self.compute_dtype)

    def start(self, batch, width):
        """Outputs of either side in the row above the first: zeros."""
        zeros = ops.zeros((width, batch, self.units), self.compute_dtype)
        return zeros, zeros

    def enter(self, rows):
        """Weights from the left, what the row above gives to gates and to outputs, and zeros."""
        left, right = rows
        recurrent = read(self, self.recurrent_kernel[0])
        weights = ops.concatenate([self._kernel(0), recurrent[1]])
        above = ops.matmul(left, recurrent[0]) + read(self, self.bias[0]), right
        inputs = ops.zeros((ops.shape(left)[1], self.kernel[0].shape[0]), self.compute_dtype)
        zeros = ops.zeros_like(left[0])
        return weights, above, (inputs, zeros, zeros)

    def step(self, inputs, state, above, weights):
        """What is given at a pixel, from its inputs, the one to the left, and the row above."""
        from_above, right = above
        seen = ops.concatenate([inputs, state[1]], axis=-1)
        outputs, cells = lstm(ops.matmul(seen, weights) + from_above, state[2])
        return outputs + right, (inputs, outputs, cells)

    def leave(self, rows, states):
        """Outputs of either side in the row."""
        inputs, left, _ = states
        above = rows[1]
        recurrent = read(self, self.recurrent_kernel[1])
        gates = self._entering(inputs, 1) + ops.matmul(above, recurrent[0])

        def next_column(states, gates):
            outputs, cells = states
            gates = gates + ops.matmul(outputs, recurrent[1])
            states = lstm(gates, cells)
            return states, states

        zeros = ops.zeros_like(above[0])
        _, (right, _) = ops.scan(next_column, (zeros, zeros), ops.flip(gates, axis=0))
        return left, ops.flip(right, axis=0)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "channels": self.channels}


def _skewed(images):
    """Rows, `(…, height, width, features)`, each shifted to the right by one more than the last."""
    *outer, height, width, features = ops.shape(images)
    x = ops.pad(images, [(0, 0)] * (len(outer) + 1) + [(0, height), (0, 0)])
    x = ops.reshape(x, (*outer, height * (width + height), features))
    x = x[..., : height * (width + height - 1), :]
    return ops.reshape(x, (*outer, height, width + height - 1, features))


def _unskewed(images, width: int):
    """Rows that `_skewed` has shifted, as they were."""
    *outer, height, diagonals, features = ops.shape(images)
    x = ops.reshape(images, (*outer, height * diagonals, features))
    x = ops.pad(x, [(0, 0)] * len(outer) + [(0, height), (0, 0)])
    return ops.reshape(x, (*outer, height, diagonals + 1, features))[..., :width, :]
