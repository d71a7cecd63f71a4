"""What autoregressive models of images offer to servers, and how they are measured."""

import math

import numpy as np
from keras import ops

from ..endpoint import Function, Images, Number, PerRow, Whole
from .autoregressive_model import AutoregressiveModel


def _log_likelihood(model, images: Images, labels: PerRow = None):
    """Of images as the model observes them: rounded, or made binary."""
    log_likelihoods = model.log_likelihood(model.observed(images), labels)
    bits = -log_likelihoods / (model.dims * math.log(2))
    return {"log_likelihoods": log_likelihoods, "bits_per_dim": bits}


def _sample(model, n: Whole, seed: Whole, temperature: Number):
    nothing = ops.zeros((n, *model.inputs[0].shape[1:]))
    return {"images": model.sample(nothing, nothing, seed, temperature)[0]}


def _sample_classes(model, labels: PerRow, seed: Whole, temperature: Number):
    nothing = ops.zeros((ops.shape(labels)[0], *model.inputs[0].shape[1:]))
    return {"images": model.sample(nothing, nothing, seed, temperature, labels)[0]}


def _complete(model, images: Images, mask: Images, seed: Whole, labels: PerRow = None):
    """Keeps pixels whose mask is 1, which must come before all others in raster order.

    `steps` is how many values are drawn for each image; −1, and no number in its completion, where
    known ones come after unknown ones, by which these would have to be drawn, too.
    """
    known = mask > 0
    drawn, _ = model.sample(model.observed(images), known, seed, 1.0, labels)
    order = ops.reshape(ops.cast(known, "int32"), (-1, model.dims))
    in_order = ops.all(order[:, 1:] <= order[:, :-1], axis=1)
    images = ops.where(known, ops.cast(images, drawn.dtype), drawn)
    completions = ops.where(ops.reshape(in_order, (-1, 1, 1, 1)), images, float("nan"))
    return {
        "completions": completions,
        "steps": ops.where(in_order, model.dims - ops.sum(order, axis=1), -1),
    }


COMPLETED = ("completions", "steps")
ENDPOINTS = {
    "log_likelihood": Function(_log_likelihood, ("log_likelihoods", "bits_per_dim")),
    "sample": Function(_sample, ("images",)),
    "complete": Function(_complete, COMPLETED, dtypes={"steps": "int32"}),
}
CONDITIONAL_ENDPOINTS = {
    "log_likelihood": Function(
        _log_likelihood, ("log_likelihoods", "bits_per_dim"), optional=("labels",)
    ),
    "sample": Function(_sample_classes, ("images",)),
    "complete": Function(_complete, COMPLETED, dtypes={"steps": "int32"}, optional=("labels",)),
}


def log_likelihood(
    model: AutoregressiveModel, images: np.ndarray, labels: np.ndarray | None, batch_size: int
) -> dict[str, float]:
    """Mean log-likelihood of images in nats, and in bits for each pixel and channel."""
    labels = labels if model.num_classes else None
    given = {"images": images} | ({} if labels is None else {"labels": labels})
    endpoints = ENDPOINTS if labels is None else CONDITIONAL_ENDPOINTS
    asked = endpoints["log_likelihood"].bind(model)
    made = asked.predict(given, batch_size=batch_size, verbose=0)
    return {
        "log_likelihood": float(made["log_likelihoods"].mean(dtype="float64")),
        "bits_per_dim": float(made["bits_per_dim"].mean(dtype="float64")),
    }
