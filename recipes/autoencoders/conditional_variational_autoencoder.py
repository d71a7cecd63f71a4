"""The variational autoencoder that is told the class of an image."""

import keras

from ..registry import Objective, recipe
from ..search import Activation, ImageShape, LatentDim, LearningRate, NumClasses, Seed
from ..tasks import CONDITIONAL_RECONSTRUCTION
from .variational import (
    CONDITIONAL_ENDPOINTS,
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
from .variational_autoencoder import schedule


@recipe(
    family="autoencoders",
    task=CONDITIONAL_RECONSTRUCTION,
    data="fashion_mnist",
    paper="Sohn, Lee & Yan 2015: https://papers.nips.cc/paper/5775",
    objective=Objective("val_negative_bound", "min"),
    endpoints=CONDITIONAL_ENDPOINTS,
    schedule=schedule,
    measures=bounds,
    batch_size=128,
    epochs=20,
    smoke={
        "image_shape": (5, 4, 1),
        "num_classes": 3,
        "filters": (32,),
        "hidden_units": (5,),
        "latent_dim": 3,
    },
)
def conditional_variational_autoencoder(
    image_shape: ImageShape = (28, 28, 1),
    num_classes: NumClasses = 10,
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
    """Conditional variational autoencoder: told the class, it draws images of it.

    As in `variational_autoencoder` a decoder makes images of codes, but both networks are told the
    class: codes need not say what it says, and one code with another class is another image in the
    same style.

    Deviations:
        * Classes are told and images are drawn; the paper also has the reverse, outputs drawn for
          images.
        * The prior of the codes is the same for all classes.
        * Weights and biases begin uniformly within 1/√n of 0, n being the inputs of a unit.

    Args:
        image_shape: Height, width and channels of the images; of any size.
        num_classes: Number of classes.
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
        A compiled `VariationalModel` that trains on images in [0, 1], `(batch, height, width,
        channels)`, and their classes, `(batch,)`. Called with images alone it gives their
        reconstructions under the class that makes them most probable. It logs `negative_bound`, in
        nats for each image, and its parts with one sample, `reconstruction` and `kl`; and
        `bits_per_dim` where pixels have 256 levels.

    Raises:
        UserError: If an argument is not valid, `binarization` is given with another likelihood than
            `"bernoulli"`, or `free_bits` with several samples.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import conditional_variational_autoencoder
        >>> model = conditional_variational_autoencoder((8, 8, 1), 3, hidden_units=(16,))
        >>> images, labels = np.random.rand(32, 8, 8, 1), np.arange(32) % 3
        >>> history = model.fit(images, labels, epochs=1, verbose=0)
        >>> tuple(model.decode(np.zeros((2, 50)), [0, 2]).shape)
        (2, 8, 8, 1)

    Reference:
        Sohn, Lee & Yan 2015, "Learning Structured Output Representation using Deep Conditional
        Generative Models": https://papers.nips.cc/paper/5775;
        Kingma et al. 2014, "Semi-Supervised Learning with Deep Generative Models", for the model of
        images given classes: https://arxiv.org/abs/1406.5298
    """
    return variational_autoencoder_of(
        image_shape,
        num_classes,
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
