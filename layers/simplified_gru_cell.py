"""The gated recurrent unit without its reset gate."""

import keras
from keras import ops

from ..checks import is_whole


@keras.saving.register_keras_serializable("amalthea")
class SimplifiedGRUCell(keras.layers.Layer):
    """A step of a gated recurrent unit that has an update gate alone.

    ```
    z = sigmoid(W_z x + U_z h + b_z)        c = tanh(W_c x + U_c h + b_c)
    h ← z · c + (1 - z) · h
    ```

    The update gate lets in what is new, as in the paper; that of `keras.layers.GRU` keeps what is
    old. To run over sequences it is given to `keras.layers.RNN`.

    Args:
        units: Number of units.
        kernel_initializer: Initial weights from the inputs.
        recurrent_initializer: Initial weights from the state.
        bias_initializer: Initial biases.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: What enters at a step, `(batch, features)`.
        states: The state, one tensor `(batch, units)` in a list.

    Returns:
        The output and the new state, which are the same `(batch, units)`.

    Raises:
        ValueError: If `units` is no whole number of at least 1.

    Example:
    >>> import keras
    >>> from amalthea.layers import SimplifiedGRUCell
    >>> tuple(keras.layers.RNN(SimplifiedGRUCell(4))(keras.ops.ones((2, 5, 3))).shape)
    (2, 4)

    Reference:
        Cho et al. 2014, "Learning Phrase Representations using RNN Encoder-Decoder":
        https://arxiv.org/abs/1406.1078, whose reset gate is left out
    """

    def __init__(
        self,
        units,
        kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        bias_initializer="zeros",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not (is_whole(units) and units >= 1):
            raise ValueError(f"units must be a whole number of at least 1, got {units!r}")
        self.units = units
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.state_size = self.output_size = units

    def build(self, input_shape):
        both = 2 * self.units
        self.kernel = self.add_weight(
            shape=(input_shape[-1], both), initializer=self.kernel_initializer, name="kernel"
        )
        self.recurrent_kernel = self.add_weight(
            shape=(self.units, both),
            initializer=self.recurrent_initializer,
            name="recurrent_kernel",
        )
        self.bias = self.add_weight(shape=(both,), initializer=self.bias_initializer, name="bias")

    def call(self, inputs, states, training=False):
        (h,) = states
        sums = ops.matmul(inputs, self.kernel) + ops.matmul(h, self.recurrent_kernel) + self.bias
        z, c = ops.split(sums, 2, axis=-1)
        z = ops.sigmoid(z)
        h = z * ops.tanh(c) + (1 - z) * h
        return h, [h]

    def get_initial_state(self, batch_size=None):
        return [ops.zeros((batch_size, self.units), dtype=self.compute_dtype)]

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "recurrent_initializer": keras.initializers.serialize(self.recurrent_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
        }
