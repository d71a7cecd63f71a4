"""The autoencoder of dense layers."""

import keras

from ..registry import Objective, Published, recipe
from ..search import Activation, Flag, ImageShape, LatentDim, LearningRate, Seed
from ..tasks import RECONSTRUCTION
from .dense import (
    HiddenUnits,
    Loss,
    OutputActivation,
    check_loss,
    compile_reconstruction,
    dense_autoencoder,
)
from .endpoints import ENDPOINTS
from .reconstruction import reconstruction


@recipe(
    family="autoencoders",
    task=RECONSTRUCTION,
    data="fashion_mnist",
    paper="Bourlard & Kamp 1988, Biological Cybernetics 59: https://doi.org/10.1007/BF00332918",
    objective=Objective("val_mean_squared_error", "min"),
    endpoints=ENDPOINTS,
    measures=reconstruction,
    smoke={"image_shape": (4, 4, 1), "hidden_units": (5,), "latent_dim": 3},
    published=(
        Published("784-32-784", 50_992, "weights 50,176, biases 816"),
        Published(
            "784-100-30 and back",
            163_814,
            "weights 162,800, biases 1,014",
            {"hidden_units": (100,), "latent_dim": 30},
        ),
        Published(
            "784-1000-500-250-30 and back",
            2_837_314,
            "Hinton & Salakhutdinov 2006: weights 2,833,000, biases 4,314",
            {"hidden_units": (1000, 500, 250), "latent_dim": 30},
        ),
    ),
)
def autoencoder(
    image_shape: ImageShape = (28, 28, 1),
    *,
    hidden_units: HiddenUnits = (),
    latent_dim: LatentDim = 32,
    tied: Flag = False,
    activation: Activation = "relu",
    output_activation: OutputActivation = "sigmoid",
    loss: Loss = "mean_squared_error",
    learning_rate: LearningRate = 1e-3,
    seed: Seed = None,
) -> keras.Model:
    """Autoencoder of dense layers: a code that the image can be made of again.

    Dense layers lead from an image to a linear code, and others from the code to an image, as many
    and as wide. A code smaller than the image is undercomplete: the net has to find what images
    have in common. With no hidden layers, a linear output and the squared error it learns the
    principal subspace; with a sigmoid and the cross-entropy it is a logistic PCA. A larger code is
    overcomplete.

    Deviations:
        * Adam and rectified linear units instead of plain gradient descent and sigmoids.

    Args:
        image_shape: Height, width and channels of the images.
        hidden_units: Units of each hidden layer between image and code; may be empty.
        latent_dim: Units of the code.
        tied: Whether the decoder is the transpose of the encoder.
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
        >>> from amalthea.recipes import autoencoder
        >>> model = autoencoder((8, 8, 1), hidden_units=(16,), latent_dim=4)
        >>> history = model.fit(np.random.rand(32, 8, 8, 1), epochs=1, verbose=0)
        >>> model.predict(np.zeros((1, 8, 8, 1)), verbose=0).shape
        (1, 8, 8, 1)

    Reference:
        Bourlard & Kamp 1988, "Auto-Association by Multilayer Perceptrons and Singular Value
        Decomposition": https://doi.org/10.1007/BF00332918;
        Hinton & Salakhutdinov 2006, "Reducing the Dimensionality of Data with Neural Networks":
        https://doi.org/10.1126/science.1127647
    """
    check_loss(loss, output_activation)
    model = dense_autoencoder(
        image_shape,
        hidden_units,
        latent_dim,
        tied=tied,
        activation=activation,
        output_activation=output_activation,
    )
    compile_reconstruction(model, learning_rate, loss)
    return model
