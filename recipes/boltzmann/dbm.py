"""The deep Boltzmann machine."""

import functools
from typing import Annotated

import keras
import numpy as np
from keras import ops

from ...callbacks import GreedyLayerwise
from ...layers import DBM, Binarize
from ...layers.seed_stream import SeedStream
from ...metrics import annealed_importance_sampling, mean_field_bound
from ..endpoint import Function, Images, Part, Whole
from ..registry import Objective, Published, recipe
from ..search import Flag, ImageShape, Int, LearningRate, Seed, WeightDecay, Widths, at_least
from ..tasks import DENSITY_ESTIMATION
from .machine import (
    QUICK,
    TEMPERATURES,
    GibbsSteps,
    completions,
    images_of,
    machines_over_images,
    units_of,
)

# Epochs of joint training after which the learning rate is half, then a third, ….
HALVED = 3


class Composing(GreedyLayerwise):
    """Pretrains one layer after another, then composes them and trains all together."""

    def on_stage_begin(self, stage):
        if len(self.stages) > 1:
            self.model.get_layer("dbm").begin(self.stages[stage]["dbm"])


def schedule(arguments) -> Composing:
    """One layer after another, then all together."""
    layers = len(arguments["hidden_units"]) if arguments["pretraining_epochs"] else 0
    return Composing(
        [{"dbm": layer} for layer in range(1, layers + 1)] + ["dbm"],
        [arguments["pretraining_epochs"]] * layers,
        [arguments["learning_rate"]] * layers
        + [lambda epoch: arguments["joint_learning_rate"] / (1 + epoch / HALVED)],
    )


def bound(
    model: keras.Model,
    images: np.ndarray,
    labels: np.ndarray | None,
    batch_size: int,
    *,
    temperatures: int = TEMPERATURES,
) -> dict[str, float]:
    """Mean variational bound of the log-likelihood of images, in nats.

    Where pixels are not made binary there is none.
    """
    if model.get_layer("visible").threshold is None:
        return {}
    dbm, visible = model.get_layer("dbm"), ops.convert_to_numpy(units_of(model, images))
    even = [visible, *dbm.mean_field(visible)[1::2]]
    # Chains that start at the images' own means need the fewest temperatures.
    means = np.concatenate([ops.convert_to_numpy(units).mean(axis=0) for units in even])
    annealed = annealed_importance_sampling(dbm.as_rbm(), means, temperatures=temperatures)
    bounds = mean_field_bound(dbm, visible, annealed.log_partition)
    return {
        "log_likelihood_bound": float(bounds.mean()),
        "standard_error": annealed.standard_error,
    }


def _reconstruct(model, images: Images):
    dbm = model.get_layer("dbm")
    lowest = dbm.mean_field(units_of(model, images))[0]
    return {"reconstructions": images_of(model, dbm.visible_mean(lowest))}


def _sample(model, n: Whole, steps: Whole, seed: Whole):
    dbm = model.get_layer("dbm")
    start = dbm.start(n, SeedStream(seed, dbm.draws * steps))  # seeds that no step uses
    return {"images": images_of(model, dbm.gibbs(start, steps, seed)[1])}


def _complete(model, images: Images, mask: Images, steps: Whole, seed: Whole):
    dbm, given = model.get_layer("dbm"), model.get_layer("pixels")(mask)
    average = ops.cast(dbm.offsets[0], dbm.compute_dtype)
    visible = ops.where(given > 0, units_of(model, images), average)
    start = (visible, *dbm.mean_field(visible)[1::2])
    return completions(model, images, mask, dbm.gibbs(start, steps, seed, given)[1])


