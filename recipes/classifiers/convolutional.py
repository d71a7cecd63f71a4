"""What convolutional classifiers have in common: their images, their objective, their sizes."""

from collections.abc import Callable
from typing import Annotated

import keras
from keras import layers

from ...callbacks import LearningRateDecay
from ...errors import UserError
from ...layers import FusedBatchNormalization, RandomShift
from ...optimizers import CoupledSGD
from ..endpoint import Part
from ..registry import MakeSchedule
from ..search import Choice, Given, LearntWith, Rank, are_counts
from .explanations import EXPLAIN

Augmentation = Annotated[str, Choice("none", "shift", "shift and flip", rank=Rank.REGULARIZATION)]
Preprocessing = Annotated[
    str,
    Given(
        lambda v: isinstance(v, str) and v in ("tf", "caffe", "torch"), "'tf', 'caffe' or 'torch'"
    ),
    LearntWith(
        "what its images were scaled to",
        "'caffe' for the VGG and residual nets of keras.applications, 'torch' for its dense nets, "
        "'tf' for images in [-1, 1]",
    ),
]
Blocks = Annotated[
    tuple[int, ...],
    Given(
        lambda v: are_counts(v) and len(v) > 0,
        "a list of one or more whole numbers of at least 1",
    ),
]
ENDPOINTS = {
    "serve": Part("images", "probabilities", activation="softmax"),
    "features": Part("images", "features", end="features"),
    "explain": EXPLAIN,
}
# What published ImageNet nets take.
IMAGENET = {"image_shape": (224, 224, 3), "num_classes": 1000}
CIFAR = {"image_shape": (32, 32, 3), "num_classes": 10}


def decay(multiplier: Callable[[float], float]) -> MakeSchedule:
    """The schedule of a recipe whose learning rate falls so."""
    return lambda arguments: LearningRateDecay(arguments["learning_rate"], multiplier)


# Means and deviations of red, green and blue, of ImageNet, and in 255ths.
STATISTICS = {
    "torch": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "caffe": ((123.68 / 255, 116.779 / 255, 103.939 / 255), (1 / 255,) * 3),
}


def normalized(images, augmentation: str, preprocessing: str = "tf"):
    """Images as a network takes them, in training shifted by up to an eighth of their side.

    Args:
        images: Images in [0, 1].
        augmentation: "none", "shift", or "shift and flip", which mirrors half of them, too.
        preprocessing: As Keras calls it: "tf" from -1 to 1, "torch" in deviations of ImageNet from
            its means, "caffe" in 255ths from these means, blue first.
    """
    if preprocessing != "tf" and images.shape[-1] != 3:
        raise UserError(
            f"preprocessing {preprocessing!r} is of images of 3 channels, got {images.shape[-1]}"
        )
    scale, offset = 2.0, -1.0
    if preprocessing != "tf":
        pairs = list(zip(*STATISTICS[preprocessing], strict=True))
        # Of shape (1, 1, 3), which Keras' own order of axes leaves alone.
        scale = [[[1 / deviation for _, deviation in pairs]]]
        offset = [[[-mean / deviation for mean, deviation in pairs]]]
    x = layers.Rescaling(scale, offset, name="rescaling")(images)
    if preprocessing == "caffe":
        x = x[..., ::-1]
    if augmentation != "none":
        pixels = max(1, min(images.shape[1:3]) // 8)
        x = RandomShift(pixels, augmentation == "shift and flip", name="augmentation")(x)
    return x


def gaussian() -> keras.initializers.Initializer:
    """He's initial weights, for one layer, as published.

    Keras' `he_normal` cuts the tails off, and takes more than twice as long.
    """
    return keras.initializers.VarianceScaling(2.0, "fan_in", "untruncated_normal")


def batch_normalization(name: str, **arguments) -> keras.layers.Layer:
    """Batch normalisation as Torch's and Caffe's, which most papers have used."""
    return FusedBatchNormalization(momentum=0.9, epsilon=1e-5, name=name, **arguments)


def activated(x, name: str):
    """Normalised and rectified."""
    x = batch_normalization(f"{name}_normalization")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def convolution(x, filters: int, size: int, name: str, *, strides: int = 1, **arguments):
    """A convolution with a border of zeros, equally wide on all sides, and by default no bias.

    What Keras calls "same" is another border where there are strides.
    """
    arguments = {
        "use_bias": False,
        "kernel_initializer": gaussian(),
        "padding": "same",
    } | arguments
    if strides > 1 and size > 1:
        x = layers.ZeroPadding2D(size // 2, name=f"{name}_border")(x)
        arguments["padding"] = "valid"
    return layers.Conv2D(filters, size, strides=strides, name=name, **arguments)(x)


def classify(x, num_classes: int, **arguments):
    """The scores of a dense layer over features, which the layer before them is called."""
    return layers.Dense(num_classes, dtype="float32", name="scores", **arguments)(x)


def compile_classifier(
    model: keras.Model,
    learning_rate: float,
    momentum: float,
    weight_decay: float,
    *,
    nesterov: bool = False,
    **arguments,
) -> keras.Model:
    """Compile a model from images to scores, to learn integer labels by gradient descent."""
    model.compile(
        CoupledSGD(learning_rate, momentum, nesterov, weight_decay),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        **arguments,
    )
    return model


def check_size(image_shape: tuple[int, ...], *stages: tuple[int, int], border: int = 0) -> None:
    """Raise `UserError` if of images nothing is left after some stages.

    Args:
        image_shape: Height, width and channels.
        *stages: Size and stride of the convolutions and poolings without a border, in order.
        border: Pixels that are put around the images before.
    """
    least = 1
    for size, stride in reversed(stages):
        least = (least - 1) * stride + size
    least = max(1, least - 2 * border)
    if min(image_shape[:2]) < least:
        raise UserError(
            f"images must have at least {least}×{least} pixels, got {image_shape[0]}×"
            f"{image_shape[1]}: give a larger image size"
        )
