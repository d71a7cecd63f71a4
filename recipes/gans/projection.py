"""Latents of images that a generator did not make, found by gradient descent."""

from keras import ops

from ...layers.input_gradient import input_gradient

# Of Adam, in units of the latents.
STEP, BETA_1, BETA_2, EPSILON = 0.1, 0.9, 0.999, 1e-8


def project(make, latents, images, steps):
    """Latents whose images come nearest to given ones, by Adam.

    The distance of two images is the mean squared difference of their pixels, and of those of both
    halved in size again and again down to four pixels a side, so that coarse features count.

    Args:
        make: From latents, `(batch, …)`, to images; row by row.
        latents: Where the search begins.
        images: `(batch, height, width, channels)`, as large as those that `make` gives.
        steps: How many steps are taken, a number or a scalar tensor.

    Returns:
        The best latents that were met, their images and distances, `(batch,)`.
    """

    def distance(latents):
        return _distance(make(latents), images)

    def better(best, least, latents):
        found = distance(latents)
        column = ops.reshape(found < least, (-1, *[1] * (len(latents.shape) - 1)))
        return ops.where(column, latents, best), ops.minimum(found, least)

    def step(index, state):
        latents, mean, square, best, least = state
        gradient = input_gradient(distance, latents)
        mean = BETA_1 * mean + (1 - BETA_1) * gradient
        square = BETA_2 * square + (1 - BETA_2) * ops.square(gradient)
        count = ops.cast(index + 1, mean.dtype)
        root = ops.sqrt(square / (1 - ops.power(BETA_2, count))) + EPSILON
        latents = latents - STEP * mean / (1 - ops.power(BETA_1, count)) / root
        return latents, mean, square, *better(best, least, latents)

    zeros = ops.zeros_like(latents)
    state = latents, zeros, zeros, latents, distance(latents)
    *_, best, least = ops.fori_loop(0, steps, step, state)
    return best, make(best), least


def _distance(one, other):
    """Of each pair of images: `(batch,)`."""
    total = 0.0
    while True:
        total = total + ops.mean(ops.square(one - other), axis=(1, 2, 3))
        if min(one.shape[1:3]) < 8:
            return total
        one, other = (
            ops.average_pool(images, 2, 2, data_format="channels_last") for images in (one, other)
        )
