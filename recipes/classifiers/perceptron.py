"""The perceptron."""

import keras
from keras import layers, ops

from ...callbacks import Separation
from ..endpoint import Part
from ..model import RecipeModel
from ..registry import Objective, Published, recipe
from ..search import ImageShape, LearningRate, NumClasses, Seed
from ..tasks import CLASSIFICATION
from .explanations import EXPLAIN_PIXELS


def _margins(y_true, y_pred):
    """How far the score of each example's class is above the largest of the others."""
    own = ops.one_hot(ops.cast(ops.reshape(y_true, (-1,)), "int32"), y_pred.shape[-1])
    others = ops.where(own > 0, -float("inf"), ops.stop_gradient(y_pred))
    # One rival even where several are as large, as an update moves one.
    rival = ops.one_hot(ops.argmax(others, axis=-1), y_pred.shape[-1])
    return ops.sum(y_pred * (own - rival), axis=-1)


@keras.saving.register_keras_serializable("amalthea")
class PerceptronCriterion(keras.losses.Loss):
    """max(0, -m), with m the margin of the example's class over the best of the others.

    Its gradient, at m = 0 as well, is the rule of an update: the weights of the class move towards
    the example, those of its rival away. Labels are `(batch,)` integers, scores `(batch, classes)`.
    """

    def __init__(self, name="perceptron_criterion", **kwargs):
        super().__init__(name=name, **kwargs)

    def call(self, y_true, y_pred):
        margins = _margins(y_true, y_pred)
        return ops.where(margins <= 0, -margins, ops.zeros_like(margins))


@keras.saving.register_keras_serializable("amalthea")
class Mistakes(keras.metrics.Sum):
    """The number of examples that are not on the right side of all planes."""

    def __init__(self, name="mistakes", **kwargs):
        super().__init__(name=name, **kwargs)

    def update_state(self, y_true, y_pred, sample_weight=None):
        return super().update_state(ops.cast(_margins(y_true, y_pred) <= 0, "float32"))


@recipe(
    family="classifiers",
    task=CLASSIFICATION,
    data="fashion_mnist",
    paper="Rosenblatt 1958: https://doi.org/10.1037/h0042519",
    objective=Objective("val_accuracy", "max"),
    endpoints={"serve": Part("images", "scores"), "explain": EXPLAIN_PIXELS},
    smoke={"image_shape": (4, 4, 1), "num_classes": 3},
    published=(Published("784-10", 7_850, "784 · 10 weights and 10 biases"),),
    batch_size=1,
    schedule=lambda arguments: Separation(),
)
def perceptron(
    image_shape: ImageShape = (28, 28, 1),
    num_classes: NumClasses = 10,
    *,
    learning_rate: LearningRate = 0.1,
    seed: Seed = None,
) -> keras.Model:
    """Perceptron: planes between classes, moved by each example that is on the wrong side.

    Several classes are learnt by Kesler's construction: each has its own weights, and an example
    moves those of its class and of the one that scores best of the others. Where classes can be
    separated, there are no more updates than Novikoff's theorem says, and a training job ends after
    an epoch without one; otherwise it says that they were not separated.

    Deviations:
        * The weights begin at small random numbers, so that the learning rate matters.

    Args:
        image_shape: Height, width and channels of the images.
        num_classes: Number of classes.
        learning_rate: How far the weights move by an example; beside the initial weights' size.
        seed: Makes the initial weights reproducible.

    Returns:
        A compiled model from images in [0, 1], `(batch, height, width, channels)`, to scores,
        `(batch, num_classes)`, the largest of which is that of the class. It learns from integer
        labels, by Rosenblatt's rule if with batches of one, and logs the mistakes.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import perceptron
        >>> images, labels = np.random.rand(32, 4, 4, 1), np.arange(32) % 3
        >>> model = perceptron((4, 4, 1), 3)
        >>> history = model.fit(images, labels, batch_size=1, verbose=0)
        >>> model.predict(images[:2], verbose=0).shape
        (2, 3)

    Reference:
        Rosenblatt 1958, "The Perceptron": https://doi.org/10.1037/h0042519; Novikoff 1962, "On
        Convergence Proofs on Perceptrons"; Duda, Hart & Stork 2000, "Pattern Classification",
        section 5.12.1
    """
    images = keras.Input(image_shape, name="images")
    x = layers.Flatten(name="pixels")(images)
    scores = layers.Dense(
        num_classes,
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
        dtype="float32",
        name="scores",
    )(x)
    model = RecipeModel(images, scores, name="perceptron")
    model.compile(
        keras.optimizers.SGD(learning_rate),
        loss=PerceptronCriterion(),
        metrics=["accuracy", Mistakes()],
        steps_per_execution=32,  # a step of one example is short beside Keras' own work around it
    )
    return model
