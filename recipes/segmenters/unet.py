"""The U-Net."""

from dataclasses import replace
from typing import Annotated

import keras
from keras import layers, ops

from ...errors import UserError
from ..endpoint import Function, Images, Part
from ..model import RecipeModel
from ..registry import Objective, recipe, variant
from ..search import Choice, Dropout, Float, FromData, Given, ImageShape, Int, Rank, Seed, at_least
from ..tasks import SEGMENTATION

PAPER = "arXiv:1505.04597, figure 1; every convolution has a bias"
LearningRate = Annotated[float, Float(1e-5, 1e-2, log=True, rank=Rank.LEARNING_RATE)]
Padding = Annotated[str, Given(lambda v: v in ("same", "valid"), "'same' or 'valid'")]
NumClasses = Annotated[int, at_least(2), FromData("mask", "count")]


def _centre(masks, scores):
    """The middle of masks, `(batch, height, width)`, that has the height and width of scores."""
    top, left = (
        (whole - part) // 2 for whole, part in zip(masks.shape[1:3], scores.shape[1:3], strict=True)
    )
    return masks[:, top : top + scores.shape[1], left : left + scores.shape[2]]


@keras.saving.register_keras_serializable("amalthea")
class PixelCrossentropy(keras.losses.Loss):
    """Mean cross-entropy of a pixel, by logits `(batch, height, width, classes)`.

    Of masks larger than that the middle counts.
    """

    def __init__(self, name="pixel_crossentropy", **kwargs):
        super().__init__(name=name, **kwargs)

    def call(self, y_true, y_pred):
        masks = _centre(y_true, y_pred)
        masks = ops.cast(masks, "int32")
        return keras.losses.sparse_categorical_crossentropy(masks, y_pred, from_logits=True)


@keras.saving.register_keras_serializable("amalthea")
class MeanIoU(keras.metrics.Metric):
    """Intersection over union of the predicted and the true pixels, mean of the classes there are.

    Args:
        num_classes: Number of classes.
        name: Name of the metric.
        **kwargs: Arguments of `keras.metrics.Metric`.
    """

    def __init__(self, num_classes: int, name: str = "mean_iou", **kwargs):
        super().__init__(name=name, **kwargs)
        self.num_classes = num_classes
        # Pixels by their true class, in rows, and the one that is predicted.
        self.confusion = self.add_weight(
            name="confusion", shape=(num_classes, num_classes), initializer="zeros"
        )

    def update_state(self, y_true, y_pred, sample_weight=None):
        masks, found = _centre(y_true, y_pred), _likeliest(y_pred)
        true, found = (
            ops.reshape(ops.one_hot(classes, self.num_classes), (-1, self.num_classes))
            for classes in (ops.cast(masks, "int32"), found)
        )
        if sample_weight is not None:
            weights = ops.broadcast_to(ops.cast(sample_weight, "float32"), ops.shape(masks))
            true = true * ops.reshape(weights, (-1, 1))
        self.confusion.assign_add(ops.matmul(ops.transpose(true), found))

    def result(self):
        right = ops.diagonal(self.confusion)
        either = ops.sum(self.confusion, 0) + ops.sum(self.confusion, 1) - right
        there = ops.cast(either > 0, "float32")
        return ops.sum(right / ops.maximum(either, 1e-9)) / ops.maximum(ops.sum(there), 1.0)

    def get_config(self):
        return {**super().get_config(), "num_classes": self.num_classes}


def _likeliest(scores):
    """The class of the largest score: Keras' argmax would be more than ONNX and LiteRT know."""
    return ops.top_k(scores, 1)[1][..., 0]


def _segment(model, images: Images):
    return {"masks": _likeliest(model(images, training=False))}


