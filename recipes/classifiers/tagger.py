"""A classifier that names all that an image shows."""

from dataclasses import dataclass
from typing import Annotated

import keras
import numpy as np
from sklearn.metrics import average_precision_score

from ...callbacks import steps
from ...errors import UserError
from ...optimizers import CoupledSGD
from ..endpoint import Part
from ..registry import Objective, get_recipe, recipe
from ..search import (
    FromData,
    Given,
    ImageShape,
    LearningRate,
    Momentum,
    Seed,
    WeightDecay,
    at_least,
)
from ..tasks import CLASSIFICATION, TAGGING
from .convolutional import Augmentation, decay

NumTags = Annotated[int, at_least(2), FromData("tags", "count")]


@dataclass(frozen=True)
class OfBody(Part):
    """What the body has as its endpoint of that output; without one, what its scores are given."""

    def bind(self, model):
        declared = get_recipe(model.origin.arguments["body"]).endpoints.get(self.output)
        last = getattr(model, "classifier", model).layers[-2]
        return (declared or Part(self.input, self.output, end=last.name)).bind(model)


def precision(model: keras.Model, images: np.ndarray, tags: np.ndarray, batch_size: int):
    """The mean over tags of the average precision, of those that any of the images has."""
    scores = model.predict(images, batch_size=batch_size, verbose=0)
    there = tags.any(axis=0)
    mean = average_precision_score(tags[:, there], scores[:, there], average="macro")
    return {"mean_average_precision": float(mean)}


@recipe(
    family="classifiers",
    task=TAGGING,
    data="crowds",
    paper="Zhang & Zhou 2014: https://doi.org/10.1109/TKDE.2013.39",
    objective=Objective("val_mean_average_precision", "max", measured=True),
    endpoints={
        "serve": Part("images", "tags", activation="sigmoid", of="classifier"),
        "features": OfBody("images", "features"),
    },
    smoke={"image_shape": (8, 8, 1), "num_tags": 3, "body": "mlp_128"},
    measures=precision,
    batch_size=64,
    epochs=20,
    schedule=decay(steps(0.5, 0.75)),
)
def tagger(
    image_shape: ImageShape = (32, 32, 1),
    num_tags: NumTags = 10,
    *,
    body: Annotated[
        str, Given(lambda v: isinstance(v, str), "the name of a classifier, such as 'resnet20'")
    ] = "resnet20",
    augmentation: Augmentation = "shift",
    weight_decay: WeightDecay = 1e-4,
    momentum: Momentum = 0.9,
    learning_rate: LearningRate = 0.1,
    seed: Seed = None,
) -> keras.Model:
    """Tagger: a classifier's network that says of each of several tags whether an image has it.

    The scores of the classes are scores of tags, each with a sigmoid and a cross-entropy of its
    own. Any classifier of this package, or size of one, can be the body.

    Args:
        image_shape: Height, width and channels of the images.
        num_tags: Number of tags, at least 2.
        body: Name of the recipe, or of a size of it, whose network it is, with its defaults.
        augmentation: What is done to images in training, where the body knows of it: "none",
            "shift" by up to an eighth of their side, or "shift and flip" from left to right.
        weight_decay: Coefficient of the kernels in their gradients.
        momentum: Momentum of gradient descent; below 1.
        learning_rate: Step size of gradient descent at first; it is divided by 10 after half and
            three quarters of the training.
        seed: Makes initial weights, dropout and augmentation reproducible.

    Returns:
        A compiled model from images in [0, 1], `(batch, height, width, channels)`, to scores,
        `(batch, num_tags)`, whose sigmoids are the probabilities of the tags. It learns from rows
        of 0 and 1, `(batch, num_tags)`.

    Raises:
        UserError: If an argument is not valid, or the body is no classifier that learns by the
            cross-entropy of its classes.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import tagger
        >>> images, tags = np.random.rand(32, 8, 8, 1), np.random.randint(0, 2, (32, 3))
        >>> model = tagger((8, 8, 1), 3, body="mlp_128")
        >>> history = model.fit(images, tags, verbose=0)
        >>> model.predict(images[:2], verbose=0).shape
        (2, 3)

    Reference:
        Zhang & Zhou 2014, "A Review on Multi-Label Learning Algorithms", section 3.1.1, binary
        relevance: https://doi.org/10.1109/TKDE.2013.39
    """
    entry = get_recipe(body)
    if entry.task is not CLASSIFICATION:
        raise UserError(f"body must be a classifier, and {body} is of {entry.task.name}")
    names = {p.name for p in entry.parameters}
    known = {"augmentation": augmentation} if "augmentation" in names else {}
    model = entry.build(image_shape=image_shape, num_classes=num_tags, **known)
    if not isinstance(model.loss, keras.losses.SparseCategoricalCrossentropy):
        raise UserError(f"body must learn by the cross-entropy of its classes, and {body} does not")
    model.compile(
        CoupledSGD(learning_rate, momentum, l2=weight_decay),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)],
    )
    return model
