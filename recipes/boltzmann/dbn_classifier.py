"""The deep belief net whose top machine learns features together with labels."""

from dataclasses import replace
from typing import Annotated

import keras
from keras import ops

from ...callbacks import GreedyLayerwise
from ...layers import RBM, Binarize, GradientGate, LabelledRBM
from ...layers.seed_stream import SeedStream
from ..endpoint import Function, Images, Part, Whole
from ..registry import Objective, Published, recipe
from ..search import (
    LOSS,
    Changes,
    Flag,
    ImageShape,
    LearningRate,
    Momentum,
    NumClasses,
    Seed,
    WeightDecay,
)
from ..tasks import CLASSIFICATION
from .joint import JointModel
from .machine import (
    GibbsSteps,
    HiddenUnits,
    PretrainingEpochs,
    go_down,
    images_of,
    machines_of,
    units_of,
)
from .momentum_ramp import MomentumRamp

# Without fine-tuning the loss stays that of the top machine, over the features of those below.
TOP_LEARNS_TO_THE_END = Changes(*LOSS, where=lambda arguments: not arguments["fine_tuning"])


@keras.saving.register_keras_serializable("amalthea")
class LabelledAccuracy(keras.metrics.SparseCategoricalAccuracy):
    """Share of the rows with a label that get the highest score for it."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        labelled = ops.cast(ops.reshape(y_true, (-1,)) >= 0, "float32")
        weight = labelled if sample_weight is None else labelled * sample_weight
        return super().update_state(y_true, y_pred, weight)


def schedule(arguments) -> GreedyLayerwise:
    """One machine after another, the joint one last; then backpropagation."""
    depth = len(arguments["hidden_units"])
    stages = [*(f"rbm_{layer}" for layer in range(1, depth)), "joint"]
    rates = [arguments["learning_rate"]] * depth
    if arguments["fine_tuning"]:
        stages.append("fine_tuning")
        rates.append(arguments["fine_tuning_learning_rate"])
    return GreedyLayerwise(stages, arguments["pretraining_epochs"], rates)


def _sample(model, n: Whole, steps: Whole, seed: Whole):
    joint = model.get_layer("joint")
    visible = joint.rbm.start(n, SeedStream(seed, 2 * steps))
    return {"images": _images(model, visible, steps, seed)}


def _generate(model, label: Whole, n: Whole, steps: Whole, seed: Whole):
    joint = model.get_layer("joint")
    visible = joint.rbm.start(n, SeedStream(seed, 2 * steps))
    on = ops.one_hot(ops.tile(ops.reshape(label, (1,)), (n,)), joint.num_classes)
    features = visible[:, : visible.shape[-1] - joint.num_classes]
    visible = ops.concatenate([features, ops.cast(on, features.dtype)], axis=1)
    given = ops.concatenate([ops.zeros_like(features), ops.ones_like(on)], axis=1)
    return {"images": _images(model, visible, steps, seed, given)}


def _images(model, visible, steps, seed, given=None):
    """Images from Gibbs chains in the joint machine that start at `visible`."""
    joint = model.get_layer("joint")
    drawn = joint.rbm.gibbs(visible, steps, seed, given)
    states, mean = (units[:, : visible.shape[-1] - joint.num_classes] for units in drawn)
    after = SeedStream(seed, 2 * steps + 2)
    return images_of(model, go_down(machines_of(model), states, mean, after)[1])


def _features(model, images: Images):
    units = units_of(model, images)
    for rbm in machines_of(model):
        units = rbm.hidden_mean(units)
    return {"features": units}


@recipe(
    family="boltzmann",
    task=CLASSIFICATION,
    data="fashion_mnist",
    paper="Hinton, Osindero & Teh 2006: https://doi.org/10.1162/neco.2006.18.7.1527",
    objective=Objective("val_accuracy", "max"),
    endpoints={
        "serve": Part("images", "probabilities", activation="softmax"),
        "features": Function(_features, ("features",)),
        "sample": Function(_sample, ("images",)),
        "generate": Function(_generate, ("images",)),
    },
    schedule=schedule,
    epochs=20,
    weighed=False,
    takes=lambda features, _: features | {"label": replace(features["label"], unlabelled=True)},
    smoke={
        "image_shape": (4, 4, 1),
        "num_classes": 3,
        "hidden_units": (5, 4),
        "pretraining_epochs": 1,
    },
    published=(
        Published(
            "784-500-500-(+10)-2000",
            1_666_794,
            "Hinton, Osindero & Teh 2006: 1,662,000 weights, and both biases of each machine",
        ),
    ),
)
def dbn_classifier(
    image_shape: ImageShape = (28, 28, 1),
    num_classes: NumClasses = 10,
    *,
    hidden_units: Annotated[HiddenUnits, TOP_LEARNS_TO_THE_END] = (500, 500, 2000),
    pretraining_epochs: PretrainingEpochs = 5,
    fine_tuning: Flag = True,
    gibbs_steps: GibbsSteps = 1,
    binary: Flag = True,
    weight_decay: WeightDecay = 2e-4,
    learning_rate: LearningRate = 0.01,
    fine_tuning_learning_rate: LearningRate = 0.01,
    momentum: Momentum = 0.9,
    seed: Seed = None,
) -> keras.Model:
    """Deep belief net that classifies images and dreams them from a label.

    The top machine learns the features below it together with labels. Given an image, the exact
    probability of each label under that machine classifies it; given a label, Gibbs sampling in the
    top machine and one pass down draw images of it. Rows whose label is −1 count as unlabelled: all
    machines learn from them, the top one with labels that it draws itself.

    A training job lets one machine after another learn, then lowers the cross-entropy of the labels
    by backpropagation through all of them. That makes the net classify better and dream worse;
    `fine_tuning=False` leaves it out. Under plain `fit` the callback is
    `get_recipe("dbn_classifier").schedule(model.origin.arguments)`; without it all machines learn
    at once and nothing is fine-tuned.

    Deviations:
        * The weights up and down stay the same: there is no fine-tuning by the wake-sleep
          algorithm.
        * The gradient of the machines is centred (Melchior, Fischer & Wiskott 2016).

    Args:
        image_shape: Height, width and channels of the images.
        num_classes: Number of classes.
        hidden_units: Number of hidden units of each machine, the lowest first; the last is the one
            that learns labels, too.
        pretraining_epochs: Epochs in which each machine learns, before the fine-tuning.
        fine_tuning: Whether backpropagation follows when a job trains the net.
        gibbs_steps: Gibbs steps of the chains for each update, the k of CD-k.
        binary: Whether pixels become 0 or 1 at ½; otherwise they are taken as probabilities, and
            chains that start at them end with probabilities, not states.
        weight_decay: Coefficient of the quadratic penalty on the weights.
        learning_rate: Step size while machines learn.
        fine_tuning_learning_rate: Step size of the backpropagation.
        momentum: Momentum of gradient descent, to which it grows from 0.5 in the first 5,000 steps
            of each stage.
        seed: Makes initial weights and chains reproducible.

    Returns:
        A compiled model from images in [0, 1], `(batch, height, width, channels)`, to a score for
        each class, `(batch, num_classes)`. Its loss is the sum of the losses of the machines that
        learn and of the cross-entropy of the labels, in nats.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import dbn_classifier, get_recipe
        >>> model = dbn_classifier((8, 8, 1), 3, hidden_units=(16, 8), pretraining_epochs=1)
        >>> schedule = get_recipe("dbn_classifier").schedule(model.origin.arguments)
        >>> images, labels = np.random.rand(32, 8, 8, 1), np.arange(32) % 4 - 1
        >>> history = model.fit(images, labels, epochs=3, callbacks=[schedule], verbose=0)
        >>> model.predict(images[:1], verbose=0).shape
        (1, 3)

    Reference:
        Hinton, Osindero & Teh 2006, "A Fast Learning Algorithm for Deep Belief Nets":
        https://doi.org/10.1162/neco.2006.18.7.1527
    """
    settings = {"gibbs_steps": gibbs_steps, "weight_decay": weight_decay}
    images = keras.Input(image_shape, name="images")
    units = keras.layers.Flatten(name="pixels")(images)
    units = Binarize(0.5 if binary else None, name="visible")(units)
    for layer, count in enumerate(hidden_units[:-1], start=1):
        by_means = layer > 1 or not binary  # as the data of the machine
        units = RBM(count, visible_means=by_means, name=f"rbm_{layer}", **settings)(units)
    settings["visible_means"] = len(hidden_units) > 1 or not binary
    scores = LabelledRBM(hidden_units[-1], num_classes, settings=settings, name="joint")(units)
    scores = GradientGate(dtype="float32", name="fine_tuning")(scores)
    model = JointModel(images, scores)
    model.compile(
        MomentumRamp(learning_rate, momentum),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1),
        metrics=[LabelledAccuracy(name="accuracy")],
        steps_per_execution=20,  # a step is short beside Keras' own work around it
    )
    return model
