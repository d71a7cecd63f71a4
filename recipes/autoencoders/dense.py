"""Dense layers from images to a code and back: what several autoencoders share."""

import functools
import math
from collections.abc import Sequence
from typing import Annotated

import keras
from keras import layers

from ...errors import UserError
from ...layers import TiedDense
from ..search import LOSS, Changes, Choice, Given, Widths
from .reconstruction import Reconstruction

HiddenUnits = Annotated[tuple[int, ...], Widths(32, 1024, depth=(0, 3))]
OutputActivation = Annotated[
    str, Given(lambda v: v in ("sigmoid", "linear"), "'sigmoid' or 'linear'")
]
Loss = Annotated[str, Choice("binary_crossentropy", "mean_squared_error"), Changes(*LOSS)]


def dense_autoencoder(
    image_shape: tuple[int, int, int],
    hidden_units: Sequence[int],
    latent_dim: int,
    *,
    tied: bool,
    activation: str,
    code_activation: str | None = None,
    output_activation: str = "sigmoid",
    noise: keras.layers.Layer | None = None,
    on_code: keras.layers.Layer | None = None,
    kernel_regularizer=None,
) -> keras.Model:
    """The model, not compiled, from images to their reconstructions; its layer `code` is the code.

    Args:
        image_shape: Height, width and channels of the images.
        hidden_units: Units of each hidden layer between image and code.
        latent_dim: Units of the code.
        tied: Whether the decoder is the transpose of the encoder.
        activation: Activation of the hidden layers.
        code_activation: Activation of the code.
        output_activation: Activation of the reconstruction.
        noise: Layer that corrupts the pixels.
        on_code: Layer through which the code goes.
        kernel_regularizer: Regularizer of the kernels.
    """
    widths = [math.prod(image_shape), *hidden_units, latent_dim]
    up = [*[activation] * len(hidden_units), code_activation]
    down = [None, *[activation] * len(hidden_units)]  # the output has its own activation
    if tied:
        encoder = [
            TiedDense(*settings, kernel_regularizer=kernel_regularizer)
            for settings in zip(widths[1:], up, down, strict=True)
        ]
        decoder = [functools.partial(layer, reverse=True) for layer in encoder]
    else:
        regularized = functools.partial(layers.Dense, kernel_regularizer=kernel_regularizer)
        encoder = [regularized(*settings) for settings in zip(widths[1:], up, strict=True)]
        decoder = [regularized(*settings) for settings in zip(widths[:-1], down, strict=True)]

    images = keras.Input(image_shape, name="images")
    x = layers.Flatten()(images)
    if noise is not None:
        x = noise(x)
    for layer in encoder:
        x = layer(x)
    if on_code is not None:
        x = on_code(x)
    x = layers.Identity(name="code")(x)
    for layer in reversed(decoder):
        x = layer(x)
    x = layers.Activation(output_activation, dtype="float32")(x)
    return Reconstruction(images, layers.Reshape(image_shape, dtype="float32")(x))


def compile_reconstruction(
    model: keras.Model, learning_rate: float, loss: str | keras.losses.Loss
) -> None:
    """Compile an autoencoder: Adam, and the squared error of a pixel among the metrics."""
    model.compile(
        keras.optimizers.Adam(learning_rate),
        loss=loss,
        metrics=[keras.metrics.MeanSquaredError()],
        steps_per_execution=8,  # a step is short beside Keras' own work around it
    )


def check_loss(loss: str, output_activation: str) -> None:
    """Raise `UserError` if the cross-entropy is asked for with an output that is not in [0, 1]."""
    if loss == "binary_crossentropy" and output_activation != "sigmoid":
        raise UserError(
            "loss 'binary_crossentropy' needs output_activation 'sigmoid', "
            f"got {output_activation!r}"
        )
