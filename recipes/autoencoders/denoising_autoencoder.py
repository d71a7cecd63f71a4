"""The autoencoder that makes clean images of corrupted ones."""

from typing import Annotated

import keras

from ...layers import Corruption
from ..registry import Objective, Published, recipe
from ..search import (
    Activation,
    Changes,
    Choice,
    Flag,
    Float,
    ImageShape,
    Int,
    LearningRate,
    Rank,
    Seed,
)
from ..tasks import RECONSTRUCTION
from .dense import HiddenUnits, Loss, compile_reconstruction, dense_autoencoder
from .endpoints import ENDPOINTS
from .reconstruction import reconstruction

# Images are corrupted in training alone: figures of held-out ones are of clean images.
OF_CORRUPTED = Changes("loss", "mean_squared_error")


@recipe(
    family="autoencoders",
    task=RECONSTRUCTION,
    data="fashion_mnist",
    paper="Vincent et al. 2008: https://doi.org/10.1145/1390156.1390294",
    objective=Objective("val_mean_squared_error", "min"),
    endpoints=ENDPOINTS,
    measures=reconstruction,
    smoke={"image_shape": (4, 4, 1), "hidden_units": (5,), "latent_dim": 3},
    published=(
        Published(
            "784-1000-1000-1000 and its transpose",
            2_789_784,
            "Vincent et al. 2008 and 2010: weights 2,784,000, biases 5,784",
        ),
    ),
)
def denoising_autoencoder(
    image_shape: ImageShape = (28, 28, 1),
    *,
    hidden_units: HiddenUnits = (1000, 1000),
    latent_dim: Annotated[int, Int(16, 2048, log=True, rank=Rank.UNITS)] = 1000,
    noise: Annotated[
        str, Choice("masking", "gaussian", rank=Rank.REGULARIZATION), OF_CORRUPTED
    ] = "masking",
    noise_level: Annotated[
        float, Float(0.0, 0.7, below=1, rank=Rank.REGULARIZATION), OF_CORRUPTED
    ] = 0.25,
    tied: Flag = True,
    activation: Activation = "sigmoid",
    loss: Loss = "binary_crossentropy",
    learning_rate: LearningRate = 1e-3,
    seed: Seed = None,
) -> keras.Model:
    """Denoising autoencoder: sees a corrupted image, is to give back the clean one.

    What can be filled in or cleaned must have been understood, so a code larger than the image
    still learns features. The images are corrupted in training alone.

    Deviations:
        * All layers are trained together by Adam; `greedy_autoencoder` with a `corruption` trains
          one denoising layer after another, as in the paper.

    Args:
        image_shape: Height, width and channels of the images.
        hidden_units: Units of each hidden layer between image and code; may be empty.
        latent_dim: Units of the code.
        noise: `"masking"` sets pixels to 0, `"gaussian"` adds to them.
        noise_level: Share of the pixels that become 0, or standard deviation of what is added,
            where white is 1; below 1.
        tied: Whether the decoder is the transpose of the encoder.
        activation: Activation of the hidden layers and of the code.
        loss: What compares clean images and reconstructions.
        learning_rate: Step size of Adam.
        seed: Makes initial weights and noise reproducible.

    Returns:
        A compiled model from images in [0, 1] to their reconstructions, both
        `(batch, height, width, channels)`, that logs the mean squared error for each pixel. The
        output of its layer `code` is `(batch, latent_dim)`.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import denoising_autoencoder
        >>> model = denoising_autoencoder((8, 8, 1), hidden_units=(), latent_dim=100)
        >>> history = model.fit(np.random.rand(32, 8, 8, 1), epochs=1, verbose=0)
        >>> model.predict(np.zeros((1, 8, 8, 1)), verbose=0).shape
        (1, 8, 8, 1)

    Reference:
        Vincent, Larochelle, Bengio & Manzagol 2008, "Extracting and Composing Robust Features with
        Denoising Autoencoders": https://doi.org/10.1145/1390156.1390294
    """
    model = dense_autoencoder(
        image_shape,
        hidden_units,
        latent_dim,
        tied=tied,
        activation=activation,
        code_activation=activation,
        noise=Corruption(noise, noise_level, seed=seed, name="noise"),
    )
    compile_reconstruction(model, learning_rate, loss)
    return model
