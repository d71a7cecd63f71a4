"""The deep convolutional generative adversarial net."""

from typing import Annotated

import keras

from ..registry import Objective, recipe, variant
from ..search import Choice, ImageShape, LatentDim, LearningRate, Rank, Seed
from ..tasks import GENERATION
from .adversarial_model import AdversarialModel
from .arguments import AverageDecay, Beta1, Minibatch, Replay, Width
from .convolutional import discriminator, generator
from .endpoints import ENDPOINTS, distances
from .games import FIGURES, GAMES

# A Wasserstein critic needs its penalty: `wgan_gp`.
Game = Annotated[
    str, Choice(*(name for name in GAMES if name != "wasserstein"), rank=Rank.REGULARIZATION)
]


@recipe(
    family="gans",
    task=GENERATION,
    data="fashion_mnist",
    paper="Radford, Metz & Chintala 2015: https://arxiv.org/abs/1511.06434",
    objective=Objective("val_sliced_wasserstein", "min", measured=True),
    incomparable=FIGURES,
    endpoints=ENDPOINTS,
    measures=distances,
    smoke={"image_shape": (8, 8, 1), "latent_dim": 3, "width": 4},
    batch_size=128,
    epochs=20,
)
def dcgan(
    image_shape: ImageShape = (28, 28, 1),
    *,
    latent_dim: LatentDim = 100,
    width: Width = 64,
    objective: Game = "non_saturating",
    minibatch: Minibatch = None,
    replay: Replay = 0,
    average_decay: AverageDecay = 0.0,
    learning_rate: LearningRate = 2e-4,
    beta_1: Beta1 = 0.5,
    seed: Seed = None,
) -> keras.Model:
    """Generative adversarial net of convolutions, in the paper's configuration.

    The generator makes images of uniform noise by convolutions that double the size; the
    discriminator halves it, and learns to tell them from real ones.

    Deviations:
        * Both networks move in one step, from the same state; the paper's alternate.
        * Images of 28×28 begin at 7×7, with two doublings; the paper's of 64×64 at 4×4, with four.

    Args:
        image_shape: Height, width and channels of the images; each side a number from 4 to 7,
            doubled equally often.
        latent_dim: Number of latents.
        width: Filters beside the images; twice as many at each halving of their size.
        objective: What the networks make small: `"non_saturating"`, `"minimax"`, `"least_squares"`
            or `"hinge"`.
        minibatch: `"discrimination"` or `"stddev"`, for a discriminator that sees how alike the
            images of a batch are.
        replay: Number of past generated images that are kept for the discriminator to see again.
        average_decay: What the moving average of the generator, which then draws the samples, keeps
            in each step; 0 for none.
        learning_rate: Step size of Adam.
        beta_1: Decay of Adam's first moment.
        seed: Makes initial weights and latents reproducible.

    Returns:
        A compiled `AdversarialModel` that trains on images in [0, 1], `(batch, height, width,
        channels)`. Called with images it gives the discriminator's scores, `(batch, 1)`.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import dcgan
        >>> model = dcgan((8, 8, 1), width=4)
        >>> history = model.fit(np.random.rand(32, 8, 8, 1), epochs=1, verbose=0)
        >>> tuple(model.generate(np.zeros((1, 100))).shape)
        (1, 8, 8, 1)

    Reference:
        Radford, Metz & Chintala 2015, "Unsupervised Representation Learning with Deep Convolutional
        Generative Adversarial Networks": https://arxiv.org/abs/1511.06434
    """
    model = AdversarialModel(
        generator(image_shape, latent_dim, width),
        discriminator(image_shape, width, minibatch=minibatch),
        objective,
        prior="uniform",
        replay=replay,
        average_decay=average_decay,
        seed=seed,
    )
    model.compile(keras.optimizers.Adam(learning_rate, beta_1), steps_per_execution=10)
    return model


dcgan_64 = variant(
    dcgan,
    "dcgan_64",
    image_shape=(64, 64, 3),
    parameters=3_576_704 + 2_765_568,
    source="Radford et al. 2015: 64 filters beside the images, no biases before normalisation",
)
