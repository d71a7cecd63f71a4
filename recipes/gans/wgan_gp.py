"""The Wasserstein generative adversarial net with a penalty on the critic's gradient norm."""

import keras

from ..registry import Objective, recipe
from ..search import ImageShape, LatentDim, LearningRate, Seed
from ..tasks import GENERATION
from . import penalties
from .adversarial_model import AdversarialModel
from .arguments import AverageDecay, Beta1, CriticSteps, GradientPenalty, Minibatch, Replay, Width
from .convolutional import discriminator, generator
from .endpoints import ENDPOINTS, distances
from .games import FIGURES


@recipe(
    family="gans",
    task=GENERATION,
    data="fashion_mnist",
    paper="Gulrajani et al. 2017: https://arxiv.org/abs/1704.00028",
    objective=Objective("val_sliced_wasserstein", "min", measured=True),
    incomparable=FIGURES,
    endpoints=ENDPOINTS,
    measures=distances,
    smoke={"image_shape": (8, 8, 1), "latent_dim": 3, "width": 4, "critic_steps": 2},
    epochs=30,
)
def wgan_gp(
    image_shape: ImageShape = (28, 28, 1),
    *,
    latent_dim: LatentDim = 128,
    width: Width = 64,
    critic_steps: CriticSteps = 5,
    gradient_penalty: GradientPenalty = 10.0,
    minibatch: Minibatch = None,
    replay: Replay = 0,
    average_decay: AverageDecay = 0.0,
    learning_rate: LearningRate = 1e-4,
    beta_1: Beta1 = 0.0,
    seed: Seed = None,
) -> keras.Model:
    """Wasserstein generative adversarial net, whose critic measures a distance to the data.

    The critic's scores are not probabilities; their mean difference between real and generated
    images, while its gradient norm is about 1 everywhere between them, is a distance of the two,
    which the generator makes small.

    Deviations:
        * The networks are the DCGAN's, the critic without normalisation as the paper demands; the
          paper has several.
        * Each step of the critic has new images, and every fifth is one of the generator, too.

    Args:
        image_shape: Height, width and channels of the images; each side a number from 4 to 7,
            doubled equally often.
        latent_dim: Number of latents, normally distributed.
        width: Filters beside the images; twice as many at each halving of their size.
        critic_steps: Steps of the critic for each of the generator; `fit` counts those of the
            critic.
        gradient_penalty: How strongly the critic's gradient norm is drawn to 1.
        minibatch: `"discrimination"` or `"stddev"`, for a critic that sees how alike the images of
            a batch are.
        replay: Number of past generated images that are kept for the critic to see again.
        average_decay: What the moving average of the generator, which then draws the samples, keeps
            in each step; 0 for none.
        learning_rate: Step size of Adam, whose second moment decays by 0.9.
        beta_1: Decay of Adam's first moment.
        seed: Makes initial weights and latents reproducible.

    Returns:
        A compiled `AdversarialModel` that trains on images in [0, 1], `(batch, height, width,
        channels)`. Called with images it gives the critic's scores, `(batch, 1)`.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import wgan_gp
        >>> model = wgan_gp((8, 8, 1), width=4)
        >>> history = model.fit(np.random.rand(32, 8, 8, 1), epochs=1, verbose=0)
        >>> tuple(model.generate(np.zeros((1, 128))).shape)
        (1, 8, 8, 1)

    Reference:
        Gulrajani et al. 2017, "Improved Training of Wasserstein GANs":
        https://arxiv.org/abs/1704.00028
    """
    model = AdversarialModel(
        generator(image_shape, latent_dim, width),
        discriminator(image_shape, width, normalize=False, minibatch=minibatch),
        "wasserstein",
        critic_steps=critic_steps,
        penalties=[penalties.GradientPenalty(gradient_penalty)] if gradient_penalty else [],
        replay=replay,
        average_decay=average_decay,
        seed=seed,
    )
    model.compile(keras.optimizers.Adam(learning_rate, beta_1, 0.9), steps_per_execution=10)
    return model
