"""Networks, arguments and endpoints that the variational autoencoders share."""

import math
from collections.abc import Sequence
from typing import Annotated

import keras
import numpy as np
from keras import layers, ops

from ...checks import is_number
from ...layers import FoldConv2DTranspose
from ...layers.seed_stream import SeedStream
from ...metrics import active_units, importance_weighted_bound, reconstruction_error
from ...metrics.importance_weighted_bound import bound_in_chunks
from ..endpoint import Function, Images, Like, PerRow, Whole
from ..interpolation import along, line
from ..search import LOSS, Changes, Float, Given, Rank, Widths, at_least
from .convolutional_autoencoder import cropped
from .likelihoods import LIKELIHOODS
from .variational_model import BINARIZATIONS, VariationalModel

Filters = Annotated[tuple[int, ...], Widths(8, 128, depth=(0, 3))]
EncodedBy = Annotated[tuple[int, ...], Widths(16, 1024, depth=(0, 3))]
PixelLikelihood = Annotated[
    str, Given(lambda v: v in tuple(LIKELIHOODS), f"one of {', '.join(map(repr, LIKELIHOODS))}")
]
Binarization = Annotated[
    str | None, Given(lambda v: v in BINARIZATIONS, "'threshold', 'stochastic' or None")
]
# Either part of the bound alone falls as the other rises, by the weight between them.
PARTS = ("reconstruction", "val_reconstruction", "kl", "val_kl")
Beta = Annotated[
    float, Float(0.1, 10.0, log=True, rank=Rank.REGULARIZATION), Changes(*LOSS, *PARTS)
]
# Not tuned: a bound by more samples is tighter, whatever the model.
Samples = Annotated[int, at_least(1)]
FreeBits = Annotated[float, Given(lambda v: is_number(v) and v >= 0, "a number of at least 0")]
WarmUpEpochs = Annotated[int, at_least(0)]
# For the bound of held-out images and for their scores, of which so many are taken at once.
SAMPLES, CHUNK = 50, 5


def variational_autoencoder_of(
    image_shape: tuple[int, int, int],
    num_classes: int | None,
    *,
    filters: Sequence[int],
    hidden_units: Sequence[int],
    latent_dim: int,
    activation: str,
    learning_rate: float,
    **settings,
) -> VariationalModel:
    """The compiled model; `settings` are further arguments of `VariationalModel`."""
    model = VariationalModel(
        encoder(image_shape, num_classes, filters, hidden_units, latent_dim, activation),
        decoder(image_shape, num_classes, filters, hidden_units, latent_dim, activation),
        **settings,
    )
    # A step of small nets is short beside Keras' own work around it.
    model.compile(keras.optimizers.Adam(learning_rate), steps_per_execution=8)
    return model


def encoder(image_shape, num_classes, filters, hidden_units, latent_dim, activation):
    """From images, and classes if there are any, to means and log-variances of codes."""
    images = keras.Input(image_shape, name="images")
    inputs, x = [images], images
    for count in filters:
        start = near_zero(9 * x.shape[-1])
        x = layers.Conv2D(count, 3, 2, "same", activation=activation, **start)(x)
    x = layers.Flatten()(x)
    if num_classes:
        inputs.append(keras.Input((num_classes,), name="classes"))
        x = layers.Concatenate()([x, inputs[1]])
    for units in hidden_units:
        x = layers.Dense(units, activation, **near_zero(x.shape[-1]))(x)
    codes = layers.Dense(2 * latent_dim, dtype="float32", name="codes", **near_zero(x.shape[-1]))
    return keras.Model(inputs if num_classes else images, codes(x), name="encoder")


