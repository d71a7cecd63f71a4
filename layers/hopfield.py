"""The Hopfield net, which stores patterns by Hebb's rule and recalls them by settling."""

import keras
from keras import initializers, ops

from ..checks import check_count
from .pairs import Pairs


@keras.saving.register_keras_serializable("amalthea")
class Hopfield(keras.layers.Layer):
    """Hopfield net: units of −1 and 1, all joined, that settle to stored patterns.

    Its energy is `E(s) = −½ sᵀWs` with a symmetric `W` of zero diagonal. Units are updated one
    after another, each to the sign of `Σ_j w_ij s_j`; no update raises the energy, so they settle.
    A unit whose sum is 0 keeps its state, and an input of 0 is a unit that is not known.

    It adds a loss whose gradient is that of the mean energy of the inputs, `−⟨s_i s_j⟩`: gradient
    descent of step size 1 adds Hebb's outer products up. As energy falls for ever with the size of
    the weights, the loss has another value: the share of units that would not stay as they are.

    Args:
        sweeps: Most sweeps over all units, should they not have settled before; at least 1.
        seed: Seed of the order in which units are updated, the same in every sweep.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, units)` of −1 and 1.
        training: Whether the loss has a gradient.

    Returns:
        `(batch, units)`, the states to which the inputs settle.

    Raises:
        ValueError: If an argument is out of its range, or the last axis of the input is undefined.

    Example:
    >>> import keras
    >>> from amalthea.layers import Hopfield
    >>> net = Hopfield()
    >>> pattern = keras.ops.array([[1.0, 1.0, -1.0, 1.0]])
    >>> net.build(pattern.shape)
    >>> _ = net.kernel.assign([1, -1, 1, -1, 1, -1])  # what Hebb's rule gives
    >>> keras.ops.convert_to_numpy(net(keras.ops.array([[1.0, -1.0, -1.0, 1.0]]))).tolist()
    [[1.0, 1.0, -1.0, 1.0]]

    Reference:
        Hopfield 1982, "Neural networks and physical systems with emergent collective computational
        abilities": https://doi.org/10.1073/pnas.79.8.2554
    """

    def __init__(self, sweeps: int = 100, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.sweeps = check_count("sweeps", sweeps)
        self.seed = seed

    def build(self, input_shape):
        units = input_shape[-1]
        if units is None:
            raise ValueError(
                f"{self.name} needs a defined last axis, got inputs of shape {input_shape}"
            )
        self.units = units
        self.pairs = Pairs(units)
        # Small differences of large sums decide, so weights keep all their digits.
        self.kernel = self.add_weight(
            name="kernel", shape=(self.pairs.count,), initializer="zeros", autocast=False
        )
        self.order = self.add_weight(
            name="order",
            shape=(units,),
            initializer=self._shuffled,
            trainable=False,
            autocast=False,
        )

    def call(self, inputs, training=False):
        states = ops.cast(inputs, self.variable_dtype)
        held = states * ops.matmul(states, self.weight_matrix()) > 0
        loss = ops.mean(1 - ops.cast(held, self.variable_dtype))
        if training:
            energy = ops.mean(self.energy(states))
            loss = energy + ops.stop_gradient(loss - energy)
        self.add_loss(loss)
        return ops.cast(self.recall(states), self.compute_dtype)

    def weight_matrix(self):
        """The weights as a symmetric `(units, units)` with a diagonal of 0."""
        return self.pairs.matrix(ops.convert_to_tensor(self.kernel))

    def energy(self, states):
        """`E(s)`: `(batch, units)` to `(batch,)`."""
        states = ops.cast(states, self.variable_dtype)
        return -ops.sum(states * ops.matmul(states, self.weight_matrix()), axis=-1) / 2

    def update(self, states, unit):
        """States after the update of one unit, both `(batch, units)`."""
        states = ops.cast(states, self.variable_dtype)
        return self._update(states, unit, self.weight_matrix())

    def recall(self, states, given=None):
        """Update one unit after another until none changes.

        Args:
            states: `(batch, units)` of −1, 1, and 0 where the unit is not known.
            given: `(batch, units)`, 1 where the unit keeps its value and 0 elsewhere.

        Returns:
            The states to which these settle, `(batch, units)`.
        """
        matrix = ops.stop_gradient(self.weight_matrix())
        order = ops.cast(self.order, "int32")

        def step(index, states):
            return self._update(states, ops.take(order, index), matrix, given)

        def sweep(before, _):
            after = ops.fori_loop(0, self.units, step, before)
            return after, ops.any(after != before)

        states = ops.stop_gradient(ops.cast(states, self.variable_dtype))
        start = (states, ops.convert_to_tensor(True))
        return ops.while_loop(lambda _, moved: moved, sweep, start, self.sweeps)[0]

    def _shuffled(self, shape, dtype):
        priorities = initializers.RandomUniform(0, 1, seed=self.seed)(shape)
        return ops.cast(ops.argsort(priorities), dtype)

    def _update(self, states, unit, matrix, given=None):
        field = ops.expand_dims(ops.matmul(states, ops.take(matrix, unit, axis=1)), 1)  # (batch, 1)
        moves = ops.logical_and(ops.arange(self.units) == unit, field != 0)
        if given is not None:
            moves = ops.logical_and(moves, given <= 0)
        return ops.where(moves, ops.sign(field), states)

    def get_config(self):
        return {**super().get_config(), "sweeps": self.sweeps, "seed": self.seed}
