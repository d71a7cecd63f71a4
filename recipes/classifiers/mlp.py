"""The multilayer perceptron."""

from typing import Annotated

import keras
from keras import layers

from ..endpoint import Part
from ..model import RecipeModel
from ..registry import Objective, recipe, variant
from ..search import (
    Activation,
    Dropout,
    Float,
    ImageShape,
    LearningRate,
    NumClasses,
    Rank,
    Seed,
    Widths,
)
from ..tasks import CLASSIFICATION
from .explanations import EXPLAIN_PIXELS

SIMARD = "Simard, Steinkraus & Platt 2003: https://doi.org/10.1109/ICDAR.2003.1227801, table 1"
SRIVASTAVA = "Srivastava et al. 2014: https://jmlr.org/papers/v15/srivastava14a.html, table 2"


@recipe(
    family="classifiers",
    task=CLASSIFICATION,
    data="fashion_mnist",
    paper="Rumelhart, Hinton & Williams 1986: https://doi.org/10.1038/323533a0",
    objective=Objective("val_accuracy", "max"),
    endpoints={
        "serve": Part("images", "probabilities", activation="softmax"),
        "features": Part("images", "features", end="features"),
        "explain": EXPLAIN_PIXELS,
    },
    smoke={"image_shape": (4, 4, 1), "num_classes": 3, "hidden_units": (5, 4), "dropout": 0.2},
)
def mlp(
    image_shape: ImageShape = (28, 28, 1),
    num_classes: NumClasses = 10,
    *,
    hidden_units: Annotated[tuple[int, ...], Widths(16, 8192, (1, 4))] = (128,),
    activation: Activation = "relu",
    dropout: Dropout = 0.0,
    input_dropout: Dropout = 0.0,
    max_norm: Annotated[float, Float(0.0, 4.0, rank=Rank.REGULARIZATION)] = 0.0,
    learning_rate: LearningRate = 1e-3,
    seed: Seed = None,
) -> keras.Model:
    """Multilayer perceptron: dense layers, one after another, learnt by back-propagation.

    Deviations:
        * Adam instead of gradient descent, and as initial weights Glorot's; rectified linear units
          by default, where the networks of 2003 and before have sigmoids.

    Args:
        image_shape: Height, width and channels of the images.
        num_classes: Number of classes.
        hidden_units: Units of each hidden layer.
        activation: Activation of the hidden layers.
        dropout: Share of each hidden layer's units that are left out in training; below 1.
        input_dropout: Share of the pixels that are left out in training; below 1.
        max_norm: The largest norm of the weights into a hidden unit; 0 for none.
        learning_rate: Step size of Adam.
        seed: Makes initial weights and dropout reproducible.

    Returns:
        A compiled model from images in [0, 1], `(batch, height, width, channels)`, to scores,
        `(batch, num_classes)`, whose softmax are the class probabilities. It learns from integer
        labels and logs the accuracy.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import mlp
        >>> images, labels = np.random.rand(32, 4, 4, 1), np.arange(32) % 3
        >>> model = mlp((4, 4, 1), 3, hidden_units=(16, 8))
        >>> history = model.fit(images, labels, verbose=0)
        >>> model.predict(images[:2], verbose=0).shape
        (2, 3)

    Reference:
        Rumelhart, Hinton & Williams 1986, "Learning Representations by Back-Propagating Errors":
        https://doi.org/10.1038/323533a0; Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov
        2014, "Dropout": https://jmlr.org/papers/v15/srivastava14a.html
    """
    images = keras.Input(image_shape, name="images")
    x = layers.Flatten(name="pixels")(images)
    if input_dropout:
        x = layers.Dropout(input_dropout, name="input_dropout")(x)
    for number, units in enumerate(hidden_units, start=1):
        last = number == len(hidden_units)
        x = layers.Dense(
            units,
            activation,
            kernel_constraint=keras.constraints.MaxNorm(max_norm) if max_norm else None,
            name="features" if last else f"hidden_{number}",
        )(x)
        if dropout:
            x = layers.Dropout(dropout, name=f"dropout_{number}")(x)
    scores = layers.Dense(num_classes, dtype="float32", name="scores")(x)
    model = RecipeModel(images, scores, name="mlp")
    model.compile(
        keras.optimizers.Adam(learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        steps_per_execution=8,  # a step is short beside Keras' own work around it
    )
    return model


mlp_128 = variant(
    mlp, "mlp_128", hidden_units=(128,), parameters=101_770, source="by the sizes of its layers"
)
mlp_512 = variant(
    mlp, "mlp_512", hidden_units=(512, 512), parameters=669_706, source="by the sizes of its layers"
)
mlp_800 = variant(mlp, "mlp_800", hidden_units=(800, 800), parameters=1_276_810, source=SIMARD)
dropout_mlp_1024 = variant(
    mlp,
    "dropout_mlp_1024",
    hidden_units=(1024, 1024, 1024),
    dropout=0.5,
    input_dropout=0.2,
    max_norm=2.0,
    parameters=2_913_290,
    source=SRIVASTAVA,
)
dropout_mlp_8192 = variant(
    mlp,
    "dropout_mlp_8192",
    hidden_units=(8192, 8192),
    dropout=0.5,
    input_dropout=0.2,
    max_norm=2.0,
    parameters=73_629_706,
    source=SRIVASTAVA,
)
