"""The first generative adversarial net, of dense layers."""

import math

import keras
from keras import layers

from ...layers import Maxout
from ..registry import Objective, Published, recipe
from ..search import Dropout, ImageShape, LatentDim, LearningRate, Momentum, Seed, Units
from ..tasks import GENERATION
from .adversarial_model import AdversarialModel
from .arguments import AverageDecay, Minibatch, Replay, with_batch_statistics
from .endpoints import ENDPOINTS, distances
from .games import FIGURES


@recipe(
    family="gans",
    task=GENERATION,
    data="fashion_mnist",
    paper="Goodfellow et al. 2014: https://arxiv.org/abs/1406.2661",
    objective=Objective("val_sliced_wasserstein", "min", measured=True),
    incomparable=FIGURES,
    endpoints=ENDPOINTS,
    measures=distances,
    smoke={
        "image_shape": (8, 8, 1),
        "latent_dim": 3,
        "hidden_units": 8,
        "maxout_units": 16,
        "dropout": 0.0,  # replicas have the same masks
        "learning_rate": 3.0,  # as the scores of so few units hardly depend on the images
    },
    published=(
        Published(
            "100-1200-1200-784 against 784-240-240-1",
            2_503_984 + 1_231_441,
            "Goodfellow et al. 2014, the networks of their code for MNIST",
        ),
    ),
    batch_size=128,
    epochs=50,
)
def gan(
    image_shape: ImageShape = (28, 28, 1),
    *,
    latent_dim: LatentDim = 100,
    hidden_units: Units = 1200,
    maxout_units: Units = 240,
    dropout: Dropout = 0.5,
    minibatch: Minibatch = None,
    replay: Replay = 0,
    average_decay: AverageDecay = 0.0,
    learning_rate: LearningRate = 0.1,
    momentum: Momentum = 0.5,
    seed: Seed = None,
) -> keras.Model:
    """Generative adversarial net of dense layers, the first one.

    The generator makes images of uniform noise by two layers of rectified units; the discriminator,
    two layers of maxout units, learns to tell them from real ones.

    Deviations:
        * Both networks move in one step, from the same state; the paper's alternate.
        * Step size and momentum stay as they begin, while the paper's code changes them over
          hundreds of epochs; the biases of the pixels begin at 0, not at the data's log-odds.

    Args:
        image_shape: Height, width and channels of the images.
        latent_dim: Number of latents.
        hidden_units: Units of each of the generator's two hidden layers.
        maxout_units: Units, of five pieces each, of each of the discriminator's two.
        dropout: Share of the discriminator's hidden units that are dropped; a fifth of the pixels
            are beside them, unless it is 0.
        minibatch: `"discrimination"` or `"stddev"`, for a discriminator that sees how alike the
            images of a batch are.
        replay: Number of past generated images that are kept for the discriminator to see again.
        average_decay: What the moving average of the generator, which then draws the samples, keeps
            in each step; 0 for none.
        learning_rate: Step size of gradient descent.
        momentum: Momentum of gradient descent.
        seed: Makes initial weights and latents reproducible.

    Returns:
        A compiled `AdversarialModel` that trains on images in [0, 1], `(batch, height, width,
        channels)`. Called with images it gives the discriminator's scores, `(batch, 1)`.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import gan
        >>> model = gan((8, 8, 1), hidden_units=16, maxout_units=16)
        >>> history = model.fit(np.random.rand(32, 8, 8, 1), epochs=1, verbose=0)
        >>> tuple(model.generate(np.zeros((1, 100))).shape)
        (1, 8, 8, 1)

    Reference:
        Goodfellow et al. 2014, "Generative Adversarial Nets": https://arxiv.org/abs/1406.2661
    """
    model = AdversarialModel(
        _generator(image_shape, latent_dim, hidden_units),
        _discriminator(image_shape, maxout_units, dropout, minibatch),
        prior="uniform",
        replay=replay,
        average_decay=average_decay,
        seed=seed,
    )
    model.compile(keras.optimizers.SGD(learning_rate, momentum), steps_per_execution=10)
    return model


def _generator(image_shape, latent_dim, hidden_units):
    start = keras.initializers.RandomUniform(-0.05, 0.05)
    latents = keras.Input((latent_dim,), name="latents")
    x = latents
    for _ in range(2):
        x = layers.Dense(hidden_units, "relu", kernel_initializer=start)(x)
    x = layers.Dense(math.prod(image_shape), kernel_initializer=start)(x)
    x = layers.Activation("sigmoid", dtype="float32")(x)
    images = layers.Reshape(image_shape, dtype="float32", name="images")(x)
    return keras.Model(latents, images, name="generator")


def _discriminator(image_shape, units, dropout, minibatch):
    start = keras.initializers.RandomUniform(-0.005, 0.005)
    images = keras.Input(image_shape, name="images")
    x = layers.Dropout(0.2 if dropout else 0.0)(layers.Flatten()(images))
    for _ in range(2):
        x = layers.Dropout(dropout)(Maxout(units, 5, kernel_initializer=start)(x))
    x = with_batch_statistics(x, minibatch)
    scores = layers.Dense(1, kernel_initializer=start, dtype="float32", name="scores")(x)
    return keras.Model(images, scores, name="discriminator")
