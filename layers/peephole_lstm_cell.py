"""The long short-term memory whose gates see its memory."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("amalthea")
class PeepholeLSTMCell(keras.layers.LSTMCell):
    """A step of a long short-term memory with peepholes: the gates see the memory, too.

    ```
    i = sigmoid(W_i x + U_i h + p_i · c + b_i)      f = sigmoid(W_f x + U_f h + p_f · c + b_f)
    c ← f · c + i · tanh(W_c x + U_c h + b_c)
    o = sigmoid(W_o x + U_o h + p_o · c + b_o)      h ← o · tanh(c)
    ```

    The output gate sees the new memory. With peepholes of 0 it is `keras.layers.LSTMCell`, whose
    arguments it takes, its open forget gates at first among them. To run over sequences it is given
    to `keras.layers.RNN`.

    Args:
        units: Number of units.
        peephole_initializer: Initial weights from the memory to the gates.
        **kwargs: Other arguments of `keras.layers.LSTMCell`.

    Call arguments:
        inputs: What enters at a step, `(batch, features)`.
        states: The hidden state and the memory, `(batch, units)` each.

    Returns:
        The output `(batch, units)`, and the new states.

    Raises:
        ValueError: If `dropout` or `recurrent_dropout` is given.

    Example:
    >>> import keras
    >>> from amalthea.layers import PeepholeLSTMCell
    >>> tuple(keras.layers.RNN(PeepholeLSTMCell(4))(keras.ops.ones((2, 5, 3))).shape)
    (2, 4)

    Reference:
        Gers & Schmidhuber 2000, "Recurrent Nets that Time and Count":
        https://doi.org/10.1109/IJCNN.2000.861302
    """

    def __init__(self, units, *, peephole_initializer="glorot_uniform", **kwargs):
        if kwargs.get("dropout") or kwargs.get("recurrent_dropout"):
            raise ValueError("PeepholeLSTMCell has no dropout of its own, got some")
        super().__init__(units, **kwargs)
        self.peephole_initializer = keras.initializers.get(peephole_initializer)

    def build(self, input_shape):
        super().build(input_shape)
        self.peepholes = self.add_weight(
            shape=(3, self.units), initializer=self.peephole_initializer, name="peepholes"
        )

    def call(self, inputs, states, training=False):
        h, c = states
        sums = ops.matmul(inputs, self.kernel) + ops.matmul(h, self.recurrent_kernel)
        if self.use_bias:
            sums = sums + self.bias
        i, f, new, o = ops.split(sums, 4, axis=-1)
        to_i, to_f, to_o = (self.peepholes[gate] for gate in range(3))
        i = self.recurrent_activation(i + to_i * c)
        f = self.recurrent_activation(f + to_f * c)
        c = f * c + i * self.activation(new)
        o = self.recurrent_activation(o + to_o * c)
        h = o * self.activation(c)
        return h, [h, c]

    def get_config(self):
        return {
            **super().get_config(),
            "peephole_initializer": keras.initializers.serialize(self.peephole_initializer),
        }