@recipe(
    family="boltzmann",
    task=DENSITY_ESTIMATION,
    data="fashion_mnist",
    paper="Salakhutdinov & Hinton 2009: https://proceedings.mlr.press/v5/salakhutdinov09a.html",
    objective=Objective("val_log_likelihood_bound", "max", measured=True),
    endpoints={
        "serve": Part("images", "features"),
        "reconstruct": Function(_reconstruct, ("reconstructions",)),
        "sample": Function(_sample, ("images",)),
        "complete": Function(_complete, ("completions",)),
    },
    schedule=schedule,
    measures=bound,
    quick_measures=functools.partial(bound, **QUICK),
    epochs=15,
    weighed=False,
    smoke={
        "image_shape": (4, 4, 1),
        "hidden_units": (5, 3),
        "pretraining_epochs": 1,
        "mean_field_steps": 3,
    },
    published=(
        Published(
            "784-500-1000",
            894_284,
            "Salakhutdinov & Hinton 2009; the weights and one bias of each unit",
        ),
    ),
)
def dbm(
    image_shape: ImageShape = (28, 28, 1),
    *,
    hidden_units: Annotated[tuple[int, ...], Widths(16, 2048, depth=(2, 3))] = (500, 1000),
    pretraining_epochs: Annotated[int, at_least(0)] = 2,
    mean_field_steps: Annotated[int, Int(3, 30)] = 10,
    gibbs_steps: GibbsSteps = 5,
    persistent_chains: Annotated[int, Int(20, 500, log=True)] = 100,
    centered: Flag = True,
    binary: Flag = True,
    weight_decay: WeightDecay = 2e-4,
    learning_rate: LearningRate = 0.05,
    joint_learning_rate: LearningRate = 0.05,
    seed: Seed = None,
) -> keras.Model:
    """Deep Boltzmann machine: layers of hidden units that see the layers below and above them.

    A training job pretrains each layer as a restricted machine with doubled weights, then trains
    all together: the hidden units of the images are inferred by mean field, and those of the model
    come from chains of Gibbs sampling that go on from update to update. Under plain `fit` the
    callback `get_recipe("dbm").schedule(model.origin.arguments)` does that; without it all layers
    learn together from the start.

    Deviations:
        * The gradient is centred (Montavon & Müller 2012) unless `centered=False`.
        * There is no momentum, with which persistent chains do not keep up with the weights.

    Args:
        image_shape: Height, width and channels of the images.
        hidden_units: Number of units of each hidden layer, the lowest first.
        pretraining_epochs: Epochs in which each layer is pretrained, before all learn together; 0
            for no pretraining, which a centred machine can do without.
        mean_field_steps: How often the hidden layers are adjusted to each other.
        gibbs_steps: Gibbs steps of the chains for each update.
        persistent_chains: Number of chains that go on from update to update.
        centered: Whether the gradient is the centred one.
        binary: Whether pixels become 0 or 1 at ½; otherwise they are taken as probabilities.
        weight_decay: Coefficient of the quadratic penalty on the weights.
        learning_rate: Step size of the pretraining.
        joint_learning_rate: Step size when all layers begin to learn together; half of it after 3
            epochs, a third after 6, and so on.
        seed: Makes initial weights and chains reproducible.

    Returns:
        A compiled model from images in [0, 1], `(batch, height, width, channels)`, to the means of
        the top layer, `(batch, hidden_units[-1])`. Its loss is the cross-entropy, in nats, of one
        reconstruction of what the layers that learn are given.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import dbm, get_recipe
        >>> model = dbm((8, 8, 1), hidden_units=(16, 8), pretraining_epochs=1)
        >>> schedule = get_recipe("dbm").schedule(model.origin.arguments)
        >>> images = np.random.rand(32, 8, 8, 1)
        >>> history = model.fit(images, epochs=3, callbacks=[schedule], verbose=0)
        >>> model.predict(np.zeros((1, 8, 8, 1)), verbose=0).shape
        (1, 8)

    Reference:
        Salakhutdinov & Hinton 2009, "Deep Boltzmann Machines":
        https://proceedings.mlr.press/v5/salakhutdinov09a.html
    """
    machine = DBM(
        hidden_units,
        mean_field_steps=mean_field_steps,
        gibbs_steps=gibbs_steps,
        persistent_chains=persistent_chains,
        centered=centered,
        weight_decay=weight_decay,
        name="dbm",
    )
    return machines_over_images(
        image_shape,
        Binarize(0.5 if binary else None, name="visible"),
        [machine],
        lambda: keras.optimizers.SGD(joint_learning_rate),
    )
