"""What a decoder says of the pixels of an image."""

import math
from collections.abc import Callable
from typing import NamedTuple

from keras import ops

from ..discretized_logistic import log_mass

# A pixel is one of so many values, from 0 to 1.
LEVELS = 256


class Likelihood(NamedTuple):
    """How probable pixels are, given the outputs of a decoder.

    Attributes:
        log_probability: From images, outputs, whose sigmoids are the means of the pixels, and the
            logarithm of a scale, a scalar: in nats, `(…, height, width, channels)`.
        log_scale: The scale's logarithm at first; None where there is no scale.
        discrete: Whether probabilities are of the values of `LEVELS`, not densities or of 0 and 1.
    """

    log_probability: Callable
    log_scale: float | None = None
    discrete: bool = False


def _bernoulli(images, outputs, log_scale):
    return images * outputs - ops.softplus(outputs)


def _gaussian(images, outputs, log_scale):
    deviation = (images - ops.sigmoid(outputs)) * ops.exp(-log_scale)
    return -ops.square(deviation) / 2 - log_scale - math.log(2 * math.pi) / 2


def _discretized_logistic(images, outputs, log_scale):
    return log_mass(images, ops.sigmoid(outputs), log_scale, LEVELS)


LIKELIHOODS = {
    "bernoulli": Likelihood(_bernoulli),
    "gaussian": Likelihood(_gaussian, log_scale=-2.0),
    "discretized_logistic": Likelihood(_discretized_logistic, log_scale=-3.0, discrete=True),
}
