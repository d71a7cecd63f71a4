"""The generative adversarial net whose discriminator sees a whole batch."""

from typing import Annotated

import keras
from keras import layers

from ...errors import UserError
from ...layers import MinibatchDiscrimination
from ..registry import Objective, Published, recipe
from ..search import Choice, Dropout, ImageShape, Int, LatentDim, LearningRate, Rank, Seed
from ..tasks import GENERATION
from .adversarial_model import AdversarialModel
from .arguments import AverageDecay, Beta1
from .convolutional import generator
from .endpoints import ENDPOINTS, distances
from .games import FIGURES

Filters = Annotated[int, Choice(12, 24, 48, 96, rank=Rank.UNITS)]
Kernels = Annotated[int, Int(10, 300, log=True)]
Dims = Annotated[int, Int(1, 50, log=True)]


@recipe(
    family="gans",
    task=GENERATION,
    data="fashion_mnist",
    paper="Salimans et al. 2016: https://arxiv.org/abs/1606.03498",
    objective=Objective("val_sliced_wasserstein", "min", measured=True),
    incomparable=FIGURES,
    endpoints=ENDPOINTS,
    measures=distances,
    smoke={"image_shape": (12, 12, 1), "latent_dim": 3, "width": 4, "kernels": 3, "dims": 2},
    published=(
        Published(
            "CIFAR-10, 192 features to 100 kernels of 5 dimensions",
            # The paper's generator scales each of 4·4·512 units, ours each of 512 filters.
            819_200
            + 3_276_800
            + 819_200
            + 9_600
            + 2 * (512 + 256 + 128)
            # Nine convolutions with biases, the 96,000 of the kernels, and the scores.
            + 2_688
            + 2 * 83_040
            + 166_080
            + 3 * 331_968
            + 2 * 37_056
            + 96_000
            + 293,
            "Salimans et al. 2016, their code for CIFAR-10, with one score, and without the scales "
            "of weight normalisation",
            {"image_shape": (32, 32, 3)},
        ),
    ),
    epochs=20,
)
def minibatch_discrimination_gan(
    image_shape: ImageShape = (28, 28, 1),
    *,
    latent_dim: LatentDim = 100,
    width: Filters = 96,
    kernels: Kernels = 100,
    dims: Dims = 5,
    dropout: Dropout = 0.5,
    average_decay: AverageDecay = 0.0,
    learning_rate: LearningRate = 3e-4,
    beta_1: Beta1 = 0.5,
    seed: Seed = None,
) -> keras.Model:
    """Generative adversarial net whose discriminator compares the images of a batch.

    Beside its own features an image has how close they are to those of the other images of its
    batch. A generator whose images are all alike is told from the data at once, which drives its
    images apart.

    Deviations:
        * The images have no labels: the discriminator has one score, the paper's ten.
        * There is no weight normalisation; the initial weights keep the scale (He et al. 2015). The
          generator is normalised as the DCGAN's is.

    Args:
        image_shape: Height, width and channels of the images; each side a number from 4 to 7,
            doubled equally often, and at least 9.
        latent_dim: Number of latents.
        width: Filters of the discriminator's first three layers; the other six have twice as many,
            the generator's layers, from the images on, 4/3, 8/3 and 16/3 times as many.
        kernels: Number of closenesses of an image to the others.
        dims: Dimensions that each is measured in.
        dropout: Share of the discriminator's features that are dropped in two places.
        average_decay: What the moving average of the generator, which then draws the samples, keeps
            in each step; 0 for none.
        learning_rate: Step size of Adam.
        beta_1: Decay of Adam's first moment.
        seed: Makes initial weights, latents and noise reproducible.

    Returns:
        A compiled `AdversarialModel` that trains on images in [0, 1], `(batch, height, width,
        channels)`. Called with images it gives the discriminator's scores, `(batch, 1)`, which
        depend on the whole batch.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import minibatch_discrimination_gan
        >>> model = minibatch_discrimination_gan((12, 12, 1), width=4)
        >>> history = model.fit(np.random.rand(32, 12, 12, 1), epochs=1, verbose=0)
        >>> tuple(model.generate(np.zeros((1, 100))).shape)
        (1, 12, 12, 1)

    Reference:
        Salimans et al. 2016, "Improved Techniques for Training GANs":
        https://arxiv.org/abs/1606.03498
    """
    model = AdversarialModel(
        generator(image_shape, latent_dim, max(1, 4 * width // 3), kernel_size=5),
        _discriminator(image_shape, width, kernels, dims, dropout),
        prior="uniform",
        average_decay=average_decay,
        seed=seed,
    )
    model.compile(keras.optimizers.Adam(learning_rate, beta_1), steps_per_execution=10)
    return model


def _discriminator(image_shape, width, kernels, dims, dropout):
    if min(image_shape[:2]) < 9:
        raise UserError(
            "height and width must be at least 9, of which 3 are left after two halvings, got "
            f"{image_shape[0]} and {image_shape[1]}"
        )
    images = keras.Input(image_shape, name="images")
    x = layers.GaussianNoise(0.2)(layers.Rescaling(2.0, -1.0)(images))

    def convolution(x, filters, size=3, strides=1, padding="same"):
        x = layers.Conv2D(filters, size, strides, padding, kernel_initializer="he_normal")(x)
        return layers.LeakyReLU(0.2)(x)

    for filters in (width, 2 * width):
        for strides in (1, 1, 2):
            x = convolution(x, filters, strides=strides)
        x = layers.Dropout(dropout)(x)
    x = convolution(x, 2 * width, padding="valid")
    for _ in range(2):
        x = convolution(x, 2 * width, size=1)
    features = layers.GlobalAveragePooling2D()(x)
    x = MinibatchDiscrimination(kernels, dims)(features)
    scores = layers.Dense(1, dtype="float32", name="scores")(x)
    return keras.Model(images, scores, name="discriminator")
