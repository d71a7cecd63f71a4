"""The maxout network."""

from typing import Annotated

import keras
from keras import layers

from ...layers import Maxout
from ..endpoint import Part
from ..model import RecipeModel
from ..registry import Objective, Published, recipe
from ..search import (
    Dropout,
    Float,
    ImageShape,
    Int,
    LearningRate,
    Momentum,
    NumClasses,
    Rank,
    Seed,
    Widths,
)
from ..tasks import CLASSIFICATION
from .convolutional import compile_classifier, decay
from .explanations import EXPLAIN_PIXELS


@recipe(
    family="classifiers",
    task=CLASSIFICATION,
    data="fashion_mnist",
    paper="Goodfellow et al. 2013: https://arxiv.org/abs/1302.4389",
    objective=Objective("val_accuracy", "max"),
    endpoints={
        "serve": Part("images", "probabilities", activation="softmax"),
        "features": Part("images", "features", end="features"),
        "explain": EXPLAIN_PIXELS,
    },
    smoke={"image_shape": (4, 4, 1), "num_classes": 3, "hidden_units": (5, 4), "pieces": 2},
    published=(
        Published("784-240-240-10, 5 pieces", 1_233_610, "Goodfellow et al. 2013, section 5.1"),
    ),
    batch_size=128,
    schedule=decay(lambda share: 0.1 ** (2 * share)),
)
def maxout_network(
    image_shape: ImageShape = (28, 28, 1),
    num_classes: NumClasses = 10,
    *,
    hidden_units: Annotated[tuple[int, ...], Widths(16, 2048, (1, 4))] = (240, 240),
    pieces: Annotated[int, Int(2, 8, rank=Rank.UNITS)] = 5,
    dropout: Dropout = 0.5,
    input_dropout: Dropout = 0.2,
    max_norm: Annotated[float, Float(0.0, 4.0, rank=Rank.REGULARIZATION)] = 1.9365,
    momentum: Momentum = 0.5,
    learning_rate: LearningRate = 0.1,
    seed: Seed = None,
) -> keras.Model:
    """Maxout network: each hidden unit is the largest of several linear ones, under dropout.

    Deviations:
        * The learning rate falls to a hundredth in the course of the training, and the momentum
          does not rise; mini-batches have 128 images instead of 100.

    Args:
        image_shape: Height, width and channels of the images.
        num_classes: Number of classes.
        hidden_units: Units of each hidden layer.
        pieces: Linear pieces of each unit.
        dropout: Share of each hidden layer's units that are left out in training; below 1.
        input_dropout: Share of the pixels that are left out in training; below 1.
        max_norm: The largest norm of the weights into a linear piece; 0 for none.
        momentum: Momentum of gradient descent; below 1.
        learning_rate: Step size of gradient descent at first.
        seed: Makes initial weights and dropout reproducible.

    Returns:
        A compiled model from images in [0, 1], `(batch, height, width, channels)`, to scores,
        `(batch, num_classes)`, whose softmax are the class probabilities. It learns from integer
        labels and logs the accuracy.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import maxout_network
        >>> images, labels = np.random.rand(32, 4, 4, 1), np.arange(32) % 3
        >>> model = maxout_network((4, 4, 1), 3, hidden_units=(8, 8))
        >>> history = model.fit(images, labels, verbose=0)
        >>> model.predict(images[:2], verbose=0).shape
        (2, 3)

    Reference:
        Goodfellow, Warde-Farley, Mirza, Courville & Bengio 2013, "Maxout Networks":
        https://arxiv.org/abs/1302.4389
    """
    images = keras.Input(image_shape, name="images")
    x = layers.Flatten(name="pixels")(images)
    x = layers.Dropout(input_dropout, name="input_dropout")(x)
    for number, units in enumerate(hidden_units, start=1):
        last = number == len(hidden_units)
        x = Maxout(
            units,
            pieces,
            kernel_initializer=keras.initializers.RandomUniform(-0.005, 0.005),
            kernel_constraint=keras.constraints.MaxNorm(max_norm) if max_norm else None,
            name="features" if last else f"hidden_{number}",
        )(x)
        x = layers.Dropout(dropout, name=f"dropout_{number}")(x)
    scores = layers.Dense(
        num_classes,
        kernel_initializer=keras.initializers.RandomUniform(-0.005, 0.005),
        kernel_constraint=keras.constraints.MaxNorm(max_norm) if max_norm else None,
        dtype="float32",
        name="scores",
    )(x)
    model = RecipeModel(images, scores, name="maxout_network")
    return compile_classifier(model, learning_rate, momentum, 0.0, steps_per_execution=8)
