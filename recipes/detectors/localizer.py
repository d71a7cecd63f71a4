"""One network, two heads: what is in an image, and where."""

from typing import Annotated

import keras
from keras import layers, ops

from ...errors import UserError
from ..endpoint import Function, Images
from ..model import RecipeModel
from ..registry import Objective, recipe
from ..search import (
    LOSS,
    Changes,
    Choice,
    Dropout,
    Float,
    FromData,
    ImageShape,
    Int,
    LearningRate,
    Rank,
    Seed,
    at_least,
)
from ..tasks import LOCALIZATION

NumClasses = Annotated[int, at_least(2), FromData("boxes", "count")]
BoxWeight = Annotated[float, Float(0.1, 100.0, log=True, rank=Rank.REGULARIZATION), Changes(*LOSS)]


def intersection_over_union(first, second):
    """Of boxes `(…, 4)`, top, left, bottom and right edge: `(…)`, from 0 to 1."""
    low = ops.maximum(first[..., :2], second[..., :2])
    high = ops.minimum(first[..., 2:4], second[..., 2:4])
    both = ops.prod(ops.maximum(high - low, 0.0), axis=-1)
    areas = [
        ops.prod(ops.maximum(box[..., 2:4] - box[..., :2], 0.0), axis=-1) for box in (first, second)
    ]
    return both / ops.maximum(areas[0] + areas[1] - both, 1e-9)


@keras.saving.register_keras_serializable("amalthea")
def iou(y_true, y_pred):
    """Intersection over union of the true box and the one found, for each image."""
    return intersection_over_union(y_true[:, 0, :4], y_pred[:, 0, :4])


@keras.saving.register_keras_serializable("amalthea")
def class_accuracy(y_true, y_pred):
    """Whether the class is right, for each image."""
    right = ops.cast(ops.argmax(y_pred[:, 0, 4:], axis=-1), "float32") == y_true[:, 0, 4]
    return ops.cast(right, "float32")


@keras.saving.register_keras_serializable("amalthea")
def localization_accuracy(y_true, y_pred):
    """Whether the class is right and the boxes overlap by half of their union, for each image."""
    overlap = ops.cast(iou(y_true, y_pred) >= 0.5, "float32")
    return overlap * class_accuracy(y_true, y_pred)


@keras.saving.register_keras_serializable("amalthea")
class ClassAndBox(keras.losses.Loss):
    """Cross-entropy of the class, plus the squared error of the box's edges.

    Args:
        box_weight: Weight of the squared error.
        name: Name of the loss.
        **kwargs: Arguments of `keras.losses.Loss`.
    """

    def __init__(self, box_weight: float = 1.0, name: str = "class_and_box", **kwargs):
        super().__init__(name=name, **kwargs)
        self.box_weight = box_weight

    def call(self, y_true, y_pred):
        errors = ops.sum(ops.square(y_true[:, 0, :4] - y_pred[:, 0, :4]), axis=-1)
        classes = ops.cast(y_true[:, 0, 4], "int32")
        logits = y_pred[:, 0, 4:]
        entropy = keras.losses.sparse_categorical_crossentropy(classes, logits, from_logits=True)
        return entropy + self.box_weight * errors

    def get_config(self):
        return {**super().get_config(), "box_weight": self.box_weight}


def _serve(model, images: Images):
    found = model(images, training=False)[:, 0]
    return {"boxes": found[:, :4], "probabilities": ops.softmax(found[:, 4:])}


