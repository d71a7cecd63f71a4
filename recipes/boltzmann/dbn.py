"""The deep belief net."""

import functools
from typing import Annotated

import keras

from ...callbacks import GreedyLayerwise
from ...layers import RBM, Binarize
from ..registry import Objective, Published, recipe
from ..search import Flag, ImageShape, LearningRate, Momentum, Seed, WeightDecay
from ..tasks import DENSITY_ESTIMATION
from .machine import (
    DEEP_ENDPOINTS,
    OF_FEATURES,
    QUICK,
    GibbsSteps,
    HiddenUnits,
    PretrainingEpochs,
    likelihood_bound,
    machines_over_images,
)
from .momentum_ramp import MomentumRamp


def schedule(arguments) -> GreedyLayerwise:
    """One machine after another."""
    stages = [f"rbm_{layer}" for layer in range(1, len(arguments["hidden_units"]) + 1)]
    return GreedyLayerwise(stages, arguments["pretraining_epochs"])


@recipe(
    family="boltzmann",
    task=DENSITY_ESTIMATION,
    data="fashion_mnist",
    paper="Hinton, Osindero & Teh 2006: https://doi.org/10.1162/neco.2006.18.7.1527",
    objective=Objective("val_log_likelihood_bound", "max", measured=True),
    endpoints=DEEP_ENDPOINTS,
    schedule=schedule,
    weighed=False,
    measures=likelihood_bound,
    quick_measures=functools.partial(likelihood_bound, samples=1, **QUICK),
    smoke={"image_shape": (4, 4, 1), "hidden_units": (5, 3), "pretraining_epochs": 1},
    published=(
        Published(
            "784-500-2000",
            1_395_784,
            "Salakhutdinov & Murray 2008: 1,392,000 weights, and both biases of each machine",
        ),
    ),
)
def dbn(
    image_shape: ImageShape = (28, 28, 1),
    *,
    hidden_units: Annotated[HiddenUnits, OF_FEATURES] = (500, 2000),
    pretraining_epochs: PretrainingEpochs = 5,
    gibbs_steps: GibbsSteps = 1,
    centered: Flag = True,
    binary: Flag = True,
    weight_decay: WeightDecay = 2e-4,
    learning_rate: LearningRate = 0.01,
    momentum: Momentum = 0.9,
    seed: Seed = None,
) -> keras.Model:
    """Deep belief net: restricted Boltzmann machines stacked, each learning the features below it.

    The callback `GreedyLayerwise(["rbm_1", "rbm_2"], epochs)` trains one machine after another, and
    so does a training job. Without it all machines learn at once, each from what those below make
    of the images at the time. An image is drawn by Gibbs sampling in the top machine and one pass
    down.

    Deviations:
        * The weights up and down stay the same: there is no fine-tuning by the wake-sleep
          algorithm.
        * The gradient is centred (Melchior, Fischer & Wiskott 2016) unless `centered=False`.

    Args:
        image_shape: Height, width and channels of the images.
        hidden_units: Number of hidden units of each machine, the lowest first.
        pretraining_epochs: Epochs in which each machine but the top one learns; the top one goes on
            to the end.
        gibbs_steps: Gibbs steps of the chains for each update, the k of CD-k.
        centered: Whether the gradient is the centred one.
        binary: Whether pixels become 0 or 1 at ½; otherwise they are taken as probabilities, and
            chains that start at them end with probabilities, not states.
        weight_decay: Coefficient of the quadratic penalty on the weights.
        learning_rate: Step size of gradient descent.
        momentum: Momentum of gradient descent, to which it grows from 0.5 in the first 5,000 steps
            of each machine.
        seed: Makes initial weights and chains reproducible.

    Returns:
        A compiled model from images in [0, 1], `(batch, height, width, channels)`, to features,
        `(batch, hidden_units[-1])`. Its loss is minus the pseudo-log-likelihood, in nats, of what
        the machines that learn are given.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.callbacks import GreedyLayerwise
        >>> from amalthea.recipes import dbn
        >>> model = dbn((8, 8, 1), hidden_units=(16, 8))
        >>> greedy = GreedyLayerwise(["rbm_1", "rbm_2"], epochs=1)
        >>> images = np.random.rand(32, 8, 8, 1)
        >>> history = model.fit(images, epochs=2, callbacks=[greedy], verbose=0)
        >>> model.predict(np.zeros((1, 8, 8, 1)), verbose=0).shape
        (1, 8)

    Reference:
        Hinton, Osindero & Teh 2006, "A Fast Learning Algorithm for Deep Belief Nets":
        https://doi.org/10.1162/neco.2006.18.7.1527;
        Salakhutdinov & Murray 2008, "On the Quantitative Analysis of Deep Belief Networks":
        https://doi.org/10.1145/1390156.1390266
    """
    machines = [
        RBM(
            units,
            gibbs_steps=gibbs_steps,
            visible_means=layer > 1 or not binary,  # as the data of the machine
            centered=centered,
            weight_decay=weight_decay,
            name=f"rbm_{layer}",
        )
        for layer, units in enumerate(hidden_units, start=1)
    ]
    visible = Binarize(0.5 if binary else None, name="visible")
    return machines_over_images(
        image_shape, visible, machines, lambda: MomentumRamp(learning_rate, momentum)
    )
