"""A lower bound of the log-likelihood that grows tighter with the samples it is given."""

import math

import numpy as np
from keras import ops

from ..checks import check_count
from ..errors import UserError
from ..layers.seed_stream import SeedStream
from .compiled import Compiled

# Codes that are decoded at once, of all images of a batch.
ROWS = 5000


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
    the log-likelihood. The memory that it takes does not: some 5,000 codes are decoded at once.

    Args:
        model: A variational model: what a recipe such as `variational_autoencoder` gives.
        images: `(count, height, width, channels)`, values in [0, 1]; made binary as the model does.
        labels: Classes, `(count,)`, for a conditional model.
        samples: Codes drawn for each image.
        batch_size: Images at a time.
        seed: Seed of the draws.

    Returns:
        The lower bound of each image in nats, `(count,)`.

    Raises:
        UserError: If `samples` is below 1, or a conditional model is given no labels.

    Reference:
        Burda, Grosse & Salakhutdinov 2015, "Importance Weighted Autoencoders":
        https://arxiv.org/abs/1509.00519
    """
    samples = check_count("samples", samples)
    if model.num_classes and labels is None:
        raise UserError("the lower bound of a conditional model needs the labels of the images")
    chunk = max(1, ROWS // batch_size)

    def bound(images, labels, first):
        seeds = SeedStream(ops.stack([ops.cast(seed, "uint32"), ops.cast(first[0], "uint32")]))
        images = model.observed(images, seeds)
        classes = labels if model.num_classes else None
        return bound_in_chunks(model, images, classes, samples, chunk, seeds.next())

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


def bound_in_chunks(model, images, labels, samples: int, chunk: int, seed):
    """The lower bound of each image, `(batch,)`, by codes that are decoded so many at a time.

    Args:
        model: A variational model.
        images: `(batch, height, width, channels)`, as the model's `observed` gives them.
        labels: Classes, `(batch,)`, for a conditional model; else None.
        samples: Codes drawn for each image.
        chunk: Codes of an image that are decoded at once.
        seed: `(2,)` uint32.
    """

    def log_sum(count, index):
        log_weights = model.log_weights(images, labels, count, SeedStream(seed, index))
        return ops.logsumexp(log_weights, axis=0)

    def step(index, total):
        return ops.logaddexp(total, log_sum(chunk, index))

    chunk = min(chunk, samples)
    rounds, rest = divmod(samples, chunk)
    total = ops.fori_loop(1, rounds, step, log_sum(chunk, 0))
    if rest:
        total = ops.logaddexp(total, log_sum(rest, rounds))
    return total - math.log(samples)
