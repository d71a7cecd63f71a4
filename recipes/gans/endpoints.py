"""What adversarial models offer to servers, and how good their samples are."""

import keras
import numpy as np
from keras import ops

from ...layers.seed_stream import SeedStream
from ...metrics import sliced_wasserstein
from ..endpoint import Function, Images, Like, PerRow, Whole
from ..interpolation import along, line
from .projection import project

# Of the distance, which is taken after each epoch: a two-hundredth of the paper's time, with a
# standard error of some 2 % on 1,000 images.
QUICK = {"patches": 16, "directions": 128, "repeats": 1}


LatentVectors = Like("generator")


def _discriminate(model, images: Images, labels: PerRow = None):
    return {"scores": model.score(images, labels)}


def _decode(model, latents: LatentVectors, labels: PerRow = None):
    return {"images": model.generate(latents, labels)}


def _sample(model, n: Whole, seed: Whole):
    return {"images": model.generate(model.latents(n, SeedStream(seed)))}


def _sample_classes(model, labels: PerRow, seed: Whole):
    latents = model.latents(ops.shape(labels)[0], SeedStream(seed))
    return {"images": model.generate(latents, labels)}


def _interpolate(model, start: LatentVectors, end: LatentVectors, n: Whole):
    return {"images": along(model.generate, line(start, end, n))}


def _project(model, images: Images, steps: Whole, seed: Whole):
    latents = model.latents(ops.shape(images)[0], SeedStream(seed))
    best, made, distances = project(model.generate, latents, model.as_seen(images), steps)
    return {"latents": best, "images": made, "distances": distances}


ENDPOINTS = {
    "decode": Function(_decode, ("images",)),
    "sample": Function(_sample, ("images",)),
    "discriminate": Function(_discriminate, ("scores",)),
}
CONDITIONAL_ENDPOINTS = {
    "decode": Function(_decode, ("images",), optional=("labels",)),
    "sample": Function(_sample_classes, ("images",)),
    "discriminate": Function(_discriminate, ("scores",), optional=("labels",)),
}

GROWING_ENDPOINTS = {
    **ENDPOINTS,
    "interpolate": Function(_interpolate, ("images",)),
    "project": Function(_project, ("latents", "images", "distances")),
}


def samples(model: keras.Model, count: int, batch_size: int) -> np.ndarray:
    """Images drawn from the model, always the same, as many of each class: `(count, …)`."""
    latents = ops.convert_to_numpy(model.latents(count, SeedStream(0)))
    if not model.num_classes:
        return model.sampler.predict(latents, batch_size=batch_size, verbose=0)
    classes = np.eye(model.num_classes, dtype="float32")[np.arange(count) % model.num_classes]
    return model.sampler.predict([latents, classes], batch_size=batch_size, verbose=0)


def distances(
    model: keras.Model, images: np.ndarray, labels: np.ndarray | None, batch_size: int
) -> dict[str, float]:
    """Sliced Wasserstein distance of as many samples as there are images, times 1,000."""
    return distances_of(images, samples(model, len(images), batch_size))


def distances_of(images: np.ndarray, drawn: np.ndarray) -> dict[str, float]:
    """Sliced Wasserstein distance of samples from images, times 1,000.

    Smaller samples, those of a growing model, are enlarged, so that its stages can be compared.
    """
    times = images.shape[1] // drawn.shape[1]
    drawn = drawn.repeat(times, axis=1).repeat(times, axis=2)
    return {"sliced_wasserstein": sliced_wasserstein(images, drawn, **QUICK)["mean"]}