def decoder(image_shape, num_classes, filters, hidden_units, latent_dim, activation):
    """From codes, and classes if there are any, to outputs whose sigmoids are pixels."""
    codes = keras.Input((latent_dim,), name="codes")
    inputs, x = [codes], codes
    if num_classes:
        inputs.append(keras.Input((num_classes,), name="classes"))
        x = layers.Concatenate()(inputs)
    for units in reversed(hidden_units):
        x = layers.Dense(units, activation, **near_zero(x.shape[-1]))(x)
    sizes = [tuple(image_shape[:2])]
    for _ in filters:
        sizes.append(tuple(-(-side // 2) for side in sizes[-1]))
    channels = filters[-1] if filters else image_shape[-1]
    size = sizes.pop()
    units, start = math.prod(size) * channels, near_zero(x.shape[-1])
    x = layers.Dense(units, activation if filters else None, **start)(x)
    x = layers.Reshape((*size, channels))(x)
    for count in reversed(filters):
        start = near_zero(9 * count)
        x = layers.Conv2DTranspose(count, 3, 2, "same", activation=activation, **start)(x)
        x = cropped(x, sizes.pop())
    if filters:
        thins_out = image_shape[-1] == 1 and filters[0] >= 32
        to_image = FoldConv2DTranspose if thins_out else layers.Conv2DTranspose
        x = to_image(image_shape[-1], 3, padding="same", **near_zero(9 * image_shape[-1]))(x)
    outputs = layers.Activation("linear", dtype="float32", name="outputs")(x)
    return keras.Model(inputs if num_classes else codes, outputs, name="decoder")


def near_zero(fan_in: int) -> dict[str, keras.initializers.Initializer]:
    """How a layer's kernel and biases begin: uniformly within 1/√`fan_in` of 0.

    Those of a transposed convolution are counted as of the convolution that it transposes.

    Reference:
        Glorot & Bengio 2010, equation 1, for weights:
        https://proceedings.mlr.press/v9/glorot10a.html
    """
    limit = fan_in**-0.5
    return {
        f"{name}_initializer": keras.initializers.RandomUniform(-limit, limit)
        for name in ("kernel", "bias")
    }


def _serve(model, images: Images, labels: PerRow = None):
    return {"reconstructions": model.decode(model.encode(images, labels)[0], labels)}


def _encode(model, images: Images, labels: PerRow = None):
    means, log_variances = model.encode(images, labels)
    return {"codes": means, "log_variances": log_variances}


def _decode(model, codes: Like("decoder"), labels: PerRow = None):
    return {"images": model.decode(codes, labels)}


def _sample(model, n: Whole, seed: Whole):
    return {"images": model.decode(model.codes(n, SeedStream(seed)))}


def _sample_classes(model, labels: PerRow, seed: Whole):
    codes = model.codes(ops.shape(labels)[0], SeedStream(seed))
    return {"images": model.decode(codes, labels)}


def _interpolate(model, a: Images, b: Images, n: Whole):
    return {"images": along(model.decode, line(model.encode(a)[0], model.encode(b)[0], n))}


def _score(model, images: Images, seed: Whole, labels: PerRow = None):
    seeds = SeedStream(seed)
    images = model.observed(images, seeds)
    return {"scores": -bound_in_chunks(model, images, labels, SAMPLES, CHUNK, seeds.next())}


ENDPOINTS = {
    "serve": Function(_serve, ("reconstructions",)),
    "encode": Function(_encode, ("codes", "log_variances")),
    "decode": Function(_decode, ("images",)),
    "sample": Function(_sample, ("images",)),
    "interpolate": Function(_interpolate, ("images",)),
    "score": Function(_score, ("scores",)),
}
CONDITIONAL_ENDPOINTS = {
    "serve": Function(_serve, ("reconstructions",), optional=("labels",)),
    "encode": Function(_encode, ("codes", "log_variances"), optional=("labels",)),
    "decode": Function(_decode, ("images",), optional=("labels",)),
    "sample": Function(_sample_classes, ("images",)),
    "score": Function(_score, ("scores",), optional=("labels",)),
}


def bounds(
    model: VariationalModel, images: np.ndarray, labels: np.ndarray | None, batch_size: int
) -> dict[str, float]:
    """Importance-weighted bound of an image in nats, active units, and squared error of an image.

    The bound is of 50 samples.
    """
    labels = labels if model.num_classes else None
    given = {"images": images} | ({} if labels is None else {"labels": labels})
    endpoints = ENDPOINTS if labels is None else CONDITIONAL_ENDPOINTS
    made = {
        name: endpoints[name].bind(model).predict(given, batch_size=batch_size, verbose=0)
        for name in ("serve", "encode")
    }
    bound = importance_weighted_bound(model, images, labels, samples=SAMPLES, batch_size=batch_size)
    codes = made["encode"]["codes"]
    return {
        "log_likelihood_bound": float(bound.mean()),
        **({"active_units": active_units(codes)} if len(codes) > 1 else {}),
        "reconstruction_error": reconstruction_error(images, made["serve"]["reconstructions"]),
    }
