"""Densely connected networks."""

from typing import Annotated

import keras
from keras import layers

from ...callbacks import steps
from ...checks import is_number
from ..model import RecipeModel
from ..registry import Objective, recipe, variant
from ..search import (
    Choice,
    Dropout,
    Flag,
    Given,
    ImageShape,
    LearningRate,
    Momentum,
    NumClasses,
    Rank,
    Seed,
    WeightDecay,
)
from ..tasks import CLASSIFICATION
from .convolutional import (
    CIFAR,
    ENDPOINTS,
    IMAGENET,
    Augmentation,
    Blocks,
    Preprocessing,
    activated,
    check_size,
    classify,
    compile_classifier,
    convolution,
    decay,
    normalized,
)

HUANG = "Huang et al. 2017: https://arxiv.org/abs/1608.06993, counted without moving statistics"
Stem = Annotated[str, Given(lambda v: v in ("3x3", "7x7"), "'3x3' or '7x7'")]


@recipe(
    family="classifiers",
    task=CLASSIFICATION,
    data="fashion_mnist",
    paper="Huang, Liu, van der Maaten & Weinberger 2017: https://arxiv.org/abs/1608.06993",
    objective=Objective("val_accuracy", "max"),
    endpoints=ENDPOINTS,
    smoke={"image_shape": (8, 8, 1), "num_classes": 3, "blocks": (2, 2), "growth": 4},
    batch_size=64,
    epochs=20,
    schedule=decay(steps(0.5, 0.75)),
)
def densenet(
    image_shape: ImageShape = (28, 28, 1),
    num_classes: NumClasses = 10,
    *,
    blocks: Blocks = (12, 12, 12),
    growth: Annotated[int, Choice(8, 12, 16, 24, 32, 40, rank=Rank.UNITS)] = 12,
    bottleneck: Flag = False,
    compression: Annotated[
        float, Given(lambda v: is_number(v) and 0 < v <= 1, "a number above 0 and up to 1")
    ] = 1.0,
    stem: Stem = "3x3",
    dropout: Dropout = 0.0,
    preprocessing: Preprocessing = "tf",
    augmentation: Augmentation = "shift and flip",
    weight_decay: WeightDecay = 1e-4,
    momentum: Momentum = 0.9,
    learning_rate: LearningRate = 0.1,
    seed: Seed = None,
) -> keras.Model:
    """DenseNet: each layer is given the maps of all layers before it in its block.

    Named sizes are the networks of the paper: `densenet121` to `densenet264` with a stem for large
    images, and `densenet_40_12` to `densenet_bc_190_40`, by their depth and growth, with one for
    small images. Borders are of zeros, equally wide on all sides, so that the weights of
    `keras.applications` give the same outputs.

    Deviations:
        * Biases and the scales of normalisation have no weight decay. Images are scaled to [-1, 1]
          instead of being normalised by the means and deviations of their channels.
        * The learning rate is divided by 10 after half and three quarters of the training, as on
          CIFAR, for all sizes; those for ImageNet had a third and two thirds.

    Args:
        image_shape: Height, width and channels of the images.
        num_classes: Number of classes.
        blocks: Number of layers of each block; between blocks the image is halved.
        growth: Maps that each layer adds.
        bottleneck: Whether a 1×1 convolution to four times as many maps comes before each 3×3 (B).
        compression: Share of the maps that are left between two blocks, rounded down; below 1 for
            the paper's C.
        stem: "3x3" for small images, or "7x7", with stride 2 and a pooling that halves once more.
        dropout: Share of each convolution's outputs that are left out in training; below 1. The
            paper has 0.2 where images are not augmented.
        preprocessing: What images are scaled to: "tf" for [-1, 1]; for weights that were learnt so
            on ImageNet, "caffe", as the VGG and residual nets of `keras.applications`, or "torch",
            as its dense nets.
        augmentation: What is done to images in training: "none", "shift" by up to an eighth of
            their side, or "shift and flip" from left to right.
        weight_decay: Coefficient of the kernels in their gradients.
        momentum: Nesterov's momentum of gradient descent; below 1.
        learning_rate: Step size of gradient descent at first.
        seed: Makes initial weights, dropout and augmentation reproducible.

    Returns:
        A compiled model from images in [0, 1], `(batch, height, width, channels)`, to scores,
        `(batch, num_classes)`, whose softmax are the class probabilities. It learns from integer
        labels and logs the accuracy.

    Raises:
        UserError: If an argument is not valid, or the images are too small for the blocks.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import densenet
        >>> images, labels = np.random.rand(32, 8, 8, 1), np.arange(32) % 3
        >>> model = densenet((8, 8, 1), 3, blocks=(2, 2), growth=4)
        >>> history = model.fit(images, labels, verbose=0)
        >>> model.predict(images[:2], verbose=0).shape
        (2, 3)

    Reference:
        Huang, Liu, van der Maaten & Weinberger 2017, "Densely Connected Convolutional Networks":
        https://arxiv.org/abs/1608.06993
    """
    halves = len(blocks) - 1
    check_size(image_shape, *([(1, 2)] * 2 if stem == "7x7" else []), *[(2, 2)] * halves)
    images = keras.Input(image_shape, name="images")
    x = normalized(images, augmentation, preprocessing)
    if stem == "7x7":
        x = convolution(x, 2 * growth, 7, "stem", strides=2)
        x = activated(x, "stem")
        x = layers.ZeroPadding2D(1, name="pool_border")(x)
        x = layers.MaxPooling2D(3, 2, name="pool")(x)
    else:
        x = convolution(x, 2 * growth if bottleneck else 16, 3, "stem")
    for block, count in enumerate(blocks, start=1):
        for number in range(1, count + 1):
            name = f"layer_{block}_{number}"
            added = x
            if bottleneck:
                added = activated(added, f"{name}_1x1")
                added = convolution(added, 4 * growth, 1, f"{name}_1x1")
                added = _dropped(added, dropout, f"{name}_1x1")
            added = activated(added, name)
            added = convolution(added, growth, 3, name)
            added = _dropped(added, dropout, name)
            x = layers.Concatenate(name=f"{name}_concatenation")([x, added])
        if block < len(blocks):
            name = f"transition_{block}"
            x = activated(x, name)
            x = convolution(x, int(compression * x.shape[-1]), 1, name)
            x = _dropped(x, dropout, name)
            x = layers.AveragePooling2D(2, name=f"{name}_pool")(x)
    x = activated(x, "last")
    x = layers.GlobalAveragePooling2D(name="features")(x)
    model = RecipeModel(images, classify(x, num_classes), name="densenet")
    return compile_classifier(model, learning_rate, momentum, weight_decay, nesterov=True)


