"""The deep autoencoder that is pretrained as a stack of restricted Boltzmann machines."""

from typing import Annotated

import keras

from ...callbacks import GreedyLayerwise
from ...layers import RBM, GradientGate
from ..boltzmann.machine import PretrainingEpochs, machines_of
from ..registry import Objective, Published, recipe
from ..search import Flag, ImageShape, LatentDim, LearningRate, Seed, WeightDecay, Widths
from ..tasks import RECONSTRUCTION
from .endpoints import ENDPOINTS
from .reconstruction import Reconstruction, reconstruction


class Unrolling(GreedyLayerwise):
    """Trains one machine after another, lets each be unrolled, and then fine-tunes all."""

    def on_stage_begin(self, stage):
        if stage > 0:
            machines_of(self.model)[stage - 1].unroll()


def schedule(arguments) -> Unrolling:
    """One machine after another, then the whole by backpropagation."""
    depth = len(arguments["hidden_units"]) + 1
    stages = [*(f"rbm_{layer}" for layer in range(1, depth + 1)), "fine_tuning"]
    return Unrolling(stages, arguments["pretraining_epochs"])


@recipe(
    family="autoencoders",
    task=RECONSTRUCTION,
    data="fashion_mnist",
    paper="Hinton & Salakhutdinov 2006, Science 313: https://doi.org/10.1126/science.1127647",
    objective=Objective("val_mean_squared_error", "min"),
    endpoints=ENDPOINTS,
    schedule=schedule,
    measures=reconstruction,
    epochs=30,
    weighed=False,
    smoke={
        "image_shape": (4, 4, 1),
        "hidden_units": (5,),
        "latent_dim": 3,
        "pretraining_epochs": 1,
    },
    published=(
        Published("784-1000-500-250-30 and back", 2_837_314, "weights 2,833,000, biases 4,314"),
        Published(
            "784-1000-500-250-30 and its transpose",
            1_420_814,
            "weights 1,416,500, biases 4,314",
            {"tied": True},
        ),
    ),
)
def deep_autoencoder(
    image_shape: ImageShape = (28, 28, 1),
    *,
    hidden_units: Annotated[tuple[int, ...], Widths(32, 1024, depth=(0, 4))] = (1000, 500, 250),
    latent_dim: LatentDim = 30,
    tied: Flag = False,
    pretraining_epochs: PretrainingEpochs = 5,
    weight_decay: WeightDecay = 2e-4,
    learning_rate: LearningRate = 1e-3,
    seed: Seed = None,
) -> keras.Model:
    """Deep autoencoder of logistic layers: Boltzmann machines pretrain it, backprop fine-tunes it.

    Each layer of the encoder learns as a restricted Boltzmann machine over what those below it
    make of the images; that of the code has linear hidden units. Unrolled, the machines are an
    encoder and a decoder, whose cross-entropy backpropagation lowers further. A training job does
    all that; under plain `fit` the callback is `amalthea.recipes.get_recipe("deep_autoencoder")
    .schedule(model.origin.arguments)`, and without it there is no pretraining.

    Deviations:
        * Adam instead of conjugate gradients; it pretrains the machines, too.
        * The machines' gradient is centred (Melchior, Fischer & Wiskott 2016).

    Args:
        image_shape: Height, width and channels of the images.
        hidden_units: Widths of the encoder's layers above the images, the decoder's in reverse.
        latent_dim: Dimensions of the code.
        tied: Whether the decoder stays the transpose of the encoder while it is fine-tuned.
        pretraining_epochs: Epochs in which each machine learns, before the fine-tuning.
        weight_decay: Coefficient of the machines' quadratic penalty on the weights.
        learning_rate: Step size of Adam.
        seed: Makes initial weights and chains reproducible.

    Returns:
        A compiled model from images in [0, 1], `(batch, height, width, channels)`, to their
        reconstructions, of the same shape. Its loss is the cross-entropy of a pixel; while a
        machine learns, it has that machine's own loss added.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import deep_autoencoder, get_recipe
        >>> model = deep_autoencoder((8, 8, 1), hidden_units=(16,), latent_dim=4)
        >>> schedule = get_recipe("deep_autoencoder").schedule(
        ...     {**model.origin.arguments, "pretraining_epochs": 1}
        ... )
        >>> images = np.random.rand(32, 8, 8, 1)
        >>> history = model.fit(images, epochs=3, callbacks=[schedule], verbose=0)
        >>> model.predict(images[:1], verbose=0).shape
        (1, 8, 8, 1)

    Reference:
        Hinton & Salakhutdinov 2006, "Reducing the Dimensionality of Data with Neural Networks":
        https://doi.org/10.1126/science.1127647
    """
    kinds = ["bernoulli"] * len(hidden_units) + ["gaussian"]
    machines = [
        RBM(
            units,
            hidden_units=kind,
            visible_means=True,  # grey pixels and features are means
            weight_decay=weight_decay,
            untied=not tied,
            learning=False,
            name=f"rbm_{layer}",
        )
        for layer, (units, kind) in enumerate(
            zip((*hidden_units, latent_dim), kinds, strict=True), start=1
        )
    ]
    images = keras.Input(image_shape, name="images")
    units = keras.layers.Flatten(name="pixels")(images)
    for machine in machines:
        units = machine(units)
    units = keras.layers.Identity(name="code")(units)
    for machine in reversed(machines):
        units = machine(units, reverse=True)
    outputs = GradientGate(learning=True, name="fine_tuning")(units)
    outputs = keras.layers.Reshape(image_shape, dtype="float32", name="reconstructions")(outputs)
    model = Reconstruction(images, outputs)
    model.compile(
        keras.optimizers.Adam(learning_rate),
        loss="binary_crossentropy",
        metrics=["mean_squared_error"],
        steps_per_execution=8,
    )
    return model
