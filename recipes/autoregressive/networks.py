"""What the networks of autoregressive models of images share: arguments, the end, the training."""

from collections.abc import Sequence
from typing import Annotated

import keras
from keras import layers

from ...checks import is_whole
from ...layers import MaskedDense
from ..search import Given, Int, Rank, Widths
from .autoregressive_model import AutoregressiveModel
from .likelihoods import likelihood_of

Features = Annotated[int, Int(8, 512, log=True, rank=Rank.UNITS)]
Blocks = Annotated[int, Int(1, 20, rank=Rank.DEPTH)]
HeadUnits = Annotated[tuple[int, ...], Widths(16, 1024, depth=(0, 2))]
KernelSize = Annotated[
    int, Given(lambda v: is_whole(v) and v >= 3 and v % 2, "an odd whole number of at least 3")
]


def autoregressive_model_of(
    images,
    x,
    *,
    head_units: Sequence[int],
    learning_rate: float,
    classes=None,
    name: str,
    **settings,
) -> AutoregressiveModel:
    """The compiled model of a network from images, and perhaps classes, to features.

    Two or more 1×1 convolutions come last, with rectifiers before each.

    Args:
        images: The symbolic images.
        x: The features, `(batch, height, width, features)`.
        head_units: Features of the 1×1 convolutions before the outputs.
        learning_rate: Step size of RMSprop.
        classes: The symbolic classes, one-hot.
        name: What the model is called.
        **settings: Further arguments of `AutoregressiveModel`.
    """
    channels = images.shape[-1]
    pixels = likelihood_of(*(settings[key] for key in ("likelihood", "levels", "components")))
    for units in head_units:
        x = MaskedDense(units, channels)(layers.ReLU()(x))
    x = layers.ReLU()(x)
    outputs = MaskedDense(pixels.outputs * channels, channels, dtype="float32", name="outputs")(x)
    inputs = images if classes is None else [images, classes]
    network = keras.Model(inputs, outputs, name="network")
    model = AutoregressiveModel(network, name=name, **settings)
    model.compile(keras.optimizers.RMSprop(learning_rate))
    return model
