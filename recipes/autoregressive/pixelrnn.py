"""The recurrent net that gives each pixel by those before it."""

from typing import Annotated

import keras
from keras import layers

from ...layers import DiagonalBiLSTM, MaskedConv2D, MaskedDense, RowLSTM
from ..autoencoders.variational import Binarization
from ..registry import Objective, Published, recipe
from ..search import Choice, ImageShape, LearningRate, Seed
from ..tasks import DENSITY_ESTIMATION
from .endpoints import ENDPOINTS, log_likelihood
from .likelihoods import Components, Levels, PixelLikelihood
from .networks import (
    Blocks,
    Features,
    HeadUnits,
    KernelSize,
    autoregressive_model_of,
)

ROW_LSTM, DIAGONAL_BILSTM = "row_lstm", "diagonal_bilstm"
SOURCE = "the paper's size for binary pixels, by its formula"


@recipe(
    family="autoregressive",
    task=DENSITY_ESTIMATION,
    data="fashion_mnist",
    paper="van den Oord, Kalchbrenner & Kavukcuoglu 2016: https://arxiv.org/abs/1601.06759",
    objective=Objective("val_bits_per_dim", "min"),
    endpoints=ENDPOINTS,
    measures=log_likelihood,
    batch_size=16,
    epochs=20,
    smoke={"image_shape": (4, 4, 1), "units": 4, "blocks": 1, "head_units": (6,)},
    published=(
        Published("7 diagonal bidirectional LSTMs of 16", 64_737, SOURCE),
        Published(
            "a diagonal bidirectional LSTM of 32", 40_449, SOURCE, {"units": 32, "blocks": 1}
        ),
        Published("7 row LSTMs of 16", 57_121, SOURCE, {"layer": ROW_LSTM}),
    ),
)
def pixelrnn(
    image_shape: ImageShape = (28, 28, 1),
    *,
    layer: Annotated[str, Choice(DIAGONAL_BILSTM, ROW_LSTM)] = DIAGONAL_BILSTM,
    units: Features = 16,
    blocks: Blocks = 7,
    first_kernel_size: KernelSize = 7,
    head_units: HeadUnits = (32,),
    likelihood: PixelLikelihood = "bernoulli",
    levels: Levels = None,
    components: Components = 10,
    binarization: Binarization = None,
    learning_rate: LearningRate = 1e-3,
    seed: Seed = None,
) -> keras.Model:
    """PixelRNN: LSTMs over rows or diagonals that give each pixel by the pixels before it.

    A masked convolution that leaves the pixel itself out is followed by residual blocks: an LSTM of
    half as many features, and a 1×1 convolution back. A row LSTM sees a triangle of the pixels
    above, a diagonal bidirectional LSTM all earlier ones but, as published, the last of the row
    above where the first convolution does not reach it.

    Deviations:
        * Keras' initial weights.
        * Outside of the image the states of diagonal LSTMs are zeros.
        * The features of an image's channels take turns; the paper does not say how it groups them.

    Args:
        image_shape: Height, width and channels of the images; of any size.
        layer: `"diagonal_bilstm"` or `"row_lstm"`.
        units: Units of an LSTM, and half of the features between them.
        blocks: Number of LSTMs.
        first_kernel_size: Side of the first masked convolution, odd.
        head_units: Features of the 1×1 convolutions before the outputs.
        likelihood: `"bernoulli"` of pixels of 0 and 1, `"categorical"` of all levels by their
            logits, `"logistic_mixture"` of all levels by a mixture of discretized logistic
            distributions.
        levels: How many values a pixel has, evenly from 0 to 1, where it is not binary; 256 where
            not given.
        components: Distributions of a mixture.
        binarization: What makes pixels binary under `"bernoulli"`: `"stochastic"` draws them anew
            in each step, their values being the probabilities; `"threshold"` at ½. The former where
            not given.
        learning_rate: Step size of RMSprop.
        seed: Makes initial weights and binarization reproducible.

    Returns:
        A compiled `AutoregressiveModel` that trains on images in [0, 1], `(batch, height, width,
        channels)`. Called with images it gives what it says of each of their pixels, `(batch,
        height, width, outputs, channels)`: logits of Bernoulli pixels, one output. The loss is
        minus the log-likelihood in nats for each image; it logs `bits_per_dim`, too.

    Raises:
        UserError: If an argument is not valid, or `binarization` or `levels` are of another
            likelihood.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import pixelrnn
        >>> model = pixelrnn((6, 6, 1), units=4, blocks=1)
        >>> images = np.random.rand(32, 6, 6, 1)
        >>> history = model.fit(images, epochs=1, verbose=0)
        >>> tuple(model.predict(images, verbose=0).shape)
        (32, 6, 6, 1, 1)

    Reference:
        van den Oord, Kalchbrenner & Kavukcuoglu 2016, "Pixel Recurrent Neural Networks":
        https://arxiv.org/abs/1601.06759
    """
    images = keras.Input(image_shape, name="images")
    channels, lstm = image_shape[-1], RowLSTM if layer == ROW_LSTM else DiagonalBiLSTM
    x = MaskedConv2D(2 * units, first_kernel_size, mask_center=True, channels=channels)(images)
    for _ in range(blocks):
        y = lstm(units, channels=channels)(x)
        x = layers.Add()([x, MaskedDense(2 * units, channels)(y)])
    return autoregressive_model_of(
        images,
        x,
        head_units=head_units,
        learning_rate=learning_rate,
        likelihood=likelihood,
        levels=levels,
        components=components,
        binarization=binarization,
        seed=seed,
        name="pixelrnn",
    )
