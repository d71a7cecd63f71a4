"""The stack of autoencoders that learn one after another."""

from typing import Annotated

import keras

from ...callbacks import GreedyLayerwise
from ...layers import AutoencodingDense, GradientGate
from ..boltzmann.machine import HiddenUnits, PretrainingEpochs
from ..registry import Objective, recipe
from ..search import LOSS, Changes, Flag, Float, ImageShape, LearningRate, Rank, Seed
from ..tasks import RECONSTRUCTION
from .dense import compile_reconstruction
from .endpoints import ENDPOINTS
from .reconstruction import Reconstruction, reconstruction

CorruptionRate = Annotated[float, Float(0.0, 0.5, below=1, rank=Rank.REGULARIZATION)]
# Without fine-tuning the last layer's own loss, which is of its inputs, stays part of the loss.
LEARNS_TO_THE_END = Changes(*LOSS, where=lambda arguments: not arguments["fine_tuning"])


def stack(
    image_shape: tuple[int, int, int], hidden_units: tuple[int, ...], corruption: float
) -> tuple[keras.KerasTensor, keras.KerasTensor, list[AutoencodingDense]]:
    """Images and their code, symbolically, and the layers between: `layer_1`, `layer_2`, …."""
    machines = [
        AutoencodingDense(units, corruption=corruption, name=f"layer_{number}")
        for number, units in enumerate(hidden_units, start=1)
    ]
    images = keras.Input(image_shape, name="images")
    x = keras.layers.Flatten()(images)
    for layer in machines:
        x = layer(x)
    return images, keras.layers.Identity(name="code")(x), machines


def one_after_another(hidden_units: tuple[int, ...]) -> list[str]:
    """The stages in which the layers of a stack learn."""
    return [f"layer_{number}" for number in range(1, len(hidden_units) + 1)]


def schedule(arguments) -> GreedyLayerwise:
    """One layer after another; then the whole by backpropagation, where that is wanted."""
    stages = one_after_another(arguments["hidden_units"])
    if arguments["fine_tuning"]:
        stages.append("fine_tuning")
    return GreedyLayerwise(stages, arguments["pretraining_epochs"])


@recipe(
    family="autoencoders",
    task=RECONSTRUCTION,
    data="fashion_mnist",
    paper="Bengio et al. 2007: https://papers.nips.cc/paper/3048",
    objective=Objective("val_mean_squared_error", "min"),
    endpoints=ENDPOINTS,
    schedule=schedule,
    measures=reconstruction,
    epochs=20,
    weighed=False,
    smoke={"image_shape": (4, 4, 1), "hidden_units": (5, 3), "pretraining_epochs": 1},
)
def greedy_autoencoder(
    image_shape: ImageShape = (28, 28, 1),
    *,
    hidden_units: Annotated[HiddenUnits, LEARNS_TO_THE_END] = (500, 500, 500),
    pretraining_epochs: PretrainingEpochs = 5,
    fine_tuning: Flag = True,
    corruption: CorruptionRate = 0.0,
    learning_rate: LearningRate = 1e-3,
    seed: Seed = None,
) -> keras.Model:
    """Stacked autoencoder: each logistic layer learns to give back what the one below makes.

    A layer learns alone, as an autoencoder with tied weights, while those below it rest; then the
    next one learns from its code. With corruption they are denoising autoencoders. At the end
    backpropagation lowers the cross-entropy of the whole. A training job does all that; under plain
    `fit` the callback is `amalthea.recipes.get_recipe("greedy_autoencoder").schedule(
    model.origin.arguments)`, and without it all layers are trained together. `greedy_classifier`
    puts a classifier on the code.

    Deviations:
        * Adam instead of stochastic gradient descent; no layer sizes of the paper's are default.

    Args:
        image_shape: Height, width and channels of the images.
        hidden_units: Units of each layer, the last being the code.
        pretraining_epochs: Epochs in which each layer learns.
        fine_tuning: Whether backpropagation through all follows; without it the last layer goes on
            to learn until the end.
        corruption: Share of each layer's inputs that are set to 0 as it learns alone; below 1.
        learning_rate: Step size of Adam.
        seed: Makes initial weights and noise reproducible.

    Returns:
        A compiled model from images in [0, 1] to their reconstructions, both
        `(batch, height, width, channels)`, that logs the mean squared error for each pixel. Its
        loss is the cross-entropy of a pixel; while a layer learns alone, that layer's own loss is
        added. The output of its layer `code` is `(batch, hidden_units[-1])`.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import get_recipe, greedy_autoencoder
        >>> model = greedy_autoencoder((8, 8, 1), hidden_units=(16, 4), pretraining_epochs=1)
        >>> schedule = get_recipe("greedy_autoencoder").schedule(model.origin.arguments)
        >>> images = np.random.rand(32, 8, 8, 1)
        >>> history = model.fit(images, epochs=3, callbacks=[schedule], verbose=0)
        >>> history.history["stage"]
        [1, 2, 3]

    Reference:
        Bengio, Lamblin, Popovici & Larochelle 2007, "Greedy Layer-Wise Training of Deep Networks":
        https://papers.nips.cc/paper/3048;
        Vincent et al. 2010, "Stacked Denoising Autoencoders":
        https://jmlr.org/papers/v11/vincent10a.html
    """
    images, x, machines = stack(image_shape, hidden_units, corruption)
    for layer in reversed(machines):
        x = layer(x, reverse=True)
    x = GradientGate(learning=True, name="fine_tuning")(x)
    x = keras.layers.Reshape(image_shape, dtype="float32", name="reconstructions")(x)
    model = Reconstruction(images, x)
    compile_reconstruction(model, learning_rate, "binary_crossentropy")
    return model
