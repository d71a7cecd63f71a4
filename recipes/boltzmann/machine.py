"""A stack of restricted Boltzmann machines over images: what its recipes share.

A model has the layers `pixels`, which flattens an image, `visible`, which makes visible units of
pixels and in reverse pixels of units, and one `RBM` after another.
"""

import math
from collections.abc import Callable
from typing import Annotated

import keras
import numpy as np
from keras import ops

from ...checks import is_number
from ...layers import RBM
from ...layers.seed_stream import SeedStream
from ...metrics import annealed_importance_sampling, belief_net_bound
from ..endpoint import Function, Images, Part, Whole
from ..model import RecipeModel
from ..search import LOSS, Changes, Choice, Given, Widths, at_least

GibbsSteps = Annotated[int, Choice(1, 5, 25)]
PersistentChains = Annotated[int, at_least(0)]
SparsityTarget = Annotated[
    float | None,
    Given(lambda v: v is None or (is_number(v) and 0 < v < 1), "a number in (0, 1), or None"),
]
PretrainingEpochs = Annotated[int, at_least(1)]
HiddenUnits = Annotated[tuple[int, ...], Widths(16, 2048, depth=(1, 3))]
# The loss of a stack is that of its top machine, over the features of those below: fewer features
# are easier to explain, and say less of the images.
OF_FEATURES = Changes(*LOSS)
# Of annealed importance sampling, enough for machines of the published sizes.
TEMPERATURES = 2000
# After each epoch: within two nats of the former on Fashion-MNIST, in a sixth of the time.
QUICK = {"temperatures": 300}


def machines_over_images(
    image_shape: tuple[int, int, int],
    visible: keras.layers.Layer,
    machines: list[RBM],
    optimizer: Callable[[], keras.optimizers.Optimizer],
) -> keras.Model:
    """The compiled model from images by way of visible units to the top's hidden means.

    The optimizer is made after the weights, of which there may be too many.
    """
    images = keras.Input(image_shape, name="images")
    units = visible(keras.layers.Flatten(name="pixels")(images))
    for machine in machines:
        units = machine(units)
    features = keras.layers.Identity(dtype="float32", name="features")(units)
    model = RecipeModel(images, features)
    # A step is short beside Keras' own work around it, so 20 are one execution.
    model.compile(optimizer=optimizer(), steps_per_execution=20)
    return model


def machines_of(model: keras.Model) -> list[RBM]:
    """The restricted Boltzmann machines of a model, the lowest first."""
    return [layer for layer in model.layers if isinstance(layer, RBM)]


def units_of(model: keras.Model, images):
    """Images, `(batch, height, width, channels)`, as visible units, `(batch, visible)`."""
    return model.get_layer("visible")(model.get_layer("pixels")(images))


def images_of(model: keras.Model, units):
    """Visible units as images."""
    pixels = ops.clip(model.get_layer("visible")(units, reverse=True), 0, 1)
    return ops.reshape(pixels, (-1, *model.inputs[0].shape[1:]))


def completions(model: keras.Model, images, mask, units) -> dict:
    """The outputs of an endpoint: images where the mask is 1, visible units as pixels elsewhere."""
    pixels = ops.cast(images_of(model, units), images.dtype)
    return {"completions": ops.where(mask > 0, images, pixels)}


def go_down(below: list[RBM], states, mean, seeds):
    """States of the visible units of the top, and their means, passed down to those of the lowest.

    Returns:
        States and means of the lowest visible units; the same as given where nothing is below.
    """
    for rbm in reversed(below):
        mean = rbm.visible_mean(states)
        states = rbm.draw_visible(mean, seeds)
    return states, mean


def _reconstruct(model, images: Images):
    units, machines = units_of(model, images), machines_of(model)
    for rbm in machines:
        units = rbm.hidden_mean(units)
    for rbm in reversed(machines):
        units = rbm.visible_mean(units)
    return {"reconstructions": images_of(model, units)}