def _dropped(x, dropout: float, name: str):
    return layers.Dropout(dropout, name=f"{name}_dropout")(x) if dropout else x


def _imagenet(name: str, parameters: int, blocks: tuple[int, ...]):
    return variant(
        densenet,
        name,
        blocks=blocks,
        growth=32,
        bottleneck=True,
        compression=0.5,
        stem="7x7",
        at=IMAGENET,
        parameters=parameters,
        source=HUANG,
    )


def _cifar(name: str, parameters: int, layers_of_a_block: int, growth: int, **arguments):
    return variant(
        densenet,
        name,
        blocks=(layers_of_a_block,) * 3,
        growth=growth,
        **arguments,
        at=CIFAR,
        parameters=parameters,
        source=HUANG,
    )


BC = {"bottleneck": True, "compression": 0.5}
densenet121 = _imagenet("densenet121", 7_978_856, (6, 12, 24, 16))
densenet169 = _imagenet("densenet169", 14_149_480, (6, 12, 32, 32))
densenet201 = _imagenet("densenet201", 20_013_928, (6, 12, 48, 32))
densenet264 = _imagenet("densenet264", 33_337_704, (6, 12, 64, 48))
densenet_40_12 = _cifar("densenet_40_12", 1_019_722, 12, 12)
densenet_100_12 = _cifar("densenet_100_12", 6_979_642, 32, 12)
densenet_bc_100_12 = _cifar("densenet_bc_100_12", 769_162, 16, 12, **BC)
densenet_bc_250_24 = _cifar("densenet_bc_250_24", 15_324_406, 41, 24, **BC)
densenet_bc_190_40 = _cifar("densenet_bc_190_40", 25_624_430, 31, 40, **BC)
