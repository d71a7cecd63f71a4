"""Softmax regression."""

import keras
from keras import layers

from ..endpoint import Part
from ..model import RecipeModel
from ..registry import Objective, Published, recipe
from ..search import ImageShape, LearningRate, NumClasses, Seed, WeightDecay
from ..tasks import CLASSIFICATION
from .explanations import EXPLAIN_PIXELS


@recipe(
    family="classifiers",
    task=CLASSIFICATION,
    data="fashion_mnist",
    paper="Cox 1958: https://doi.org/10.1111/j.2517-6161.1958.tb00292.x",
    objective=Objective("val_accuracy", "max"),
    endpoints={
        "serve": Part("images", "probabilities", activation="softmax"),
        "explain": EXPLAIN_PIXELS,
    },
    smoke={"image_shape": (4, 4, 1), "num_classes": 3},
    published=(Published("784-10", 7_850, "784 · 10 weights and 10 biases"),),
)
def softmax_regression(
    image_shape: ImageShape = (28, 28, 1),
    num_classes: NumClasses = 10,
    *,
    weight_decay: WeightDecay = 0.0,
    learning_rate: LearningRate = 1e-3,
    seed: Seed = None,
) -> keras.Model:
    """Softmax regression: the linear classifier of the greatest likelihood.

    With two classes it is logistic regression. Its loss has one minimum, at which scikit-learn's
    `LogisticRegression` arrives, too.

    Deviations:
        * Mini-batches and Adam instead of Newton's method.

    Args:
        image_shape: Height, width and channels of the images.
        num_classes: Number of classes.
        weight_decay: Coefficient of half the sum of the squared weights, in the loss of an example;
            scikit-learn's C is 1 / (weight decay · examples).
        learning_rate: Step size of Adam.
        seed: Makes the initial weights reproducible.

    Returns:
        A compiled model from images in [0, 1], `(batch, height, width, channels)`, to scores,
        `(batch, num_classes)`, whose softmax are the class probabilities. It learns from integer
        labels.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import softmax_regression
        >>> images, labels = np.random.rand(32, 4, 4, 1), np.arange(32) % 3
        >>> model = softmax_regression((4, 4, 1), 3)
        >>> history = model.fit(images, labels, verbose=0)
        >>> model.predict(images[:2], verbose=0).shape
        (2, 3)

    Reference:
        Cox 1958, "The Regression Analysis of Binary Sequences":
        https://doi.org/10.1111/j.2517-6161.1958.tb00292.x; Bishop 2006, "Pattern Recognition and
        Machine Learning", section 4.3.4
    """
    images = keras.Input(image_shape, name="images")
    x = layers.Flatten()(images)
    penalty = keras.regularizers.L2(weight_decay / 2) if weight_decay else None
    scores = layers.Dense(num_classes, kernel_regularizer=penalty, dtype="float32", name="scores")(
        x
    )
    model = RecipeModel(images, scores, name="softmax_regression")
    model.compile(
        keras.optimizers.Adam(learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        steps_per_execution=8,  # a step is short beside Keras' own work around it
    )
    return model
