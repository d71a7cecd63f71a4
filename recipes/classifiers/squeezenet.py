"""SqueezeNet."""

from typing import Annotated

import keras
from keras import layers

from ..model import RecipeModel
from ..registry import Objective, recipe, variant
from ..search import (
    Dropout,
    Float,
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
    ENDPOINTS,
    IMAGENET,
    Augmentation,
    check_size,
    compile_classifier,
    convolution,
    decay,
    normalized,
)

# Of each version: filters and size of the first convolution, after which of the modules numbered
# from 2 there is a pooling (that at 1 being after the convolution).
VERSIONS = {"1.0": ((96, 7), (1, 4, 8)), "1.1": ((64, 3), (1, 3, 5))}
# Filters of the 1×1 convolution that squeezes; each of the two that expand has four times as many.
SQUEEZED = (16, 16, 32, 32, 48, 48, 64, 64)


@recipe(
    family="classifiers",
    task=CLASSIFICATION,
    data="fashion_mnist",
    paper="Iandola et al. 2016: https://arxiv.org/abs/1602.07360",
    objective=Objective("val_accuracy", "max"),
    endpoints=ENDPOINTS,
    smoke={"image_shape": (31, 31, 1), "num_classes": 3, "version": "1.1", "width": 0.1},
    batch_size=256,
    epochs=20,
    schedule=decay(lambda share: 1 - share),
)
def squeezenet(
    image_shape: ImageShape = (224, 224, 3),
    num_classes: NumClasses = 1000,
    *,
    version: Annotated[str, Given(lambda v: v in VERSIONS, "'1.0' or '1.1'")] = "1.0",
    width: Annotated[float, Float(0.25, 2.0, log=True, rank=Rank.UNITS)] = 1.0,
    dropout: Dropout = 0.5,
    augmentation: Augmentation = "shift and flip",
    weight_decay: WeightDecay = 2e-4,
    momentum: Momentum = 0.9,
    learning_rate: LearningRate = 0.04,
    seed: Seed = None,
) -> keras.Model:
    """SqueezeNet: modules that squeeze all maps into few, and expand those, with no dense layer.

    Named sizes are `squeezenet_1_0`, the network of the paper, and `squeezenet_1_1`, which its
    authors published later and which takes 2.4 times less computation.

    Deviations:
        * The features of the last convolution are rectified but its scores are not, so that all
          scores have a gradient; mini-batches have 256 images instead of 512.
        * Images are scaled to [-1, 1] instead of having the mean subtracted. Biases have no weight
          decay.

    Args:
        image_shape: Height, width and channels of the images.
        num_classes: Number of classes.
        version: "1.0" or "1.1".
        width: Factor of the filters of all convolutions, rounded; above 0.
        dropout: Share of the last module's outputs that are left out in training; below 1.
        augmentation: What is done to images in training: "none", "shift" by up to an eighth of
            their side, or "shift and flip" from left to right.
        weight_decay: Coefficient of the kernels in their gradients.
        momentum: Momentum of gradient descent; below 1.
        learning_rate: Step size of gradient descent at first; it falls to 0 linearly.
        seed: Makes initial weights, dropout and augmentation reproducible.

    Returns:
        A compiled model from images in [0, 1], `(batch, height, width, channels)`, to scores,
        `(batch, num_classes)`, whose softmax are the class probabilities. It learns from integer
        labels and logs the accuracy.

    Raises:
        UserError: If an argument is not valid, or the images are too small for the poolings.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import squeezenet_1_1
        >>> images, labels = np.random.rand(32, 32, 32, 1), np.arange(32) % 3
        >>> model = squeezenet_1_1(image_shape=(32, 32, 1), num_classes=3, width=0.1)
        >>> history = model.fit(images, labels, verbose=0)
        >>> model.predict(images[:2], verbose=0).shape
        (2, 3)

    Reference:
        Iandola et al. 2016, "SqueezeNet: AlexNet-Level Accuracy with 50x Fewer Parameters and
        <0.5MB Model Size": https://arxiv.org/abs/1602.07360
    """
    (filters, size), pools = VERSIONS[version]
    check_size(image_shape, (size, 2), *[(3, 2)] * len(pools))
    images = keras.Input(image_shape, name="images")
    x = normalized(images, augmentation)
    x = layers.Conv2D(
        max(1, round(width * filters)),
        size,
        2,
        activation="relu",
        kernel_initializer="glorot_uniform",
        name="convolution_1",
    )(x)
    x = layers.MaxPooling2D(3, 2, name="pool_1")(x)
    for number, squeezed in enumerate(SQUEEZED, start=2):
        x = _fire(x, max(1, round(width * squeezed)), f"fire_{number}")
        if number in pools:
            x = layers.MaxPooling2D(3, 2, name=f"pool_{number}")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    # The mean of 1×1 convolutions is the 1×1 convolution of the mean, which is one product.
    x = layers.GlobalAveragePooling2D(name="features")(x)
    scores = layers.Dense(
        num_classes,
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
        dtype="float32",
        name="scores",
    )(x)
    model = RecipeModel(images, scores, name="squeezenet")
    return compile_classifier(model, learning_rate, momentum, weight_decay)


def _fire(x, squeezed: int, name: str):
    """The paper's fire module: few 1×1 filters, then as many 1×1 as 3×3 ones over their maps."""
    glorot = {"use_bias": True, "kernel_initializer": "glorot_uniform", "activation": "relu"}
    x = convolution(x, squeezed, 1, f"{name}_squeeze", **glorot)
    expanded = [
        convolution(x, 4 * squeezed, size, f"{name}_expand_{size}x{size}", **glorot)
        for size in (1, 3)
    ]
    return layers.Concatenate(name=f"{name}_concatenation")(expanded)


SOURCE = "Iandola et al. 2016, table 1, and https://github.com/forresti/SqueezeNet; counted exactly"
squeezenet_1_0 = variant(
    squeezenet, "squeezenet_1_0", version="1.0", at=IMAGENET, parameters=1_248_424, source=SOURCE
)
squeezenet_1_1 = variant(
    squeezenet, "squeezenet_1_1", version="1.1", at=IMAGENET, parameters=1_235_496, source=SOURCE
)
