"""The autoencoder of sequences: an image is read row by row, and written again."""

from dataclasses import replace
from typing import Annotated

import keras
from keras import layers, ops

from ...checks import is_whole
from ...layers import RepeatAlong
from ..endpoint import Function, Images, Like, Whole
from ..recurrent import CELLS, Cell
from ..registry import Objective, Published, recipe
from ..search import IMAGE_SHAPE, Given, LatentDim, LearningRate, Seed, Widths
from ..tasks import RECONSTRUCTION
from .dense import Loss, compile_reconstruction
from .endpoints import ENCODE, SERVE, squared_errors
from .reconstruction import Reconstruction, reconstruction

# The value of the rows that only fill a batch of sequences of different lengths.
PADDING = -1.0


def _is_sequence_shape(value) -> bool:
    return (
        isinstance(value, tuple | list)
        and len(value) == 3
        and (value[0] is None or (is_whole(value[0]) and value[0] >= 1))
        and all(is_whole(size) and size >= 1 for size in value[1:])
    )


SequenceShape = Annotated[
    tuple[int | None, int, int],
    Given(
        _is_sequence_shape,
        "(height, width, channels), whole numbers of at least 1, the height also None",
    ),
    IMAGE_SHAPE,
]


@keras.saving.register_keras_serializable("amalthea")
class RowsToImages(layers.Layer):
    """Rows of pixels, `(batch, height, width · channels)`, as images, with the rows' mask."""

    def __init__(self, image_shape, **kwargs):
        super().__init__(**kwargs)
        self.image_shape = tuple(image_shape)
        self.supports_masking = True

    def call(self, inputs):
        _, width, channels = self.image_shape
        return ops.reshape(inputs, (-1, ops.shape(inputs)[1], width, channels))

    def compute_mask(self, inputs, mask=None):
        # Losses take the mean over the channels, and then weigh each pixel.
        return None if mask is None else ops.repeat(mask[..., None], self.image_shape[1], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:2], *self.image_shape[1:])

    def get_config(self):
        return {**super().get_config(), "image_shape": self.image_shape}


def _decode(model, codes: Like(layer="code"), n: Whole):
    x = ops.repeat(codes[:, None], n, axis=1)
    for layer in model.layers[model.layers.index(model.get_layer("repeated")) + 1 :]:
        x = layer(x)
    return {"reconstructions": x}


def _score(model, images: Images):
    real = ops.cast(images != PADDING, "float32")
    outputs = model(images, training=False)
    return {"scores": squared_errors(real * images, real * ops.cast(outputs, "float32"))}


def takes(features, arguments):
    """Images, and rows that only fill up where sequences differ in length."""
    padding = PADDING if arguments["image_shape"][0] is None else None
    return {"image": replace(features["image"], padding=padding)}


@recipe(
    family="autoencoders",
    task=RECONSTRUCTION,
    takes=takes,
    data="fashion_mnist",
    paper="Srivastava, Mansimov & Salakhutdinov 2015: https://arxiv.org/abs/1502.04681",
    objective=Objective("val_mean_squared_error", "min"),
    endpoints={
        "serve": SERVE,
        "encode": ENCODE,
        "decode": Function(_decode, ("reconstructions",)),
        "score": Function(_score, ("scores",)),
    },
    measures=reconstruction,
    smoke={"image_shape": (4, 3, 1), "hidden_units": (5,), "latent_dim": 3},
    published=(
        Published(
            "28×28, LSTM 100-30, 100, dense 28",
            122_548,
            "weights 121,480 and biases 1,068, four of each in an LSTM unit",
        ),
    ),
)
def recurrent_autoencoder(
    image_shape: SequenceShape = (28, 28, 1),
    *,
    hidden_units: Annotated[tuple[int, ...], Widths(16, 512, depth=(0, 2))] = (100,),
    latent_dim: LatentDim = 30,
    cell: Cell = "lstm",
    loss: Loss = "binary_crossentropy",
    learning_rate: LearningRate = 1e-3,
    seed: Seed = None,
) -> keras.Model:
    """Recurrent autoencoder: a sequence becomes a vector, and the vector a sequence.

    The image is a sequence of rows. One recurrent layer after another reads it, and the state of
    the last one at the end is the code; others write the rows again, being given the code at each
    step and nothing else. With a height of None sequences have any length: in a batch the shorter
    ones are filled up with rows of −1, of which neither code nor loss takes notice.

    Deviations:
        * The decoder is given the code at each step, not as its initial state, and writes the rows
          in the order in which they were read.

    Args:
        image_shape: Height, width and channels of the images, that is steps and features; a height
            of None for any number of steps.
        hidden_units: Units of the recurrent layers between rows and code; may be empty.
        latent_dim: Units of the code.
        cell: `"lstm"`, `"gru"`, `"simple"`, `"peephole_lstm"`; `"simplified_gru"`, without a reset
            gate; `"irnn"`, rectified linear units whose recurrent weights are the identity at
            first.
        loss: What compares images and reconstructions.
        learning_rate: Step size of Adam.
        seed: Makes the initial weights reproducible.

    Returns:
        A compiled model from images in [0, 1] to their reconstructions, both
        `(batch, height, width, channels)`, that logs the mean squared error for each pixel. The
        output of its layer `code` is `(batch, latent_dim)`.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import recurrent_autoencoder
        >>> model = recurrent_autoencoder((None, 8, 1), hidden_units=(16,), latent_dim=4)
        >>> sequences = np.random.rand(32, 5, 8, 1)
        >>> sequences[:16, 3:] = -1  # half of them have 3 steps only
        >>> history = model.fit(sequences, epochs=1, verbose=0)
        >>> model.predict(np.zeros((1, 7, 8, 1)), verbose=0).shape
        (1, 7, 8, 1)

    Reference:
        Srivastava, Mansimov & Salakhutdinov 2015, "Unsupervised Learning of Video Representations
        using LSTMs": https://arxiv.org/abs/1502.04681
    """
    height, width, channels = image_shape
    recurrent = CELLS[cell]
    images = keras.Input(image_shape, name="images")
    steps = layers.Reshape((height or -1, width * channels))(images)
    if height is None:
        steps = layers.Masking(PADDING)(steps)
    x = steps
    for units in hidden_units:
        x = recurrent(units, return_sequences=True)(x)
    code = layers.Identity(name="code")(recurrent(latent_dim)(x))
    x = RepeatAlong(name="repeated")([code, steps])
    for units in reversed(hidden_units):
        x = recurrent(units, return_sequences=True)(x)
    x = layers.Dense(width * channels)(x)
    x = layers.Activation("sigmoid", dtype="float32")(x)
    model = Reconstruction(images, RowsToImages(image_shape, dtype="float32")(x))
    compile_reconstruction(model, learning_rate, loss)
    return model
