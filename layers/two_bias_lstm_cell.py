"""The long short-term memory with one bias for what enters and one for what it holds."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("amalthea")
class TwoBiasLSTMCell(keras.layers.LSTMCell):
    """A step of a long short-term memory whose gates have two biases, which add up.

    The second one is of no use, but some published nets have it, and its weights are counted there.
    While it is 0 the step is that of `keras.layers.LSTMCell`, whose arguments it takes. To run over
    sequences it is given to `keras.layers.RNN`.

    Args:
        units: Number of units.
        **kwargs: Other arguments of `keras.layers.LSTMCell`.

    Call arguments:
        inputs: What enters at a step, `(batch, features)`.
        states: The hidden state and the memory, `(batch, units)` each.

    Returns:
        The output `(batch, units)`, and the new states.

    Raises:
        ValueError: If `dropout`, `recurrent_dropout`, or `use_bias=False` is given.

    Example:
    >>> import keras
    >>> from amalthea.layers import TwoBiasLSTMCell
    >>> layer = keras.layers.RNN(TwoBiasLSTMCell(4))
    >>> tuple(layer(keras.ops.ones((2, 5, 3))).shape), layer.count_params()
    ((2, 4), 144)

    Reference:
        Karpathy 2015: https://github.com/karpathy/char-rnn, whose layers are so
    """

    def __init__(self, units, **kwargs):
        if kwargs.get("dropout") or kwargs.get("recurrent_dropout"):
            raise ValueError("TwoBiasLSTMCell has no dropout of its own, got some")
        super().__init__(units, **kwargs)
        if not self.use_bias:
            raise ValueError("TwoBiasLSTMCell has two biases, got use_bias=False")

    def build(self, input_shape):
        super().build(input_shape)
        self.recurrent_bias = self.add_weight(
            shape=(4 * self.units,), initializer="zeros", name="recurrent_bias"
        )

    def call(self, inputs, states, training=False):
        h, c = states
        sums = ops.matmul(inputs, self.kernel) + self.bias
        sums = sums + ops.matmul(h, self.recurrent_kernel) + self.recurrent_bias
        i, f, new, o = ops.split(sums, 4, axis=-1)
        i, f, o = map(self.recurrent_activation, (i, f, o))
        c = f * c + i * self.activation(new)
        h = o * self.activation(c)
        return h, [h, c]
