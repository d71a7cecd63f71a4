"""LeNet-5, in its modern form and as published."""

from typing import Annotated

import keras
from keras import layers, ops
from scipy.linalg import hadamard

from ...errors import UserError
from ...layers import PartialConv2D, RadialBasis, TrainablePooling2D
from ..endpoint import Part
from ..model import RecipeModel
from ..registry import Objective, Published, recipe
from ..search import Activation, Flag, ImageShape, LearningRate, NumClasses, Seed, at_least
from ..tasks import CLASSIFICATION
from .explanations import EXPLAIN

# Table I of the paper: the maps of S2 that each map of C3 is connected to.
C3_CONNECTIONS = (
    (0, 1, 2),
    (1, 2, 3),
    (2, 3, 4),
    (3, 4, 5),
    (0, 4, 5),
    (0, 1, 5),
    (0, 1, 2, 3),
    (1, 2, 3, 4),
    (2, 3, 4, 5),
    (0, 3, 4, 5),
    (0, 1, 4, 5),
    (0, 1, 2, 5),
    (0, 1, 3, 4),
    (1, 2, 4, 5),
    (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)
LECUN = "LeCun et al. 1998, section II.B"


@keras.saving.register_keras_serializable("amalthea")
def scaled_tanh(x):
    """The squashing function of the paper's appendix A: 1.7159 tanh(2x / 3), with f(±1) = ±1."""
    return 1.7159 * ops.tanh(x * (2 / 3))


@keras.saving.register_keras_serializable("amalthea")
class MaximumAPosteriori(keras.losses.Loss):
    """The paper's equation 9 over scores that are minus the distances to the classes' codes.

    Beside the classes stands "none of them", at a constant distance: the right class must come
    near, and the wrong ones be far. Labels are `(batch,)` integers, scores `(batch, classes)`.
    """

    def __init__(self, none_distance: float = 0.1, name="maximum_a_posteriori", **kwargs):
        super().__init__(name=name, **kwargs)
        self.none_distance = none_distance

    def call(self, y_true, y_pred):
        none = ops.full_like(y_pred[:, :1], -self.none_distance)
        scores = ops.concatenate([y_pred, none], axis=-1)
        labels = ops.reshape(y_true, (-1,))
        return keras.losses.sparse_categorical_crossentropy(labels, scores, from_logits=True)

    def get_config(self):
        return {**super().get_config(), "none_distance": self.none_distance}


@recipe(
    family="classifiers",
    task=CLASSIFICATION,
    data="fashion_mnist",
    paper="LeCun et al. 1998, Proceedings of the IEEE 86: https://doi.org/10.1109/5.726791",
    objective=Objective("val_accuracy", "max"),
    endpoints={
        "serve": Part("images", "probabilities", activation="softmax"),
        "features": Part("images", "features", end="f6"),
        "explain": EXPLAIN,
    },
    smoke={"image_shape": (12, 12, 1), "num_classes": 3},
    published=(
        Published("modern form, 10 classes", 61_706, "full C3, plain pooling, dense output"),
        Published("as published, 10 classes", 60_000, LECUN, {"original": True}),
    ),
)
def lenet5(
    image_shape: ImageShape = (28, 28, 1),
    num_classes: NumClasses = 10,
    *,
    original: Flag = False,
    padding: Annotated[int, at_least(0)] = 2,
    activation: Activation = "tanh",
    learning_rate: LearningRate = 1e-3,
    seed: Seed = None,
) -> keras.Model:
    """LeNet-5: two convolutions with pooling, then three dense layers.

    The modern form connects all maps of S2 to all of C3, pools by averages, and ends in a dense
    layer with the cross-entropy of a softmax. With `original=True` it is the published network: the
    partial connections of table I, pooling with trained coefficients, the squashing function
    1.7159 tanh(2x/3), initial kernels uniform within 2.4 / fan-in, and Euclidean radial basis
    outputs with fixed codes, trained by the maximum a posteriori criterion.

    Deviations:
        * Adam instead of the stochastic diagonal Levenberg-Marquardt method.
        * The fixed codes are rows of a Hadamard matrix, an error-correcting code as the paper
          mentions, instead of drawn characters: classes need not be characters.
        * All maps of C3 have the same initial range, that of their mean fan-in; pooling starts as
          averaging, and biases at 0.
        * C5 is a dense layer, which is the same at the published size and admits larger images.

    Args:
        image_shape: Height, width and channels of the images.
        num_classes: Number of classes, at most 127 with `original=True`.
        original: Whether to build the published network rather than its modern form.
        padding: Border of zeros around the image in pixels: 2 turns 28×28 into the paper's 32×32.
        activation: Activation of the hidden layers; with `original=True`, "tanh" is the scaled one.
        learning_rate: Step size of Adam.
        seed: Makes the initial weights reproducible.

    Returns:
        A compiled model from images in [0, 1], `(batch, height, width, channels)`, to scores,
        `(batch, num_classes)`, whose softmax are the class probabilities. It learns from integer
        labels and logs the accuracy.

    Raises:
        UserError: If an argument is not valid, the images are too small for two convolutions, or
            the classes too many for the original's codes.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import lenet5
        >>> model = lenet5((12, 12, 1), num_classes=3)
        >>> images, labels = np.random.rand(32, 12, 12, 1), np.arange(32) % 3
        >>> history = model.fit(images, labels, epochs=1, verbose=0)
        >>> model.predict(images[:2], verbose=0).shape
        (2, 3)

    Reference:
        LeCun, Bottou, Bengio & Haffner 1998, "Gradient-Based Learning Applied to Document
        Recognition": https://doi.org/10.1109/5.726791
    """
    smallest = 16 - 2 * padding  # 5×5, halved, 5×5, halved leaves one pixel of 16
    if min(image_shape[:2]) < smallest:
        raise UserError(
            f"images must have at least {smallest}×{smallest} pixels with a padding of {padding}, "
            f"got {image_shape[0]}×{image_shape[1]}"
        )
    images = keras.Input(image_shape, name="images")
    # The paper's grey levels: background -0.1, foreground 1.175, so that inputs average about 0.
    x = layers.ZeroPadding2D(padding)(images)
    x = layers.Rescaling(1.275, -0.1)(x)
    if original:
        if num_classes > 127:
            raise UserError(f"the original's codes tell 127 classes apart, got {num_classes}")
        scores = _as_published(x, num_classes, scaled_tanh if activation == "tanh" else activation)
        loss = MaximumAPosteriori()
    else:
        scores = _modern(x, num_classes, activation)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model = RecipeModel(images, scores, name="lenet5")
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss=loss,
        metrics=["accuracy"],
        steps_per_execution=8,  # a step is short beside Keras' own work around it
    )
    return model


