"""The general Boltzmann machine, trained by sampling with the data clamped and with nothing."""

import keras
import numpy as np
from keras import initializers, ops, random

from ..checks import check_count
from .boltzmann_gradient import descent
from .pairs import Pairs
from .seed_stream import SeedStream
from .seeded_layer import SeededLayer
from .units import UNITS

MEAN_FIELD_STEPS = 30


@keras.saving.register_keras_serializable("amalthea")
class BoltzmannMachine(SeededLayer):
    """Boltzmann machine: binary visible and hidden units, all joined to each other.

    Its energy is `E(s) = −½ sᵀWs − bᵀs` over the states `s` of the visible units followed by the
    hidden ones, with a symmetric `W` of zero diagonal. At the temperature T the states have
    probabilities in proportion to `exp(−E/T)`, and given all others a unit is on with probability
    `sigmoid((Σ_j w_ij s_j + b_i) / T)`. Forward it computes the probabilities of the hidden units
    given the visible ones, in mean-field approximation, which is exact if no two hidden units are
    joined.

    It adds a loss whose gradient is that of the likelihood, `⟨s_i s_j⟩` in the model minus
    `⟨s_i s_j⟩` with the visible units clamped to data, over T. Both means are estimated by Gibbs
    sampling, one unit after another. With data clamped, hidden units start from their mean field;
    in the model, chains go on from step to step or, if there are none, start at the states of the
    data. As that gradient is not the gradient of any function, the loss has another value: minus
    the pseudo-log-likelihood in nats, estimated from one visible unit of each row, with mean-field
    free energies.

    Args:
        hidden: Number of hidden units, at least 1.
        temperature: The temperature T, above 0.
        gibbs_steps: Sweeps over all units before statistics are taken, at least 1.
        persistent_chains: Number of chains that are kept from step to step; 0 for chains that start
            at the data.
        connections: `(units, units)` of 0 and 1, symmetric, visible units first: which units are
            joined. None to join each to every other.
        weight_decay: What the weights times is added to their gradient, at least 0.
        kernel_initializer: Initializer of the weights, one for each joined pair; normal with a
            standard deviation of 0.01 where not given.
        bias_initializer: Initializer of the biases.
        seed: Seed of all that is drawn.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, visible)`.
        training: Whether the loss has a gradient, and chains move.

    Returns:
        `(batch, hidden)` probabilities.

    Raises:
        ValueError: If an argument is out of its range, the last axis of the input is undefined, or
            the connections are not those of as many units.

    Example:
    >>> import keras
    >>> from amalthea.layers import BoltzmannMachine
    >>> machine = BoltzmannMachine(4)
    >>> tuple(machine(keras.ops.ones((2, 6))).shape)
    (2, 4)
    >>> [tuple(weight.shape) for weight in machine.trainable_weights]  # 10 · 9 / 2 pairs, 10 biases
    [(45,), (10,)]
    >>> tuple(machine.energy(keras.ops.ones((2, 10))).shape)
    (2,)

    Reference:
        Ackley, Hinton & Sejnowski 1985, "A Learning Algorithm for Boltzmann Machines":
        https://doi.org/10.1207/s15516709cog0901_7;
        Tieleman 2008 for persistent chains: https://doi.org/10.1145/1390156.1390290;
        Salakhutdinov & Hinton 2009 for mean fields beside them:
        https://proceedings.mlr.press/v5/salakhutdinov09a.html
    """

    def __init__(
        self,
        hidden: int,
        temperature: float = 1.0,
        gibbs_steps: int = 1,
        persistent_chains: int = 64,
        connections=None,
        weight_decay: float = 0.0,
        kernel_initializer=None,
        bias_initializer="zeros",
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(seed, **kwargs)
        if not temperature > 0:
            raise ValueError(f"temperature must be above 0, got {temperature}")
        if weight_decay < 0:
            raise ValueError(f"weight_decay must be at least 0, got {weight_decay}")
        self.hidden = check_count("hidden", hidden)
        self.temperature = temperature
        self.gibbs_steps = check_count("gibbs_steps", gibbs_steps)
        self.persistent_chains = check_count("persistent_chains", persistent_chains, least=0)
        self.connections = None if connections is None else _rows(connections)
        self.weight_decay = weight_decay
        self.kernel_initializer = initializers.get(
            kernel_initializer or initializers.RandomNormal(stddev=0.01)
        )
        self.bias_initializer = initializers.get(bias_initializer)

    def build(self, input_shape):
        visible = input_shape[-1]
        if visible is None:
            raise ValueError(
                f"{self.name} needs a defined last axis, got inputs of shape {input_shape}"
            )
        self.visible = visible
        self.units = visible + self.hidden
        if self.connections is not None and np.shape(self.connections) != (self.units, self.units):
            raise ValueError(
                f"connections must be those of {visible} visible and {self.hidden} hidden units, "
                f"got the shape {np.shape(self.connections)}"
            )
        self.pairs = Pairs(self.units, self.connections)
        self.kernel = self.add_weight(
            name="kernel", shape=(self.pairs.count,), initializer=self.kernel_initializer
        )
        self.bias = self.add_weight(
            name="bias", shape=(self.units,), initializer=self.bias_initializer
        )
        if self.persistent_chains:
            shape = (self.persistent_chains, self.units)
            self.chains = self.add_state("chains", shape, 0.5, "only_first_replica")

    def call(self, inputs, training=False):
        hidden = self.mean_field(inputs)
        if training:
            data, chain = self._contrast(inputs, hidden)
            reported = self._reported_loss(inputs, hidden, self.seed_generator.next())
            self.add_loss(descent(self.trainable_weights, self._gradients(data, chain), reported))
        else:
            self.add_loss(self._reported_loss(inputs, hidden, 0))
        return hidden

    def weight_matrix(self):
        """The weights as a symmetric `(units, units)` with a diagonal of 0."""
        return self.pairs.matrix(ops.cast(self.kernel, self.compute_dtype))

    def energy(self, states):
        """`E(s)`: `(batch, units)` to `(batch,)`."""
        states = ops.cast(states, self.compute_dtype)
        inputs = ops.matmul(states, self.weight_matrix()) / 2 + self._bias()
        return -ops.sum(states * inputs, axis=-1)

    def conditional(self, states):
        """Probability that each unit is on given all others, both `(batch, units)`."""
        states = ops.cast(states, self.compute_dtype)
        inputs = ops.matmul(states, self.weight_matrix()) + self._bias()
        return ops.sigmoid(inputs / self.temperature)

    def mean_field(self, visible):
        """Probabilities of the hidden units: `(batch, visible)` to `(batch, hidden)`."""
        visible = ops.cast(visible, self.compute_dtype)
        matrix = self.weight_matrix()
        inputs = ops.matmul(visible, matrix[: self.visible, self.visible :])
        inputs = inputs + self._bias()[self.visible :]
        kernel = matrix[self.visible :, self.visible :]

        def step(_, hidden):
            target = ops.sigmoid((inputs + ops.matmul(hidden, kernel)) / self.temperature)
            return (hidden + target) / 2  # all at once they could swing for ever

        start = ops.sigmoid(inputs / self.temperature)
        return ops.fori_loop(0, MEAN_FIELD_STEPS, step, start)

    def free_energy(self, visible):
        """An upper bound of `−T log Σ_h exp(−E(v, h) / T)`: `(batch, visible)` to `(batch,)`.

        It is the mean field's, and equal if no two hidden units are joined.
        """
        return self._free_energy(visible, self.mean_field(visible))

    def draw(self, probabilities, seed):
        """Binary states from probabilities, both of any shape."""
        return UNITS["bernoulli"].draw(probabilities, seed)

    def gibbs(self, states, sweeps, seed, given=None):
        """Run Gibbs chains: one unit after another, sweep after sweep.

        Args:
            states: Where the chains start, `(batch, units)`.
            sweeps: Number of sweeps over all units, a number or a scalar tensor.
            seed: `(2,)` uint32 from a `keras.random.SeedGenerator`, or a number.
            given: `(batch, units)`, 1 where the unit keeps its value and 0 elsewhere.

        Returns:
            The last states and the probabilities they were drawn from, `(batch, units)` each.
        """
        return self._gibbs(states, sweeps, seed, given)

    def _gibbs(self, states, sweeps, seed, given=None, first=0):
        """Gibbs chains over the units from `first` on."""
        states = ops.stop_gradient(ops.cast(states, self.compute_dtype))
        matrix = ops.stop_gradient(self.weight_matrix())
        bias = ops.stop_gradient(self._bias())
        units = ops.arange(self.units)

        def sweep(index, chain):
            noise = random.uniform(
                ops.shape(states), dtype=self.compute_dtype, seed=SeedStream(seed, index)
            )

            def update(unit, chain):
                states, means = chain
                inputs = ops.matmul(states, ops.take(matrix, unit, axis=1)) + ops.take(bias, unit)
                mean = ops.expand_dims(ops.sigmoid(inputs / self.temperature), 1)  # (batch, 1)
                moves = units == unit
                if given is not None:
                    moves = ops.logical_and(moves, given <= 0)
                drawn = ops.cast(noise < mean, self.compute_dtype)
                return ops.where(moves, drawn, states), ops.where(moves, mean, means)

            return ops.fori_loop(first, self.units, update, chain)

        return ops.fori_loop(0, sweeps, sweep, (states, states))

    def _contrast(self, inputs, hidden):
        """States of all units with the inputs clamped, and with nothing clamped."""
        seed = self.seed_generator.next()
        start = self.draw(hidden, SeedStream(seed, self.gibbs_steps))
        start = ops.concatenate([ops.cast(inputs, start.dtype), start], axis=-1)
        data, _ = self._gibbs(start, self.gibbs_steps, seed, first=self.visible)
        start = self.chains if self.persistent_chains else data
        chain, _ = self._gibbs(start, self.gibbs_steps, self.seed_generator.next())
        if self.persistent_chains:
            self.chains.assign(ops.cast(chain, self.chains.dtype))
        return data, chain

    def _gradients(self, data, chain):
        """Gradients of the kernel and of the biases, from states in the data and in the model."""
        data, chain = (ops.cast(states, self.variable_dtype) for states in (data, chain))
        surplus = self.pairs.vector(_correlation(chain) - _correlation(data))
        decay = self.weight_decay * ops.cast(self.kernel, self.variable_dtype)
        bias_gradient = ops.mean(chain, axis=0) - ops.mean(data, axis=0)
        return surplus / self.temperature + decay, bias_gradient / self.temperature

    def _reported_loss(self, visible, hidden, seed):
        """Minus `Σ_i log p(v_i | all others)`, estimated from one unit i of each row."""
        visible = ops.cast(visible, self.compute_dtype)
        unit = random.randint(ops.shape(visible)[:1], 0, self.visible, seed=SeedStream(seed))
        flip = ops.one_hot(unit, self.visible, dtype=visible.dtype) * (1 - 2 * visible)
        rise = self.free_energy(visible + flip) - self._free_energy(visible, hidden)
        return -self.visible * ops.mean(ops.log_sigmoid(rise / self.temperature))

    def _free_energy(self, visible, hidden):
        states = ops.concatenate([ops.cast(visible, hidden.dtype), hidden], axis=-1)
        entropy = -ops.sum(_x_log_x(hidden) + _x_log_x(1 - hidden), axis=-1)
        return self.energy(states) - self.temperature * entropy

    def _bias(self):
        return ops.cast(self.bias, self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "hidden": self.hidden,
            "temperature": self.temperature,
            "gibbs_steps": self.gibbs_steps,
            "persistent_chains": self.persistent_chains,
            "connections": self.connections,
            "weight_decay": self.weight_decay,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
        }


def _rows(connections):
    """A symmetric matrix of 0 and 1 as a tuple of its rows."""
    matrix = np.asarray(connections)
    if (
        matrix.ndim != 2
        or not np.array_equal(matrix, matrix.T)
        or not np.isin(matrix, (0, 1)).all()
    ):
        raise ValueError(
            f"connections must be a symmetric matrix of 0 and 1, got the shape {matrix.shape}"
        )
    return tuple(tuple(map(int, row)) for row in matrix)


def _correlation(states):
    """`⟨s sᵀ⟩` over the rows."""
    return ops.matmul(ops.transpose(states), states) / ops.cast(ops.shape(states)[0], states.dtype)


def _x_log_x(x):
    return x * ops.log(ops.maximum(x, keras.config.epsilon()))
