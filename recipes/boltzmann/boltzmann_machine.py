"""The general Boltzmann machine over binary images, with connections among all of its units."""

from typing import Annotated

import keras
from keras import ops

from ...checks import is_number
from ...layers import Binarize, BoltzmannMachine
from ...layers.seed_stream import SeedStream
from ..endpoint import Function, Images, Part, Whole
from ..registry import Objective, Published, recipe
from ..search import Given, ImageShape, LearningRate, Momentum, Seed, Units, WeightDecay
from ..tasks import DENSITY_ESTIMATION
from .machine import (
    GibbsSteps,
    PersistentChains,
    completions,
    images_of,
    machines_over_images,
    units_of,
)

Temperature = Annotated[float, Given(lambda v: is_number(v) and v > 0, "a number above 0")]


def _images(model, units):
    """States or probabilities of all units, `(batch, units)`, as images of the visible ones."""
    return images_of(model, units[:, : model.get_layer("machine").visible])


def _reconstruct(model, images: Images):
    machine, visible = model.get_layer("machine"), units_of(model, images)
    hidden = machine.mean_field(visible)
    units = ops.concatenate([ops.cast(visible, hidden.dtype), hidden], axis=-1)
    return {"reconstructions": _images(model, machine.conditional(units))}


def _free_energy(model, images: Images):
    return {"free_energies": model.get_layer("machine").free_energy(units_of(model, images))}


def _start(machine, count, seed, steps):
    """Units as at an infinite temperature, from a seed that no sweep of the chains uses."""
    start = ops.full((count, machine.units), 0.5, machine.compute_dtype)
    return machine.draw(start, SeedStream(seed, steps))


def _sample(model, n: Whole, steps: Whole, seed: Whole):
    machine = model.get_layer("machine")
    return {
        "images": _images(model, machine.gibbs(_start(machine, n, seed, steps), steps, seed)[1])
    }


def _complete(model, images: Images, mask: Images, steps: Whole, seed: Whole):
    machine, visible = model.get_layer("machine"), units_of(model, images)
    start = _start(machine, ops.shape(visible)[0], seed, steps)
    hidden = start[:, machine.visible :]
    units = ops.concatenate([ops.cast(visible, start.dtype), hidden], axis=-1)
    given = ops.concatenate(
        [ops.cast(model.get_layer("pixels")(mask), start.dtype), ops.zeros_like(hidden)], axis=-1
    )
    start = ops.where(given > 0, units, start)
    drawn = machine.gibbs(start, steps, seed, given)[1]
    return completions(model, images, mask, drawn[:, : machine.visible])


@recipe(
    family="boltzmann",
    task=DENSITY_ESTIMATION,
    data="digits",
    paper="Ackley, Hinton & Sejnowski 1985, Cognitive Science 9: "
    "https://doi.org/10.1207/s15516709cog0901_7",
    objective=Objective("val_loss", "min"),
    endpoints={
        "serve": Part("images", "features"),
        "reconstruct": Function(_reconstruct, ("reconstructions",)),
        "free_energy": Function(_free_energy, ("free_energies",)),
        "sample": Function(_sample, ("images",)),
        "complete": Function(_complete, ("completions",)),
    },
    weighed=False,
    smoke={"image_shape": (4, 4, 1), "hidden_units": 5, "persistent_chains": 8},
    published=(
        Published(
            "10 units",
            55,
            "units × (units − 1) / 2 weights and as many biases as units",
            {"image_shape": (2, 4, 1), "hidden_units": 2},
        ),
    ),
)
def boltzmann_machine(
    image_shape: ImageShape = (8, 8, 1),
    *,
    hidden_units: Units = 32,
    temperature: Temperature = 1.0,
    gibbs_steps: GibbsSteps = 1,
    persistent_chains: PersistentChains = 64,
    weight_decay: WeightDecay = 2e-4,
    learning_rate: LearningRate = 0.05,
    momentum: Momentum = 0.0,
    seed: Seed = None,
) -> keras.Model:
    """General Boltzmann machine: binary pixels and hidden units, all joined to each other.

    Learning makes each pair of units as often on together when the machine runs freely as when it
    sees the images. The features of an image are the probabilities of the hidden units.

    Deviations:
        * The chains of the free machine go on from update to update (Tieleman 2008); the paper
          cools the machine down from a high temperature for each.
        * Images are shown without noise.
        * Weights move in proportion to the gradient; the paper's move by a fixed step.

    Args:
        image_shape: Height, width and channels of the images.
        hidden_units: Number of hidden units.
        temperature: What energies are divided by: the higher, the more random each unit.
        gibbs_steps: Sweeps over all units for each update.
        persistent_chains: Number of chains that go on from update to update; 0 for chains that
            start at the images.
        weight_decay: Coefficient of the quadratic penalty on the weights.
        learning_rate: Step size of gradient descent.
        momentum: Momentum of gradient descent.
        seed: Makes initial weights and chains reproducible.

    Returns:
        A compiled model from images in [0, 1], `(batch, height, width, channels)`, to features,
        `(batch, hidden_units)`. Its loss is minus the pseudo-log-likelihood of an image, in nats,
        with hidden units in mean-field approximation.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import boltzmann_machine
        >>> model = boltzmann_machine((4, 4, 1), hidden_units=8)
        >>> history = model.fit(np.random.rand(32, 4, 4, 1), epochs=1, verbose=0)
        >>> model.predict(np.zeros((1, 4, 4, 1)), verbose=0).shape
        (1, 8)

    Reference:
        Ackley, Hinton & Sejnowski 1985, "A Learning Algorithm for Boltzmann Machines":
        https://doi.org/10.1207/s15516709cog0901_7
    """
    return machines_over_images(
        image_shape,
        Binarize(name="visible"),
        [
            BoltzmannMachine(
                hidden_units,
                temperature=temperature,
                gibbs_steps=gibbs_steps,
                persistent_chains=persistent_chains,
                weight_decay=weight_decay,
                name="machine",
            ),
        ],
        lambda: keras.optimizers.SGD(learning_rate, momentum),
    )
