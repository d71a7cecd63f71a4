"""AlexNet."""

from typing import Annotated

import keras
from keras import layers, ops

from ...callbacks import steps
from ...errors import UserError
from ...layers import LocalResponseNormalization
from ..model import RecipeModel
from ..registry import Objective, Published, recipe, variant
from ..search import (
    Dropout,
    Flag,
    Given,
    ImageShape,
    LearningRate,
    Momentum,
    NumClasses,
    Seed,
    WeightDecay,
    are_counts,
    at_least,
)
from ..tasks import CLASSIFICATION
from .convolutional import (
    ENDPOINTS,
    Augmentation,
    check_size,
    compile_classifier,
    decay,
    normalized,
)

KRIZHEVSKY = "Krizhevsky, Sutskever & Hinton 2012, figure 2, with images of 227 pixels; counted"
FilterCounts = Annotated[
    tuple[int, ...],
    Given(lambda v: are_counts(v) and len(v) == 5, "a list of five whole numbers of at least 1"),
]


@recipe(
    family="classifiers",
    task=CLASSIFICATION,
    data="fashion_mnist",
    paper="Krizhevsky, Sutskever & Hinton 2012: https://papers.nips.cc/paper/4824",
    objective=Objective("val_accuracy", "max"),
    endpoints=ENDPOINTS,
    smoke={
        "image_shape": (16, 16, 1),
        "num_classes": 3,
        "filters": (4, 8, 8, 8, 8),
        "hidden_units": 8,
        "first_size": 3,
        "first_stride": 1,
        "padding": 1,
        "learning_rate": 30.0,
    },
    published=(
        Published("227×227, 1,000 classes", 60_965_224, KRIZHEVSKY),
        Published("without groups", 62_378_344, "counted", {"groups": 1}),
        Published(
            "224×224, 1,000 classes",
            49_430_888,
            "counted: the paper prints 224, after which the last pooling leaves 5×5 instead of 6×6",
            {"image_shape": (224, 224, 3)},
        ),
    ),
    batch_size=128,
    epochs=20,
    schedule=decay(steps(0.4, 0.7, 0.9)),
)
def alexnet(
    image_shape: ImageShape = (227, 227, 3),
    num_classes: NumClasses = 1000,
    *,
    filters: FilterCounts = (96, 256, 384, 384, 256),
    groups: Annotated[int, at_least(1)] = 2,
    hidden_units: Annotated[int, at_least(1)] = 4096,
    normalization: Flag = True,
    first_size: Annotated[int, at_least(1)] = 11,
    first_stride: Annotated[int, at_least(1)] = 4,
    padding: Annotated[int, at_least(0)] = 0,
    dropout: Dropout = 0.5,
    augmentation: Augmentation = "shift and flip",
    weight_decay: WeightDecay = 5e-4,
    momentum: Momentum = 0.9,
    learning_rate: LearningRate = 0.01,
    seed: Seed = None,
) -> keras.Model:
    """AlexNet: five convolutions, normalised across maps, then two dense layers.

    The paper's two graphics cards are two groups in the second, fourth and fifth convolution. The
    named size `alexnet_one_tower` is its first author's later network for one card, without
    normalisation.

    Deviations:
        * Images have 227 pixels, with which the paper's own figures come out, instead of 224. They
          are scaled to [-1, 1] instead of having the mean subtracted; in training they are shifted
          and mirrored, and their colours are left.
        * The learning rate is divided by 10 after 40, 70 and 90 % of the training, instead of where
          the validation error stops to fall. Biases have no weight decay.

    Args:
        image_shape: Height, width and channels of the images, by default 67 pixels at the least.
        num_classes: Number of classes.
        filters: Filters of the five convolutions.
        groups: Groups of the second, fourth and fifth convolution; they divide the filters.
        hidden_units: Units of each of the two hidden dense layers.
        normalization: Whether the first two convolutions are normalised across maps.
        first_size: Size of the first convolution's kernels: 3 for small images.
        first_stride: Its stride: 1 for small images.
        padding: Border of zeros around the image, in pixels; 2 for images of 224.
        dropout: Share of the hidden dense layers' units that are left out in training; below 1.
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
        UserError: If an argument is not valid, the images are too small for the poolings, or the
            groups do not divide the filters.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import alexnet
        >>> images, labels = np.random.rand(4, 67, 67, 1), np.arange(4) % 3
        >>> model = alexnet((67, 67, 1), 3, filters=(4, 8, 8, 8, 8), hidden_units=8)
        >>> history = model.fit(images, labels, verbose=0)
        >>> model.predict(images[:2], verbose=0).shape
        (2, 3)

    Reference:
        Krizhevsky, Sutskever & Hinton 2012, "ImageNet Classification with Deep Convolutional Neural
        Networks": https://papers.nips.cc/paper/4824; Krizhevsky 2014, "One Weird Trick for
        Parallelizing Convolutional Neural Networks": https://arxiv.org/abs/1404.5997
    """
    check_size(image_shape, (first_size, first_stride), *[(3, 2)] * 3, border=padding)
    if uneven := [count for count in filters if count % groups]:
        raise UserError(f"groups must divide all filters, got {groups} groups of {uneven[0]}")
    images = keras.Input(image_shape, name="images")
    x = normalized(images, augmentation)
    if padding:
        x = layers.ZeroPadding2D(padding, name="border")(x)
    stages = [
        # size, stride, groups, bias at first, whether it is normalised, and whether pooled
        (first_size, first_stride, 1, 0, True, True),
        (5, 1, groups, 1, True, True),
        (3, 1, 1, 0, False, False),
        (3, 1, groups, 1, False, False),
        (3, 1, groups, 1, False, True),
    ]
    for number, (count, stage) in enumerate(zip(filters, stages, strict=True), start=1):
        size, stride, parts, bias, normalized_here, pooling = stage
        border = "same" if number > 1 else "valid"
        arguments = {"strides": stride, "padding": border, **_initial(bias)}
        x = _convolution(x, count, size, parts, f"convolution_{number}", **arguments)
        if normalized_here and normalization:
            x = LocalResponseNormalization(name=f"normalization_{number}")(x)
        if pooling:
            x = layers.MaxPooling2D(3, 2, name=f"pool_{number}")(x)
    x = layers.Flatten(name="maps")(x)
    for name in ("hidden", "features"):
        x = layers.Dense(hidden_units, **_initial(1), name=name)(x)
        x = layers.Dropout(dropout, name=f"{name}_dropout")(x)
    scores = layers.Dense(
        num_classes,
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
        dtype="float32",
        name="scores",
    )(x)
    model = RecipeModel(images, scores, name="alexnet")
    return compile_classifier(model, learning_rate, momentum, weight_decay)


def _convolution(x, filters: int, size: int, groups: int, name: str, **arguments):
    """A convolution, or several side by side that have a share of the maps each.

    TensorFlow has no gradient of a grouped one on a CPU, and ONNX not what Keras takes instead.
    """
    if groups == 1:
        return layers.Conv2D(filters, size, name=name, **arguments)(x)
    shares = [
        layers.Conv2D(filters // groups, size, name=f"{name}_{number}", **arguments)(share)
        for number, share in enumerate(ops.split(x, groups, axis=-1), start=1)
    ]
    return layers.Concatenate(name=name)(shares)


def _initial(bias: float):
    """Rectified units with the paper's initial weights."""
    return {
        "activation": "relu",
        "kernel_initializer": keras.initializers.RandomNormal(stddev=0.01),
        "bias_initializer": keras.initializers.Constant(bias),
    }


alexnet_one_tower = variant(
    alexnet,
    "alexnet_one_tower",
    filters=(64, 192, 384, 256, 256),
    groups=1,
    normalization=False,
    at={"image_shape": (227, 227, 3), "num_classes": 1000},
    parameters=61_100_840,
    source="Krizhevsky 2014: https://arxiv.org/abs/1404.5997, section 5; counted",
)