def _free_energy(model, images: Images):
    (rbm,) = machines_of(model)
    return {"free_energies": rbm.free_energy(units_of(model, images))}


def _sample(model, n: Whole, steps: Whole, seed: Whole):
    *below, top = machines_of(model)
    after = SeedStream(seed, 2 * steps + 1)  # seeds that the chains do not use
    return {"images": images_of(model, go_down(below, *top.sample(n, steps, seed), after)[1])}


def _complete(model, images: Images, mask: Images, steps: Whole, seed: Whole):
    *below, top = machines_of(model)
    units, given = units_of(model, images), model.get_layer("pixels")(mask) > 0
    draws = 2 * len(below) + 2

    def step(index, chain):
        seeds, states = SeedStream(seed, draws * index), chain[0]
        for rbm in below:
            states = rbm.draw_hidden(rbm.hidden_mean(states), seeds)
        drawn = go_down(below, *top.gibbs_step(states, seeds), seeds)
        return tuple(ops.where(given, units, new) for new in drawn)

    states = ops.where(given, units, (below or [top])[0].visible_average)
    return completions(model, images, mask, ops.fori_loop(0, steps, step, (states, states))[1])


def likelihood(
    model: keras.Model,
    images: np.ndarray,
    labels: np.ndarray | None,
    batch_size: int,
    *,
    temperatures: int = TEMPERATURES,
) -> dict[str, float]:
    """Mean log-likelihood of images in nats, under a model of one machine.

    Where pixels are not made binary there is none.
    """
    if model.get_layer("visible").threshold is None:
        return {}
    bound, error = _bound(model, images, temperatures, samples=1)
    return {"log_likelihood": bound, "standard_error": error}


def likelihood_bound(
    model: keras.Model,
    images: np.ndarray,
    labels: np.ndarray | None,
    batch_size: int,
    *,
    temperatures: int = TEMPERATURES,
    samples: int = 10,
) -> dict[str, float]:
    """Lower bound of the mean log-likelihood of images in nats, under a stack of machines.

    Where pixels are not made binary there is none. With one machine it is the log-likelihood.
    """
    if model.get_layer("visible").threshold is None:
        return {}
    bound, error = _bound(model, images, temperatures, samples)
    return {"log_likelihood_bound": bound, "standard_error": error}


def density(
    model: keras.Model,
    images: np.ndarray,
    labels: np.ndarray | None,
    batch_size: int,
    *,
    temperatures: int = TEMPERATURES,
) -> dict[str, float]:
    """Mean log-density of images in nats, under a model of one machine over standardised pixels."""
    bound, error = _bound(model, images, temperatures, samples=1)
    visible, units = model.get_layer("visible"), np.zeros((1, math.prod(images.shape[1:])))
    deviations = visible(units + 1, reverse=True) - visible(units, reverse=True)
    volume = np.log(ops.convert_to_numpy(deviations)).sum(dtype="float64")
    return {"log_density": bound - float(volume), "standard_error": error}


def _bound(model, images, temperatures: int, samples: int) -> tuple[float, float]:
    """Lower bound of the mean log-probability of visible units, and its standard error."""
    visible = ops.convert_to_numpy(units_of(model, images))
    machines, units = machines_of(model), visible
    for rbm in machines[:-1]:
        units = ops.convert_to_numpy(rbm.hidden_mean(units))
    # Chains that start at the images' own means need the fewest temperatures.
    annealed = annealed_importance_sampling(
        machines[-1], units.mean(axis=0), temperatures=temperatures
    )
    bounds = belief_net_bound(machines, visible, annealed.log_partition, samples=samples)
    return float(bounds.mean()), annealed.standard_error


DEEP_ENDPOINTS = {
    "serve": Part("images", "features"),
    "reconstruct": Function(_reconstruct, ("reconstructions",)),
    "sample": Function(_sample, ("images",)),
    "complete": Function(_complete, ("completions",)),
}
ENDPOINTS = DEEP_ENDPOINTS | {
    "free_energy": Function(_free_energy, ("free_energies",)),
}
