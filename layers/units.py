"""The kinds of units of a Boltzmann machine: what they are on average, and how they are drawn."""

import math

from keras import ops, random


class Bernoulli:
    """Units that are 0 or 1."""

    unknown = 0.5  # the mean of a unit that nothing is known of

    def mean(self, inputs):
        """Mean of the units, given their total inputs: `(batch, units)` to the same."""
        return ops.sigmoid(inputs)

    def draw(self, mean, seed):
        """States from means: `(batch, units)` to the same."""
        noise = random.uniform(ops.shape(mean), dtype=mean.dtype, seed=seed)
        return ops.ceil(mean - noise)  # faster than to compare and cast

    def log_sum(self, inputs):
        """Log of the sum over the states of each unit of `exp(input · state)`."""
        return ops.softplus(inputs)

    def log_sum_rise(self, inputs, mean, change):
        """By how much `log_sum` rises if the inputs, at which the units have a mean, change."""
        # Faster than a difference of softplus; 1 − mean would be 0 where the mean is nearly 1.
        return ops.log(ops.sigmoid(-inputs) + mean * ops.exp(change))

    def negative_log_likelihood(self, values, inputs):
        """Minus the log-probability of values given total inputs, summed: `(batch,)`, in nats."""
        return ops.sum(ops.softplus(inputs) - values * inputs, axis=-1)

    def input_for(self, mean):
        """The total input at which the units have a mean."""
        return ops.log(mean) - ops.log1p(-mean)


class Gaussian:
    """Units with real values, normal with variance 1."""

    unknown = 0.0

    def mean(self, inputs):
        """As of binary units."""
        return inputs

    def draw(self, mean, seed):
        """As of binary units."""
        return mean + random.normal(ops.shape(mean), dtype=mean.dtype, seed=seed)

    def log_sum(self, inputs):
        """Log of the integral over the states of each unit of `exp(input · state − ½ state²)`."""
        return ops.square(inputs) / 2 + math.log(2 * math.pi) / 2

    def log_sum_rise(self, inputs, mean, change):
        """As of binary units."""
        return change * (inputs + change / 2)

    def negative_log_likelihood(self, values, inputs):
        """Half the squared error, which lacks a constant to minus the log-density: `(batch,)`."""
        return ops.sum(ops.square(values - inputs), axis=-1) / 2

    def input_for(self, mean):
        """As of binary units."""
        return mean


class WithSoftmax(Bernoulli):
    """Binary units, the last of which form groups of which one unit is on.

    Args:
        groups: Number of groups.
        size: Number of units of a group.
    """

    def __init__(self, groups: int, size: int):
        self.groups = groups
        self.size = size

    def mean(self, inputs):
        binary, grouped = self._split(inputs)
        return self._join(super().mean(binary), ops.softmax(grouped))

    def draw(self, mean, seed):
        binary, grouped = self._split(mean)
        logits = ops.reshape(ops.log(grouped), (-1, self.size))
        on = random.categorical(ops.cast(logits, "float32"), 1, seed=seed)[:, 0]
        states = ops.reshape(ops.one_hot(on, self.size, dtype=mean.dtype), ops.shape(grouped))
        return self._join(super().draw(binary, seed), states)

    def log_sum(self, inputs):
        """Of a group the sum is over its states, so the last axis is shorter."""
        binary, grouped = self._split(inputs)
        return ops.concatenate([super().log_sum(binary), ops.logsumexp(grouped, axis=-1)], axis=-1)

    def negative_log_likelihood(self, values, inputs):
        return ops.sum(self.log_sum(inputs), axis=-1) - ops.sum(values * inputs, axis=-1)

    def input_for(self, mean):
        binary, grouped = self._split(mean)
        return self._join(super().input_for(binary), ops.log(grouped))

    def _split(self, units):
        """`(…, units)` as `(…, binary)` and `(…, groups, size)`."""
        binary = units.shape[-1] - self.groups * self.size
        grouped = ops.reshape(units[..., binary:], (*ops.shape(units)[:-1], self.groups, self.size))
        return units[..., :binary], grouped

    def _join(self, binary, grouped):
        flat = ops.reshape(grouped, (*ops.shape(grouped)[:-2], self.groups * self.size))
        return ops.concatenate([binary, flat], axis=-1) if binary.shape[-1] else flat


UNITS = {"bernoulli": Bernoulli(), "gaussian": Gaussian()}
