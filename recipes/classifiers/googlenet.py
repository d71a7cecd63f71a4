"""GoogLeNet."""

from dataclasses import replace
from typing import Annotated

import keras
from keras import layers

from ...layers import LocalResponseNormalization
from ..endpoint import Part
from ..registry import Objective, Published, recipe
from ..search import (
    Dropout,
    Flag,
    Float,
    ImageShape,
    LearningRate,
    Momentum,
    NumClasses,
    Rank,
    Seed,
    WeightDecay,
)
from ..tasks import CLASSIFICATION
from .auxiliary import WithAuxiliaryHeads
from .convolutional import (
    Augmentation,
    compile_classifier,
    convolution,
    decay,
    normalized,
)
from .explanations import EXPLAIN

SZEGEDY = "Szegedy et al. 2014: https://arxiv.org/abs/1409.4842, table 1; counted"
# Table 1: filters of the 1×1 convolutions, those before and in the 3×3 ones, those before and in
# the 5×5 ones, and those after the pooling.
MODULES = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


@recipe(
    family="classifiers",
    task=CLASSIFICATION,
    data="fashion_mnist",
    paper="Szegedy et al. 2014: https://arxiv.org/abs/1409.4842",
    objective=Objective("val_accuracy", "max"),
    endpoints={
        "serve": Part("images", "probabilities", activation="softmax", of="classifier"),
        "features": Part("images", "features", end="features", of="classifier"),
        "explain": replace(EXPLAIN, of="classifier"),
    },
    smoke={
        "image_shape": (16, 16, 1),
        "num_classes": 3,
        "width": 0.122,
        "dropout": 0.0,
        "head_dropout": 0.0,
        "augmentation": "none",
    },
    published=(
        Published("with both heads", 13_378_280, SZEGEDY),
        Published("without heads", 6_998_552, SZEGEDY, {"heads": False}),
        Published(
            "without heads, 10 classes", 5_983_802, "counted", {"heads": False, "num_classes": 10}
        ),
    ),
    batch_size=128,
    epochs=20,
    schedule=decay(lambda share: 0.96 ** int(30 * share)),
)
def googlenet(
    image_shape: ImageShape = (224, 224, 3),
    num_classes: NumClasses = 1000,
    *,
    heads: Flag = True,
    width: Annotated[float, Float(0.25, 2.0, log=True, rank=Rank.UNITS)] = 1.0,
    dropout: Dropout = 0.4,
    head_dropout: Dropout = 0.7,
    augmentation: Augmentation = "shift and flip",
    weight_decay: WeightDecay = 2e-4,
    momentum: Momentum = 0.9,
    learning_rate: LearningRate = 0.01,
    seed: Seed = None,
) -> keras.Model:
    """GoogLeNet: modules of 1×1, 3×3 and 5×5 convolutions side by side, with two heads to learn by.

    The heads, small classifiers at a third and at two thirds of the depth, are there in training
    alone: what is exported is without.

    Deviations:
        * Initial weights are Glorot's. The learning rate falls by 4 % thirty times: in the paper
          every 8 epochs, of which it does not say how many there were. Weights are not averaged.
        * Images are scaled to [-1, 1] instead of having the mean subtracted; in training they are
          shifted and mirrored, not scaled.

    Args:
        image_shape: Height, width and channels of the images.
        num_classes: Number of classes.
        heads: Whether it learns with its two heads, which count for 0.3 of their loss; these need
            images of at least 65 pixels, and below they pool as much as there is.
        width: Factor of the filters of all convolutions, rounded; above 0.
        dropout: Share of the features that are left out in training; below 1.
        head_dropout: The same of the hidden units of the heads.
        augmentation: What is done to images in training: "none", "shift" by up to an eighth of
            their side, or "shift and flip" from left to right.
        weight_decay: Coefficient of the kernels in their gradients.
        momentum: Momentum of gradient descent; below 1.
        learning_rate: Step size of gradient descent at first.
        seed: Makes initial weights, dropout and augmentation reproducible.

    Returns:
        A compiled model from images in [0, 1], `(batch, height, width, channels)`, to scores,
        `(batch, num_classes)`, whose softmax are the class probabilities. It learns from integer
        labels and logs the accuracy.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import googlenet
        >>> images, labels = np.random.rand(4, 32, 32, 1), np.arange(4) % 3
        >>> model = googlenet((32, 32, 1), 3, width=0.1)
        >>> history = model.fit(images, labels, verbose=0)
        >>> model.predict(images[:2], verbose=0).shape
        (2, 3)

    Reference:
        Szegedy et al. 2014, "Going Deeper with Convolutions": https://arxiv.org/abs/1409.4842
    """

    def wide(filters: int) -> int:
        return max(1, round(width * filters))

    images = keras.Input(image_shape, name="images")
    x = normalized(images, augmentation)
    x = _convolution(x, wide(64), 7, "convolution_1", strides=2)
    x = layers.MaxPooling2D(3, 2, "same", name="pool_1")(x)
    x = LocalResponseNormalization(name="normalization_1")(x)
    x = _convolution(x, wide(64), 1, "convolution_2_reduce")
    x = _convolution(x, wide(192), 3, "convolution_2")
    x = LocalResponseNormalization(name="normalization_2")(x)
    x = layers.MaxPooling2D(3, 2, "same", name="pool_2")(x)
    outputs = []
    for name, filters in MODULES.items():
        if name in ("4a", "5a"):
            x = layers.MaxPooling2D(3, 2, "same", name=f"pool_{int(name[0]) - 1}")(x)
        x = _inception(x, [wide(count) for count in filters], f"inception_{name}")
        if heads and name in ("4a", "4d"):
            units = wide(128), wide(1024)
            outputs.append(_head(x, num_classes, *units, head_dropout, f"head_{name}"))
    x = layers.GlobalAveragePooling2D(name="features")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    scores = layers.Dense(num_classes, dtype="float32", name="scores")(x)
    network = keras.Model(images, [scores, *outputs], name="network")
    model = WithAuxiliaryHeads(network, name="googlenet")
    return compile_classifier(model, learning_rate, momentum, weight_decay)


