"""What outputs of an autoregressive model say of the values of a pixel."""

import math
from dataclasses import dataclass
from typing import Annotated, Protocol

from keras import ops

from ...checks import is_whole
from ..discretized_logistic import log_mass
from ..search import Given, at_least

BERNOULLI, CATEGORICAL, MIXTURE = "bernoulli", "categorical", "logistic_mixture"
LIKELIHOODS = (BERNOULLI, CATEGORICAL, MIXTURE)
# Of a logistic distribution: where it begins, on the scale of pixels, and how narrow it may become.
MIDDLE, LOG_SCALE, NARROWEST = 0.5, -2.0, -7.0

PixelLikelihood = Annotated[
    str, Given(lambda v: v in LIKELIHOODS, f"one of {', '.join(map(repr, LIKELIHOODS))}")
]
Levels = Annotated[
    int | None,
    Given(lambda v: v is None or (is_whole(v) and v >= 2), "a whole number of at least 2, or None"),
]
Components = Annotated[int, at_least(1)]


class Likelihood(Protocol):
    """A distribution of the values of one channel of a pixel, from 0 to 1.

    Attributes:
        outputs: How many outputs tell it.
        uniforms: How many uniform numbers a draw takes.
        levels: How many values there are.
    """

    outputs: int
    uniforms: int
    levels: int

    def log_probability(self, pixels, outputs):
        """In nats, of pixels, `(…, channels)`, by outputs, `(…, outputs, channels)`."""

    def sample(self, outputs, uniforms, temperature):
        """Values, `(batch,)`, by outputs, `(batch, outputs)`, and as many rows of uniforms.

        At a temperature of 0 they are the most probable ones, of a mixture the mean of the most
        probable component; at 1 they are drawn by their probabilities.
        """


@dataclass(frozen=True)
class Bernoulli:
    """0 or 1: the output is the logit of 1."""

    outputs, uniforms, levels = 1, 1, 2

    def log_probability(self, pixels, outputs):
        logits = outputs[..., 0, :]
        return pixels * logits - ops.softplus(logits)

    def sample(self, outputs, uniforms, temperature):
        noise = temperature * _logistic(uniforms[:, 0])
        return ops.cast(outputs[:, 0] + noise > 0, "float32")


@dataclass(frozen=True)
class Categorical:
    """One of the levels: the outputs are their logits."""

    levels: int

    @property
    def outputs(self):
        return self.levels

    @property
    def uniforms(self):
        return self.levels

    def log_probability(self, pixels, outputs):
        drawn = ops.cast(ops.round(pixels * (self.levels - 1)), "int32")
        chosen = ops.moveaxis(ops.one_hot(drawn, self.levels), -1, -2)
        return ops.sum(chosen * ops.log_softmax(outputs, axis=-2), axis=-2)

    def sample(self, outputs, uniforms, temperature):
        drawn = ops.argmax(outputs + temperature * _gumbel(uniforms), axis=-1)
        return ops.cast(drawn, "float32") / (self.levels - 1)


@dataclass(frozen=True)
class LogisticMixture:
    """One of the levels, by a mixture of discretized logistic distributions.

    The outputs are, of each component, its logit, its mean and the logarithm of its scale.
    """

    levels: int
    components: int

    @property
    def outputs(self):
        return 3 * self.components

    @property
    def uniforms(self):
        return self.components + 1

    def _of_components(self, outputs, axis: int):
        logits, means, log_scales = ops.split(outputs, 3, axis=axis)
        return logits, means + MIDDLE, ops.maximum(log_scales + LOG_SCALE, NARROWEST)

    def log_probability(self, pixels, outputs):
        logits, means, log_scales = self._of_components(outputs, -2)
        of_each = log_mass(pixels[..., None, :], means, log_scales, self.levels)
        return ops.logsumexp(ops.log_softmax(logits, axis=-2) + of_each, axis=-2)

    def sample(self, outputs, uniforms, temperature):
        logits, means, log_scales = self._of_components(outputs, -1)
        chosen = ops.argmax(logits + temperature * _gumbel(uniforms[:, 1:]), axis=-1)
        chosen = ops.one_hot(chosen, self.components)
        mean = ops.sum(chosen * means, axis=-1)
        scale = ops.exp(ops.sum(chosen * log_scales, axis=-1))
        drawn = mean + temperature * scale * _logistic(uniforms[:, 0])
        steps = self.levels - 1
        return ops.clip(ops.round(drawn * steps), 0, steps) / steps


def likelihood_of(name: str, levels: int | None, components: int) -> Likelihood:
    """The likelihood of that name; 256 levels where not given."""
    if name == BERNOULLI:
        return Bernoulli()
    levels = levels or 256
    return Categorical(levels) if name == CATEGORICAL else LogisticMixture(levels, components)


def _logistic(uniforms):
    return ops.log(uniforms) - ops.log1p(-uniforms)


def _gumbel(uniforms):
    return -ops.log(-ops.log(uniforms))


# Nothing drawn is 0 or 1, of which the logarithm would be no number.
SMALLEST, LARGEST = math.ldexp(1, -24), 1 - math.ldexp(1, -24)
