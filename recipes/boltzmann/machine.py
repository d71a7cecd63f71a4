"""One restricted Boltzmann machine over images: what its recipes share.

The model has the layers `pixels`, which flattens an image, `visible`, which makes visible units of
pixels and in reverse pixels of units, and `rbm`.
"""

from typing import Annotated

import keras
from keras import ops

from ...layers import RBM
from ...layers.seed_stream import SeedStream
from ..endpoint import Function, Part
from ..search import Choice, Given, is_number, is_whole

GibbsSteps = Annotated[int, Choice(1, 5, 25)]
PersistentChains = Annotated[
    int, Given(lambda v: is_whole(v) and v >= 0, "a whole number of at least 0")
]
SparsityTarget = Annotated[
    float | None,
    Given(lambda v: v is None or (is_number(v) and 0 < v < 1), "a number in (0, 1), or None"),
]


def machine_over_images(
    image_shape: tuple[int, int, int],
    visible: keras.layers.Layer,
    rbm: RBM,
    optimizer: keras.optimizers.Optimizer,
) -> keras.Model:
    """The compiled model from images by way of visible units to hidden probabilities."""
    images = keras.Input(image_shape, name="images")
    units = visible(keras.layers.Flatten(name="pixels")(images))
    features = keras.layers.Identity(dtype="float32", name="features")(rbm(units))
    model = keras.Model(images, features)
    # A step is short beside Keras' own work around it, so 20 are one execution.
    model.compile(optimizer=optimizer, steps_per_execution=20)
    return model


def _units(model, images):
    """Pixels of `(batch, height, width, channels)` as visible units, `(batch, visible)`."""
    return model.get_layer("visible")(model.get_layer("pixels")(images))


def _images(model, units):
    pixels = ops.clip(model.get_layer("visible")(units, reverse=True), 0, 1)
    return ops.reshape(pixels, (-1, *model.inputs[0].shape[1:]))


def _reconstruct(model, images):
    rbm = model.get_layer("rbm")
    hidden = rbm(_units(model, images))
    return {"reconstructions": _images(model, rbm(hidden, reverse=True))}


def _free_energy(model, images):
    return {"free_energies": model.get_layer("rbm").free_energy(_units(model, images))}


def _start(rbm, count, seed, steps):
    """Independent visible units, drawn from seeds that no step of the chains uses."""
    mean = rbm.visible_mean(ops.zeros((count, rbm.hidden), rbm.compute_dtype))
    return rbm.draw_visible(mean, SeedStream(seed, 2 * steps))


def _sample(model, n, steps, seed):
    rbm = model.get_layer("rbm")
    return {"images": _images(model, rbm.gibbs(_start(rbm, n, seed, steps), steps, seed)[1])}


def _complete(model, images, mask, steps, seed):
    rbm = model.get_layer("rbm")
    units, given = _units(model, images), model.get_layer("pixels")(mask)
    start = ops.where(given > 0, units, _start(rbm, ops.shape(units)[0], seed, steps))
    completed = _images(model, rbm.gibbs(start, steps, seed, given)[1])
    return {"completions": ops.where(mask > 0, images, ops.cast(completed, images.dtype))}


ENDPOINTS = {
    "serve": Part("images", "features"),
    "reconstruct": Function(_reconstruct, ("images",), ("reconstructions",)),
    "free_energy": Function(_free_energy, ("images",), ("free_energies",)),
    "sample": Function(_sample, ("n", "steps", "seed"), ("images",)),
    "complete": Function(_complete, ("images", "mask", "steps", "seed"), ("completions",)),
}