def _convolution(x, filters: int, size: int, name: str, strides: int = 1):
    arguments = {"use_bias": True, "activation": "relu", "kernel_initializer": "glorot_uniform"}
    return convolution(x, filters, size, name, strides=strides, **arguments)


def _inception(x, filters: list[int], name: str):
    """The paper's figure 2b."""
    one, before_three, three, before_five, five, pooled = filters
    branches = [
        _convolution(x, one, 1, f"{name}_1x1"),
        _convolution(
            _convolution(x, before_three, 1, f"{name}_3x3_reduce"), three, 3, f"{name}_3x3"
        ),
        _convolution(_convolution(x, before_five, 1, f"{name}_5x5_reduce"), five, 5, f"{name}_5x5"),
        _convolution(
            layers.MaxPooling2D(3, 1, "same", name=f"{name}_pool")(x),
            pooled,
            1,
            f"{name}_projection",
        ),
    ]
    return layers.Concatenate(name=f"{name}_concatenation")(branches)


def _head(x, num_classes: int, filters: int, units: int, dropout: float, name: str):
    """A classifier on maps of the middle of the net."""
    size = min(5, *x.shape[1:3])
    x = layers.AveragePooling2D(size, 3, name=f"{name}_pool")(x)
    x = _convolution(x, filters, 1, f"{name}_convolution")
    x = layers.Flatten(name=f"{name}_maps")(x)
    x = layers.Dense(units, "relu", name=f"{name}_hidden")(x)
    x = layers.Dropout(dropout, name=f"{name}_dropout")(x)
    return layers.Dense(num_classes, dtype="float32", name=f"{name}_scores")(x)
