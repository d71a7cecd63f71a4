"""What one Boltzmann machine over images can be asked: the endpoints of its recipes.

The model has a layer `visible`, which makes units of pixels, and a layer `rbm`.
"""

from keras import ops, random

from ...layers.seed_stream import SeedStream
from ..endpoint import Function, Part


def _units(model, images):
    """Pixels of `(batch, height, width, channels)` as visible units, `(batch, visible)`."""
    return model.get_layer("visible")(model.get_layer("pixels")(images))


def _images(model, units):
    return ops.reshape(units, (-1, *model.inputs[0].shape[1:]))


def _reconstruct(model, images):
    rbm = model.get_layer("rbm")
    return {"reconstructions": _images(model, rbm(rbm(_units(model, images)), reverse=True))}


def _free_energy(model, images):
    return {"free_energies": model.get_layer("rbm").free_energy(_units(model, images))}


def _sample(model, n, steps, seed):
    rbm = model.get_layer("rbm")
    # The chains start at independent units, drawn from seeds that no step of theirs uses.
    mean = ops.broadcast_to(ops.sigmoid(rbm.visible_bias), (n, rbm.visible_bias.shape[0]))
    start = rbm.draw_visible(ops.cast(mean, rbm.compute_dtype), SeedStream(seed, 2 * steps))
    return {"images": _images(model, rbm.gibbs(start, steps, seed)[1])}


def _complete(model, images, mask, steps, seed):
    rbm = model.get_layer("rbm")
    units, given = _units(model, images), model.get_layer("pixels")(mask)
    noise = random.uniform(ops.shape(units), dtype=units.dtype, seed=SeedStream(seed, 2 * steps))
    start = ops.where(given > 0, units, ops.cast(noise < 0.5, units.dtype))
    completed = _images(model, rbm.gibbs(start, steps, seed, given)[1])
    return {"completions": ops.where(mask > 0, images, ops.cast(completed, images.dtype))}


ENDPOINTS = {
    "serve": Part("images", "features"),
    "reconstruct": Function(_reconstruct, ("images",), ("reconstructions",)),
    "free_energy": Function(_free_energy, ("images",), ("free_energies",)),
    "sample": Function(_sample, ("n", "steps", "seed"), ("images",)),
    "complete": Function(_complete, ("images", "mask", "steps", "seed"), ("completions",)),
}