def _modern(x, num_classes, activation):
    x = layers.Conv2D(6, 5, activation=activation, name="c1")(x)
    x = layers.AveragePooling2D(2, name="s2")(x)
    x = layers.Conv2D(16, 5, activation=activation, name="c3")(x)
    x = layers.AveragePooling2D(2, name="s4")(x)
    x = layers.Flatten()(x)
    x = layers.Dense(120, activation, name="c5")(x)
    x = layers.Dense(84, activation, name="f6")(x)
    return layers.Dense(num_classes, dtype="float32", name="output")(x)


def _as_published(x, num_classes, activation):
    def uniform(fan_in):
        return keras.initializers.RandomUniform(-2.4 / fan_in, 2.4 / fan_in)

    fan_in = 25 * x.shape[-1]
    x = layers.Conv2D(6, 5, activation=activation, kernel_initializer=uniform(fan_in), name="c1")(x)
    x = TrainablePooling2D(activation=activation, name="s2")(x)
    fan_in = 25 * sum(map(len, C3_CONNECTIONS)) / len(C3_CONNECTIONS)
    x = PartialConv2D(
        C3_CONNECTIONS, 5, activation=activation, kernel_initializer=uniform(fan_in), name="c3"
    )(x)
    x = TrainablePooling2D(activation=activation, name="s4")(x)
    x = layers.Flatten()(x)
    for units, name in ((120, "c5"), (84, "f6")):
        x = layers.Dense(units, activation, kernel_initializer=uniform(x.shape[-1]), name=name)(x)
    # Its first row and column are constant; without them every code has ones of both signs.
    codes = hadamard(128)[1 : num_classes + 1, 1:85].astype("float32")
    distances = RadialBasis(
        num_classes,
        centers_initializer=keras.initializers.Constant(codes),
        trainable=False,
        dtype="float32",
        name="output",
    )(x)
    return -distances
