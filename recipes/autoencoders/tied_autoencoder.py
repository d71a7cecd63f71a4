"""The autoencoder whose decoder is the transpose of its encoder."""

import inspect

import keras

from ..registry import Objective, Published, recipe
from ..search import Activation, ImageShape, LatentDim, LearningRate, Seed
from ..tasks import RECONSTRUCTION
from .autoencoder import autoencoder
from .dense import HiddenUnits, Loss, OutputActivation
from .endpoints import ENDPOINTS
from .reconstruction import reconstruction


@recipe(
    family="autoencoders",
    task=RECONSTRUCTION,
    data="fashion_mnist",
    paper="Vincent et al. 2010, JMLR 11: https://jmlr.org/papers/v11/vincent10a.html",
    objective=Objective("val_mean_squared_error", "min"),
    endpoints=ENDPOINTS,
    measures=reconstruction,
    smoke={"image_shape": (4, 4, 1), "hidden_units": (5,), "latent_dim": 3},
    published=(
        Published("784-100-30 and its transpose", 82_414, "weights 81,400, biases 1,014"),
        Published(
            "784-1000-500-250-30 and its transpose",
            1_420_814,
            "Hinton & Salakhutdinov 2006, with tied weights",
            {"hidden_units": (1000, 500, 250)},
        ),
    ),
)
def tied_autoencoder(
    image_shape: ImageShape = (28, 28, 1),
    *,
    hidden_units: HiddenUnits = (100,),
    latent_dim: LatentDim = 30,
    activation: Activation = "relu",
    output_activation: OutputActivation = "sigmoid",
    loss: Loss = "mean_squared_error",
    learning_rate: LearningRate = 1e-3,
    seed: Seed = None,
) -> keras.Model:
    """Autoencoder with tied weights: the decoder is the transpose of the encoder.

    Dense layers narrow an image to a linear code; the same kernels, transposed, widen the code to
    an image again. Every layer has a bias in each direction. With no hidden layers, a linear output
    and the squared error it learns the principal subspace.

    Deviations:
        * The inputs are not corrupted, and the size 784-100-30 is of no paper.
        * Adam and rectified linear units instead of plain gradient descent and sigmoids.
        * All layers are trained together instead of one by one.

    Args:
        image_shape: Height, width and channels of the images.
        hidden_units: Units of each hidden layer between image and code; may be empty.
        latent_dim: Units of the code.
        activation: Activation of the hidden layers; the code is linear.
        output_activation: Activation of the reconstruction.
        loss: What compares images and reconstructions; the cross-entropy needs the sigmoid.
        learning_rate: Step size of Adam.
        seed: Makes the initial weights reproducible.

    Returns:
        A compiled model from images in [0, 1] to their reconstructions, both
        `(batch, height, width, channels)`, that logs the mean squared error for each pixel. The
        output of its layer `code` is `(batch, latent_dim)`.

    Raises:
        UserError: If an argument is not valid, or the cross-entropy is asked for with an output
            that is not in [0, 1].

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import tied_autoencoder
        >>> model = tied_autoencoder((8, 8, 1), hidden_units=(16,), latent_dim=4)
        >>> history = model.fit(np.random.rand(32, 8, 8, 1), epochs=1, verbose=0)
        >>> model.predict(np.zeros((1, 8, 8, 1)), verbose=0).shape
        (1, 8, 8, 1)

    Reference:
        Vincent, Larochelle, Lajoie, Bengio & Manzagol 2010, "Stacked Denoising Autoencoders":
        https://jmlr.org/papers/v11/vincent10a.html;
        Hinton & Salakhutdinov 2006, "Reducing the Dimensionality of Data with Neural Networks":
        https://doi.org/10.1126/science.1127647
    """
    return inspect.unwrap(autoencoder)(
        image_shape,
        hidden_units=hidden_units,
        latent_dim=latent_dim,
        tied=True,
        activation=activation,
        output_activation=output_activation,
        loss=loss,
        learning_rate=learning_rate,
        seed=seed,
    )
