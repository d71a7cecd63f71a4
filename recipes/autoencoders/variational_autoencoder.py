"""The autoencoder whose code is a distribution, so that images can be drawn from it."""

import keras

from ...callbacks import KLWarmUp
from ..registry import Objective, Published, recipe
from ..search import Activation, ImageShape, LatentDim, LearningRate, Seed
from ..tasks import RECONSTRUCTION
from .variational import (
    ENDPOINTS,
    Beta,
    Binarization,
    EncodedBy,
    Filters,
    FreeBits,
    PixelLikelihood,
    Samples,
    WarmUpEpochs,
    bounds,
    variational_autoencoder_of,
)


def schedule(arguments) -> KLWarmUp:
    """The divergence counts little at first, if there is a warm-up."""
    return KLWarmUp(arguments["warm_up_epochs"])


@recipe(
    family="autoencoders",
    task=RECONSTRUCTION,
    data="fashion_mnist",
    paper="Kingma & Welling 2013: https://arxiv.org/abs/1312.6114",
    objective=Objective("val_negative_bound", "min"),
    endpoints=ENDPOINTS,
    schedule=schedule,
    measures=bounds,
    batch_size=128,
    epochs=20,
    smoke={"image_shape": (4, 4, 1), "hidden_units": (5,), "latent_dim": 3},
    published=(
        Published("784-200-200-50 and back", 425_284, "Burda et al. 2015, one stochastic layer"),
        Published(
            "784-400-20 and back",
            652_824,
            "the example of PyTorch, https://github.com/pytorch/examples",
            {"hidden_units": (400,), "latent_dim": 20, "activation": "relu"},
        ),
    ),
)
def variational_autoencoder(
    image_shape: ImageShape = (28, 28, 1),
    *,
    filters: Filters = (),
    hidden_units: EncodedBy = (200, 200),
    latent_dim: LatentDim = 50,
    activation: Activation = "tanh",
    likelihood: PixelLikelihood = "bernoulli",
    binarization: Binarization = None,
    beta: Beta = 1.0,
    samples: Samples = 1,
    free_bits: FreeBits = 0.0,
    warm_up_epochs: WarmUpEpochs = 0,
    learning_rate: LearningRate = 3e-3,
    seed: Seed = None,
) -> keras.Model:
    """Variational autoencoder: draws images from codes, and guesses the codes of images.

    A code is drawn from a standard normal distribution, and a decoder makes an image of it; an
    encoder guesses mean and variance of the codes that an image may have come from. Both learn
    together, by a lower bound of the images' likelihood. The networks are dense, or convolutional
    beneath, where there are `filters`.

    Deviations:
        * Adam instead of Adagrad, with a fixed step size.
        * Weights and biases begin uniformly within 1/√n of 0, n being the inputs of a unit; the
          paper draws all of them near 0, too.
        * Pixels between black and white are taken as probabilities unless `binarization` says
          otherwise; the papers' likelihoods are of binary images.

    Args:
        image_shape: Height, width and channels of the images; of any size.
        filters: Filters of the encoder's convolutions, each of which halves the sides, and in
            reverse of the decoder's; none for dense networks.
        hidden_units: Units of the encoder's dense layers, and in reverse of the decoder's.
        latent_dim: Dimensions of the code.
        activation: Activation of the hidden layers.
        likelihood: What the decoder says of a pixel: `"bernoulli"`, `"gaussian"` with one learnt
            deviation, or `"discretized_logistic"` over 256 levels with one learnt scale.
        binarization: `"stochastic"` makes pixels 0 or 1 anew in each step, their values being the
            probabilities; `"threshold"` at ½; None leaves them as they are.
        beta: Weight of the divergence of the codes from the prior in the loss.
        samples: Codes drawn for each image; with more than one the loss is the importance-weighted
            bound.
        free_bits: Divergence of a dimension of the code, in nats, below which it is not lowered.
        warm_up_epochs: Epochs in which a training job raises the divergence's weight from 0; under
            plain `fit` the callback is `amalthea.callbacks.KLWarmUp`.
        learning_rate: Step size of Adam.
        seed: Makes initial weights and codes reproducible.

    Returns:
        A compiled `VariationalModel` from images in [0, 1] to their reconstructions, both `(batch,
        height, width, channels)`. It logs `negative_bound`, in nats for each image, and its parts
        with one sample, `reconstruction` and `kl`; and `bits_per_dim` where pixels have 256 levels.

    Raises:
        UserError: If an argument is not valid, `binarization` is given with another likelihood than
            `"bernoulli"`, or `free_bits` with several samples.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import variational_autoencoder
        >>> model = variational_autoencoder((8, 8, 1), hidden_units=(16,), latent_dim=2)
        >>> history = model.fit(np.random.rand(32, 8, 8, 1), epochs=1, verbose=0)
        >>> tuple(model.decode(np.zeros((3, 2))).shape)
        (3, 8, 8, 1)

    Reference:
        Kingma & Welling 2013, "Auto-Encoding Variational Bayes": https://arxiv.org/abs/1312.6114;
        Burda, Grosse & Salakhutdinov 2015, "Importance Weighted Autoencoders":
        https://arxiv.org/abs/1509.00519
    """
    return variational_autoencoder_of(
        image_shape,
        None,
        filters=filters,
        hidden_units=hidden_units,
        latent_dim=latent_dim,
        activation=activation,
        likelihood=likelihood,
        binarization=binarization,
        beta=beta,
        samples=samples,
        free_bits=free_bits,
        learning_rate=learning_rate,
        seed=seed,
    )