@recipe(
    family="detectors",
    task=LOCALIZATION,
    data="scenes",
    paper="Sermanet et al. 2013: https://arxiv.org/abs/1312.6229",
    objective=Objective("val_localization_accuracy", "max"),
    endpoints={"serve": Function(_serve, ("boxes", "probabilities"))},
    smoke={"image_shape": (8, 8, 1), "num_classes": 3, "width": 3, "depth": 2, "units": 5},
    epochs=30,
)
def localizer(
    image_shape: ImageShape = (32, 32, 1),
    num_classes: NumClasses = 10,
    *,
    width: Annotated[int, Choice(8, 16, 32, 64, rank=Rank.UNITS)] = 32,
    depth: Annotated[int, Int(1, 5, rank=Rank.DEPTH)] = 3,
    units: Annotated[int, Int(16, 1024, log=True, rank=Rank.UNITS)] = 256,
    box_weight: BoxWeight = 10.0,
    dropout: Dropout = 0.5,
    learning_rate: LearningRate = 1e-3,
    seed: Seed = None,
) -> keras.Model:
    """Localizer: features of convolutions, from which one head tells the class, another the box.

    Both heads have a hidden layer of their own over the same feature maps.

    Deviations:
        * A small stack of convolutions in place of the source's two large ones, for small images.
        * Features and heads learn together; the source trains a classifier first, and then the box
          head on its features.
        * One box for all classes at one scale, without sliding windows.

    Args:
        image_shape: Height, width and channels of the images.
        num_classes: Number of classes.
        width: Filters of the first convolution, twice as many after each halving.
        depth: How often the maps are halved.
        units: Hidden units of each head.
        box_weight: Weight of the squared error of the edges beside the cross-entropy.
        dropout: Share of the hidden units of the class head that are left out.
        learning_rate: Step size of Adam.
        seed: Makes initial weights and dropout reproducible.

    Returns:
        A compiled model from images in [0, 1], `(batch, height, width, channels)`, to
        `(batch, 1, 4 + num_classes)`: top, left, bottom and right edge as shares of the image, and
        logits. It learns from `x` and `y`, boxes with their class, `(batch, 1, 5)`.

    Raises:
        UserError: If an argument is not valid, or the images cannot be halved so often.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import localizer
        >>> model = localizer((8, 8, 1), 2, width=4, depth=2)
        >>> boxes = np.tile([0.25, 0.25, 0.75, 0.5, 1.0], (4, 1, 1))
        >>> history = model.fit(np.random.rand(4, 8, 8, 1), boxes, verbose=0)
        >>> model.predict(np.random.rand(1, 8, 8, 1), verbose=0).shape
        (1, 1, 6)

    Reference:
        Sermanet et al. 2013, "OverFeat: Integrated Recognition, Localization and Detection using
        Convolutional Networks": https://arxiv.org/abs/1312.6229
    """
    if min(image_shape[:2]) < 2**depth:
        raise UserError(
            f"images of {image_shape[0]}×{image_shape[1]} cannot be halved {depth} times: "
            "take a smaller depth"
        )
    images = keras.Input(image_shape, name="images")
    x = images
    for level in range(depth):
        for number in (1, 2):
            x = layers.Conv2D(
                width * 2**level,
                3,
                padding="same",
                activation="relu",
                kernel_initializer="he_normal",
                name=f"features_{level}_{number}",
            )(x)
        x = layers.MaxPooling2D(name=f"pool_{level}")(x)
    x = layers.Flatten(name="features")(x)
    kind = layers.Dense(units, "relu", kernel_initializer="he_normal", name="class_hidden")(x)
    if dropout:
        kind = layers.Dropout(dropout, name="class_dropout")(kind)
    logits = layers.Dense(num_classes, dtype="float32", name="class_logits")(kind)
    place = layers.Dense(units, "relu", kernel_initializer="he_normal", name="box_hidden")(x)
    edges = layers.Dense(4, "sigmoid", dtype="float32", name="box_edges")(place)
    both = layers.Concatenate(dtype="float32", name="box_and_class")([edges, logits])
    outputs = layers.Reshape((1, 4 + num_classes), dtype="float32", name="found")(both)
    model = RecipeModel(images, outputs, name="localizer")
    model.compile(
        keras.optimizers.Adam(learning_rate),
        loss=ClassAndBox(box_weight),
        metrics=[iou, class_accuracy, localization_accuracy],
    )
    return model
