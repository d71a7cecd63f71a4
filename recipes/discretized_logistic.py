"""The logistic distribution over pixels that have a number of values."""

from keras import ops


def log_mass(pixels, means, log_scales, levels: int):
    """Logarithm of the mass that logistic distributions have in the bins of pixels, in nats.

    The outer bins are endless.

    Args:
        pixels: Values in [0, 1], rounded to the nearest of the levels.
        means: In the same units.
        log_scales: Logarithms of the scales, in the same units.
        levels: How many values a pixel can have, evenly from 0 to 1.

    Reference:
        Kingma et al. 2016, "Improved Variational Inference with Inverse Autoregressive Flow",
        section 5.2: https://arxiv.org/abs/1606.04934
    """
    pixels = ops.round(pixels * (levels - 1)) / (levels - 1)
    half = 0.5 / (levels - 1)
    distance, narrowness = pixels - means, ops.exp(-log_scales)
    above, below = (distance + half) * narrowness, (distance - half) * narrowness
    of_first = ops.log_sigmoid(above)
    of_last = ops.log_sigmoid(-below)
    # The difference of two sigmoids, as a product that neither vanishes nor cancels.
    between = of_first + of_last + ops.log(-ops.expm1(below - above))
    return ops.where(pixels <= 0, of_first, ops.where(pixels >= 1, of_last, between))
