"""What a decoder says of the pixels of an image."""

import math
from collections.abc import Callable
from typing import NamedTuple

from keras import ops

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
    """The mass of a logistic distribution in the bin of the pixel; the outer bins are endless."""
    images = ops.round(images * (LEVELS - 1)) / (LEVELS - 1)
    half = 0.5 / (LEVELS - 1)
    distance, narrowness = images - ops.sigmoid(outputs), ops.exp(-log_scale)
    above, below = (distance + half) * narrowness, (distance - half) * narrowness
    of_first = ops.log_sigmoid(above)
    of_last = ops.log_sigmoid(-below)
    # The difference of two sigmoids, as a product that neither vanishes nor cancels.
    between = of_first + of_last + ops.log(-ops.expm1(below - above))
    return ops.where(images <= 0, of_first, ops.where(images >= 1, of_last, between))


LIKELIHOODS = {
    "bernoulli": Likelihood(_bernoulli),
    "gaussian": Likelihood(_gaussian, log_scale=-2.0),
    # Kingma et al. 2016, https://arxiv.org/abs/1606.04934, section 5.2
    "discretized_logistic": Likelihood(_discretized_logistic, log_scale=-3.0, discrete=True),
}
