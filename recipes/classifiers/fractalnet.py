"""FractalNet."""

from typing import Annotated

import keras
from keras import layers

from ...callbacks import steps
from ...layers import DropPathJoin, GlobalPath
from ..model import RecipeModel
from ..registry import Objective, Published, recipe
from ..search import (
    Dropout,
    Float,
    Given,
    ImageShape,
    Int,
    LearningRate,
    Momentum,
    NumClasses,
    Rank,
    Seed,
    WeightDecay,
    are_counts,
)
from ..tasks import CLASSIFICATION
from .convolutional import (
    CIFAR,
    ENDPOINTS,
    Augmentation,
    batch_normalization,
    check_size,
    classify,
    compile_classifier,
    convolution,
    decay,
    normalized,
)

Filters = Annotated[
    tuple[int, ...],
    Given(lambda v: are_counts(v) and len(v) > 0, "a list of one or more whole numbers above 0"),
]
DropPath = Annotated[float, Float(0.0, 0.5, below=1, rank=Rank.REGULARIZATION)]


@recipe(
    family="classifiers",
    task=CLASSIFICATION,
    data="fashion_mnist",
    paper="Larsson, Maire & Shakhnarovich 2017: https://arxiv.org/abs/1605.07648",
    objective=Objective("val_accuracy", "max"),
    endpoints=ENDPOINTS,
    smoke={"image_shape": (8, 8, 1), "num_classes": 3, "filters": (4, 8), "columns": 2},
    published=(
        Published(
            "CIFAR, 5 blocks, 3 columns",
            33_724_618,
            "counted: the paper's 38.6 M is reached neither with nor without biases",
            CIFAR,
        ),
    ),
    batch_size=128,
    epochs=20,
    schedule=decay(steps(0.5, 0.75, 0.875, 0.9375)),
    # Drop-path leaves them out of the first two batches of the tests' model.
    frozen={
        f"block_2_{level}_column_2{weight}"
        for level in (1, 2)
        for weight in ("/kernel", "_normalization/gamma", "_normalization/beta")
    },
)
def fractalnet(
    image_shape: ImageShape = (32, 32, 3),
    num_classes: NumClasses = 10,
    *,
    filters: Filters = (64, 128, 256, 512, 512),
    columns: Annotated[int, Int(1, 4, rank=Rank.DEPTH)] = 3,
    drop_path: DropPath = 0.15,
    dropout: Dropout = 0.4,
    augmentation: Augmentation = "shift and flip",
    weight_decay: WeightDecay = 0.0,
    momentum: Momentum = 0.9,
    learning_rate: LearningRate = 0.02,
    seed: Seed = None,
) -> keras.Model:
    """FractalNet: columns of 1, 2, 4, … convolutions side by side, which meet in their means.

    A block of C columns is two blocks of C - 1 columns, one after the other, beside a convolution.
    In training drop-path leaves columns out: in half of the batches one column of the whole network
    is left alone, in the others each join loses some of what meets there.

    Deviations:
        * Mini-batches have 128 images instead of 100. Images are scaled to [-1, 1] instead of
          having their mean subtracted.

    Args:
        image_shape: Height, width and channels of the images.
        num_classes: Number of classes.
        filters: Filters of each block, each of which halves the image: fewer for small images.
        columns: Number of columns; the longest has 2^(columns - 1) convolutions a block.
        drop_path: Probability with which a join loses one of the columns that meet there; below 1.
            With 0 there is no drop-path at all.
        dropout: Share of the last block's outputs that are left out in training, to which it rises
            from 0 after the first; below 1.
        augmentation: What is done to images in training: "none", "shift" by up to an eighth of
            their side, or "shift and flip" from left to right.
        weight_decay: Coefficient of the kernels in their gradients.
        momentum: Momentum of gradient descent; below 1.
        learning_rate: Step size of gradient descent at first; it is divided by 10 whenever the
            remaining part of the training has halved.
        seed: Makes initial weights, drop-path, dropout and augmentation reproducible.

    Returns:
        A compiled model from images in [0, 1], `(batch, height, width, channels)`, to scores,
        `(batch, num_classes)`, whose softmax are the class probabilities. It learns from integer
        labels and logs the accuracy.

    Raises:
        UserError: If an argument is not valid, or the images are too small for the blocks.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import fractalnet
        >>> images, labels = np.random.rand(32, 8, 8, 1), np.arange(32) % 3
        >>> model = fractalnet((8, 8, 1), 3, filters=(4, 8), columns=2)
        >>> history = model.fit(images, labels, verbose=0)
        >>> model.predict(images[:2], verbose=0).shape
        (2, 3)

    Reference:
        Larsson, Maire & Shakhnarovich 2017, "FractalNet: Ultra-Deep Neural Networks without
        Residuals": https://arxiv.org/abs/1605.07648
    """
    check_size(image_shape, *[(2, 2)] * len(filters))
    images = keras.Input(image_shape, name="images")
    x = normalized(images, augmentation)
    path = GlobalPath(columns, name="path")(x) if drop_path else None
    for block, count in enumerate(filters, start=1):
        x = _fractal(x, count, columns, path, drop_path, f"block_{block}")
        x = layers.MaxPooling2D(2, name=f"pool_{block}")(x)
        if dropout and block > 1:
            rate = dropout * (block - 1) / (len(filters) - 1)
            x = layers.Dropout(rate, name=f"dropout_{block}")(x)
    x = layers.Flatten(name="features")(x)
    model = RecipeModel(images, classify(x, num_classes), name="fractalnet")
    return compile_classifier(model, learning_rate, momentum, weight_decay)


def _fractal(x, filters: int, columns: int, path, drop_path: float, name: str):
    """A block of columns: column number c, from 0, has 2^c convolutions."""
    depth = 2 ** (columns - 1)
    # What comes down each column; a column is ready again after every 2^(columns - 1 - c) levels.
    down = [x] * columns
    for level in range(1, depth + 1):
        ready = [c for c in range(columns) if level % 2 ** (columns - 1 - c) == 0]
        met = [_unit(down[c], filters, f"{name}_{level}_column_{c + 1}") for c in ready]
        if len(met) == 1:
            joined = met[0]
        elif path is None:
            joined = layers.Average(name=f"{name}_{level}_join")(met)
        else:
            join = DropPathJoin(ready, drop_path, name=f"{name}_{level}_join")
            joined = join([*met, path])
        for c in ready:
            down[c] = joined
    return joined


def _unit(x, filters: int, name: str):
    x = convolution(x, filters, 3, name)
    x = batch_normalization(f"{name}_normalization")(x)
    return layers.ReLU(name=f"{name}_relu")(x)
