"""The generative adversarial net whose images are of a class that is asked for."""

import math

import keras
from keras import layers

from ...layers import Maxout
from ..registry import Objective, Published, recipe
from ..search import Dropout, ImageShape, LatentDim, LearningRate, Momentum, NumClasses, Seed, Units
from ..tasks import CONDITIONAL_GENERATION
from .adversarial_model import AdversarialModel
from .arguments import AverageDecay, Minibatch, with_batch_statistics
from .endpoints import CONDITIONAL_ENDPOINTS, distances
from .games import FIGURES


@recipe(
    family="gans",
    task=CONDITIONAL_GENERATION,
    data="fashion_mnist",
    paper="Mirza & Osindero 2014: https://arxiv.org/abs/1411.1784",
    objective=Objective("val_sliced_wasserstein", "min", measured=True),
    incomparable=FIGURES,
    endpoints=CONDITIONAL_ENDPOINTS,
    measures=distances,
    smoke={
        "image_shape": (8, 8, 1),
        "num_classes": 3,
        "latent_dim": 3,
        "hidden_units": 80,
        "dropout": 0.0,  # replicas have the same masks
        "learning_rate": 3.0,  # as the scores of so few units hardly depend on the images
    },
    published=(
        Published(
            "100+10 to 200+1000-1200-784 against 784+10 to 240+50-240-1",
            2_413_984 + 1_224_351,
            "Mirza & Osindero 2014, section 4.1; maxout of 5, 5 and 4 pieces",
        ),
    ),
    batch_size=128,
    epochs=50,
)
def conditional_gan(
    image_shape: ImageShape = (28, 28, 1),
    num_classes: NumClasses = 10,
    *,
    latent_dim: LatentDim = 100,
    hidden_units: Units = 1200,
    dropout: Dropout = 0.5,
    minibatch: Minibatch = None,
    average_decay: AverageDecay = 0.0,
    learning_rate: LearningRate = 0.1,
    momentum: Momentum = 0.5,
    seed: Seed = None,
) -> keras.Model:
    """Conditional generative adversarial net of dense layers: told the class, it makes such images.

    Noise and class go through layers of their own to one that is common; so do image and class in
    the discriminator, whose units are maxout ones.

    Deviations:
        * Both networks move in one step, from the same state; the paper's alternate.
        * Step size and momentum stay as they begin, while the paper changes them over hundreds of
          epochs.

    Args:
        image_shape: Height, width and channels of the images.
        num_classes: Number of classes.
        latent_dim: Number of latents beside the class.
        hidden_units: Units of the generator's common layer: a sixth of them see the noise, the
            others the class, as 200 and 1,000 do in the paper; the discriminator's layers have a
            fifth of them.
        dropout: Share of the hidden units of both networks that are dropped.
        minibatch: `"discrimination"` or `"stddev"`, for a discriminator that sees how alike the
            images of a batch are.
        average_decay: What the moving average of the generator, which then draws the samples, keeps
            in each step; 0 for none.
        learning_rate: Step size of gradient descent.
        momentum: Momentum of gradient descent.
        seed: Makes initial weights and latents reproducible.

    Returns:
        A compiled `AdversarialModel` that trains on images in [0, 1], `(batch, height, width,
        channels)`, and their classes, `(batch,)`. Called with images it gives the discriminator's
        scores of each as each class, `(batch, num_classes)`.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import conditional_gan
        >>> model = conditional_gan((8, 8, 1), 3, hidden_units=12)
        >>> images, labels = np.random.rand(32, 8, 8, 1), np.arange(32) % 3
        >>> history = model.fit(images, labels, epochs=1, verbose=0)
        >>> tuple(model.generate(np.zeros((1, 100)), [2]).shape)
        (1, 8, 8, 1)

    Reference:
        Mirza & Osindero 2014, "Conditional Generative Adversarial Nets":
        https://arxiv.org/abs/1411.1784
    """
    model = AdversarialModel(
        _generator(image_shape, num_classes, latent_dim, hidden_units, dropout),
        _discriminator(image_shape, num_classes, hidden_units, dropout, minibatch),
        prior="uniform",
        average_decay=average_decay,
        seed=seed,
    )
    model.compile(keras.optimizers.SGD(learning_rate, momentum), steps_per_execution=10)
    return model


def _generator(image_shape, num_classes, latent_dim, units, dropout):
    start = keras.initializers.RandomUniform(-0.05, 0.05)

    def rectified(x, units):
        return layers.Dropout(dropout)(layers.Dense(units, "relu", kernel_initializer=start)(x))

    latents = keras.Input((latent_dim,), name="latents")
    classes = keras.Input((num_classes,), name="classes")
    of_noise = max(1, units // 6)
    x = [rectified(latents, of_noise), rectified(classes, max(1, units - of_noise))]
    x = rectified(layers.Concatenate()(x), units)
    x = layers.Dense(math.prod(image_shape), kernel_initializer=start)(x)
    x = layers.Activation("sigmoid", dtype="float32")(x)
    images = layers.Reshape(image_shape, dtype="float32", name="images")(x)
    return keras.Model([latents, classes], images, name="generator")


def _discriminator(image_shape, num_classes, units, dropout, minibatch):
    start = keras.initializers.RandomUniform(-0.005, 0.005)

    def maxout(x, units, pieces):
        units = max(1, units)
        return layers.Dropout(dropout)(Maxout(units, pieces, kernel_initializer=start)(x))

    images = keras.Input(image_shape, name="images")
    classes = keras.Input((num_classes,), name="classes")
    x = [maxout(layers.Flatten()(images), units // 5, 5), maxout(classes, units // 24, 5)]
    x = maxout(layers.Concatenate()(x), units // 5, 4)
    x = with_batch_statistics(x, minibatch)
    scores = layers.Dense(1, kernel_initializer=start, dtype="float32", name="scores")(x)
    return keras.Model([images, classes], scores, name="discriminator")