@recipe(
    family="segmenters",
    task=SEGMENTATION,
    data="scenes",
    paper="Ronneberger, Fischer & Brox 2015: https://arxiv.org/abs/1505.04597",
    objective=Objective("val_mean_iou", "max"),
    endpoints={
        "serve": Part("images", "probabilities", activation="softmax"),
        "segment": Function(_segment, ("masks",), dtypes={"masks": "int32"}),
    },
    smoke={"image_shape": (8, 8, 1), "width": 3, "depth": 2},
    takes=lambda features, given: (
        features | {"mask": replace(features["mask"], shape=given["image_shape"][:2])}
    ),
    batch_size=16,
    epochs=10,
)
def unet(
    image_shape: ImageShape = (32, 32, 1),
    num_classes: NumClasses = 2,
    *,
    width: Annotated[int, Choice(8, 16, 32, 64, rank=Rank.UNITS)] = 64,
    depth: Annotated[int, Int(1, 4, rank=Rank.DEPTH)] = 4,
    padding: Padding = "same",
    dropout: Dropout = 0.5,
    learning_rate: LearningRate = 1e-4,
    seed: Seed = None,
) -> keras.Model:
    """U-Net: down to small maps of many features and up again, past which each size has a skip.

    On each side of the U two convolutions stand at each resolution; going down the maps are halved
    and the features doubled, going up the other way round, and what was there on the way down is
    put beside what comes up.

    Deviations:
        * Padded convolutions, so that masks are as large as images; with `padding="valid"`, as
          published, they are the middle of it, and images have 188 pixels or more at depth 4.
        * Adam instead of gradient descent with momentum 0.99, whose step size is not given, and
          mini-batches of many small images instead of one large one.
        * Pixels have no weights by their distance from the borders of cells.

    Args:
        image_shape: Height, width and channels of the images; with "same" padding each side is a
            multiple of 2 to the power of `depth`.
        num_classes: Number of classes of a pixel.
        width: Features at the full resolution.
        depth: How often the maps are halved.
        padding: `"same"`, or `"valid"` for masks that are smaller than images.
        dropout: Share of the features that are left out at the end of the way down.
        learning_rate: Step size of Adam.
        seed: Makes initial weights and dropout reproducible.

    Returns:
        A compiled model from images in [0, 1], `(batch, height, width, channels)`, to logits
        `(batch, height, width, num_classes)`. It learns from `x` and `y`, masks of whole numbers,
        `(batch, height, width)`, of the images' size.

    Raises:
        UserError: If an argument is not valid, or the images cannot be halved so often.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import unet
        >>> model = unet((8, 8, 1), width=4, depth=2)
        >>> images = np.random.rand(4, 8, 8, 1)
        >>> history = model.fit(images, (images > 0.5)[..., 0].astype("int32"), verbose=0)
        >>> model.predict(images, verbose=0).shape
        (4, 8, 8, 2)

    Reference:
        Ronneberger, Fischer & Brox 2015, "U-Net: Convolutional Networks for Biomedical Image
        Segmentation": https://arxiv.org/abs/1505.04597
    """
    _check_size(image_shape, depth, padding)

    def convolutions(x, features, name):
        for number in (1, 2):
            x = layers.Conv2D(
                features,
                3,
                padding=padding,
                activation="relu",
                kernel_initializer="he_normal",
                name=f"{name}_{number}",
            )(x)
        return x

    images = keras.Input(image_shape, name="images")
    x, skips = images, []
    for level in range(depth):
        x = convolutions(x, width * 2**level, f"down_{level}")
        skips.append(x)
        if level == depth - 1 and dropout:
            x = layers.Dropout(dropout, name="dropout_down")(x)
        x = layers.MaxPooling2D(name=f"pool_{level}")(x)
    x = convolutions(x, width * 2**depth, "bottom")
    if dropout:
        x = layers.Dropout(dropout, name="dropout_bottom")(x)
    for level in reversed(range(depth)):
        x = layers.Conv2DTranspose(
            width * 2**level, 2, 2, kernel_initializer="he_normal", name=f"up_{level}"
        )(x)
        skip = skips[level]
        margins = [(a - b) // 2 for a, b in zip(skip.shape[1:3], x.shape[1:3], strict=True)]
        if any(margins):
            skip = layers.Cropping2D(margins, name=f"crop_{level}")(skip)
        x = layers.Concatenate(name=f"skip_{level}")([skip, x])
        x = convolutions(x, width * 2**level, f"right_{level}")
    scores = layers.Conv2D(num_classes, 1, dtype="float32", name="scores")(x)
    model = RecipeModel(images, scores, name="unet")
    model.compile(
        keras.optimizers.Adam(learning_rate),
        loss=PixelCrossentropy(),
        metrics=[MeanIoU(num_classes)],
    )
    return model


unet_572 = variant(
    unet,
    "unet_572",
    image_shape=(572, 572, 1),
    padding="valid",
    parameters=31_030_658,
    source=PAPER,
)


def _check_size(image_shape: tuple[int, ...], depth: int, padding: str) -> None:
    """Raise `UserError` unless the sides of the images can be halved so often."""
    for side in image_shape[:2]:
        if padding == "same" and side % 2**depth:
            raise UserError(
                f"with padding 'same' and depth {depth} the sides of images must be multiples of "
                f"{2**depth}, got {side}"
            )
        if padding == "valid" and not _is_valid(side, depth):
            near = [n for n in range(1, side + 2 ** (depth + 4)) if _is_valid(n, depth)]
            raise UserError(
                f"with padding 'valid' and depth {depth} images may have sides of "
                f"{', '.join(map(str, near[:3]))}, … pixels, got {side}"
            )


def _is_valid(side: int, depth: int) -> bool:
    """Whether unpadded convolutions leave an even side before each halving, and a mask."""
    for _ in range(depth):
        side -= 4
        if side <= 0 or side % 2:
            return False
        side //= 2
    side -= 4
    for _ in range(depth):
        side = 2 * side - 4
    return side > 0
