"""A lower bound of the log-likelihood that grows tighter with the samples it is given."""

import math

import numpy as np
from keras import ops

from ..errors import UserError
from ..layers.seed_stream import SeedStream
from .compiled import Compiled

# Codes of an image that are decoded at once.
CHUNK = 50


def importance_weighted_bound(
    model,
    images: np.ndarray,
    labels: np.ndarray | None = None,
    *,
    samples: int = 5000,
    batch_size: int = 100,
    seed: int = 0,
) -> np.ndarray:
    """Lower bounds of the log-likelihood of images, by importance sampling of their codes.

    With one sample it is the evidence lower bound; on average it grows with their number, towards
    the log-likelihood. The memory that it takes does not grow beyond that for 50 samples.

    Args:
        model: A variational model: what a recipe such as `variational_autoencoder` gives.
        images: `(count, height, width, channels)`, values in [0, 1]; made binary as the model does.
        labels: Classes, `(count,)`, for a conditional model.
        samples: Codes drawn for each image.
        batch_size: Images at a time.
        seed: Seed of the draws.

    Returns:
        The bound of each image in nats, `(count,)`.

    Raises:
        UserError: If `samples` is below 1, or a conditional model is given no labels.

    Reference:
        Burda, Grosse & Salakhutdinov 2015, "Importance Weighted Autoencoders":
        https://arxiv.org/abs/1509.00519
    """
    if samples < 1:
        raise UserError(f"samples must be a whole number of at least 1, got {samples}")
    if model.num_classes and labels is None:
        raise UserError("the bound of a conditional model needs the labels of the images")
    chunk = min(samples, CHUNK)
    rounds, rest = divmod(samples, chunk)

    def bound(images, labels, batch):
        classes = labels if model.num_classes else None
        seeds = SeedStream(ops.stack([ops.cast(seed, "uint32"), ops.cast(batch[0], "uint32")]))
        images = model.observed(images, seeds)

        base = seeds.next()

        def log_sum(samples, index):
            weights = model.log_weights(images, classes, samples, SeedStream(base, index))
            return ops.logsumexp(weights, axis=0)

        def step(index, total):
            return ops.logaddexp(total, log_sum(chunk, index))

        total = ops.fori_loop(1, rounds, step, log_sum(chunk, 0))
        if rest:
            total = ops.logaddexp(total, log_sum(rest, rounds))
        return total - math.log(samples)

    compiled, bounds = Compiled(bound), []
    if labels is None:
        labels = np.zeros(len(images))
    for first in range(0, len(images), batch_size):
        rows = slice(first, first + batch_size)
        given = (
            np.asarray(images[rows], "float32"),
            np.asarray(labels[rows], "int32"),
            np.array([first], "int32"),
        )
        bounds.append(np.asarray(compiled.predict_on_batch(given)))
    return np.concatenate(bounds)
