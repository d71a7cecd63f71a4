"""The classifier of codes that a stack of autoencoders has learnt without labels."""

import keras
from keras import ops

from ...callbacks import GreedyLayerwise
from ...layers import GradientGate
from ...layers.boltzmann_gradient import frozen
from ..autoencoders.greedy_autoencoder import CorruptionRate, one_after_another, stack
from ..boltzmann.machine import HiddenUnits, PretrainingEpochs
from ..endpoint import Part
from ..model import RecipeModel
from ..registry import Objective, recipe
from ..search import Flag, ImageShape, LearningRate, NumClasses, Seed
from ..tasks import CLASSIFICATION
from .explanations import EXPLAIN_PIXELS


@keras.saving.register_keras_serializable("amalthea")
class Classifier(keras.layers.Dense):
    """A dense layer that learns while it is `learning`, and is frozen in other stages."""

    def __init__(self, units: int, learning: bool = True, **kwargs):
        super().__init__(units, **kwargs)
        self.learning = learning

    def call(self, inputs):
        outputs = super().call(inputs)
        if self.learning:
            return outputs
        self.add_loss(frozen(self.trainable_weights))
        return ops.stop_gradient(outputs)

    def get_config(self):
        return {**super().get_config(), "learning": self.learning}


def schedule(arguments) -> GreedyLayerwise:
    """One layer after another; then the classifier, alone or with all of them."""
    last = {"classifier": True} | ({"fine_tuning": True} if arguments["fine_tuning"] else {})
    stages = [*one_after_another(arguments["hidden_units"]), last]
    return GreedyLayerwise(stages, arguments["pretraining_epochs"])


@recipe(
    family="classifiers",
    task=CLASSIFICATION,
    data="fashion_mnist",
    paper="Bengio et al. 2007: https://papers.nips.cc/paper/3048",
    objective=Objective("val_accuracy", "max"),
    endpoints={
        "serve": Part("images", "probabilities", activation="softmax"),
        "encode": Part("images", "codes", end="code"),
        "explain": EXPLAIN_PIXELS,
    },
    schedule=schedule,
    epochs=25,
    # They are of use to a layer that learns alone.
    frozen={"layer_1/reverse_bias", "layer_2/reverse_bias"},
    smoke={
        "image_shape": (4, 4, 1),
        "num_classes": 3,
        "hidden_units": (5, 3),
        "pretraining_epochs": 1,
    },
)
def greedy_classifier(
    image_shape: ImageShape = (28, 28, 1),
    num_classes: NumClasses = 10,
    *,
    hidden_units: HiddenUnits = (500, 500, 500),
    pretraining_epochs: PretrainingEpochs = 5,
    fine_tuning: Flag = True,
    corruption: CorruptionRate = 0.0,
    learning_rate: LearningRate = 1e-3,
    seed: Seed = None,
) -> keras.Model:
    """Classifier on the code of a stack of autoencoders that learn one after another.

    The layers first learn as those of `greedy_autoencoder`, from the images alone. Then a softmax
    layer learns the labels from their code, while they learn on or rest. A training job does all
    that; under plain `fit` the callback is `amalthea.recipes.get_recipe("greedy_classifier")
    .schedule(model.origin.arguments)`, and without it the net learns from the labels alone.

    Deviations:
        * Adam instead of stochastic gradient descent; no layer sizes of the paper's are default.

    Args:
        image_shape: Height, width and channels of the images.
        num_classes: Number of classes.
        hidden_units: Units of each layer, the last being the code.
        pretraining_epochs: Epochs in which each layer learns, before the classifier does.
        fine_tuning: Whether the layers learn on with the classifier, or keep their code.
        corruption: Share of each layer's inputs that are set to 0 as it learns alone; below 1.
        learning_rate: Step size of Adam.
        seed: Makes initial weights and noise reproducible.

    Returns:
        A compiled model from images in [0, 1], `(batch, height, width, channels)`, to a score for
        each class, `(batch, num_classes)`. Its loss is the cross-entropy of the labels, in nats;
        while a layer learns alone, that layer's own loss is added.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import get_recipe, greedy_classifier
        >>> model = greedy_classifier((8, 8, 1), 3, hidden_units=(16, 4), pretraining_epochs=1)
        >>> schedule = get_recipe("greedy_classifier").schedule(model.origin.arguments)
        >>> images, labels = np.random.rand(32, 8, 8, 1), np.arange(32) % 3
        >>> history = model.fit(images, labels, epochs=3, callbacks=[schedule], verbose=0)
        >>> model.predict(images[:1], verbose=0).shape
        (1, 3)

    Reference:
        Bengio, Lamblin, Popovici & Larochelle 2007, "Greedy Layer-Wise Training of Deep Networks":
        https://papers.nips.cc/paper/3048
    """
    images, code, _ = stack(image_shape, hidden_units, corruption)
    code = GradientGate(learning=True, name="fine_tuning")(code)
    scores = Classifier(num_classes, dtype="float32", name="classifier")(code)
    model = RecipeModel(images, scores)
    model.compile(
        keras.optimizers.Adam(learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        steps_per_execution=8,  # a step is short beside Keras' own work around it
    )
    return model
