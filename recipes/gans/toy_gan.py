"""A generative adversarial net of points in the plane, on which collapse can be watched."""

from typing import Annotated

import keras
import numpy as np
from keras import layers

from ...errors import UserError
from ...metrics import modes_covered
from ..registry import Objective, recipe
from ..search import Choice, Float, ImageShape, Int, LatentDim, LearningRate, Rank, Seed
from ..tasks import GENERATION
from . import penalties
from .adversarial_model import AdversarialModel
from .arguments import Beta1, CriticSteps, Minibatch, Replay, beside_their_batch
from .endpoints import ENDPOINTS, samples
from .games import FIGURES, GAMES

Game = Annotated[str, Choice(*GAMES, rank=Rank.REGULARIZATION)]
Penalty = Annotated[float, Float(0.0, 10.0, rank=Rank.REGULARIZATION)]
Units = Annotated[int, Int(16, 512, log=True, rank=Rank.UNITS)]


def modes(model: keras.Model, images: np.ndarray, labels, batch_size: int) -> dict[str, float]:
    """Modes that samples come from, and the share of good ones; each class of points is a mode.

    Of points without classes, or one of each, there is nothing to say.
    """
    if labels is None:
        return {}
    points = images.reshape(len(images), -1)
    groups = [points[labels == label] for label in np.unique(labels)]
    centres = np.stack([group.mean(axis=0) for group in groups])
    deviation = np.sqrt(np.mean([group.var(axis=0).mean() for group in groups]))
    if not deviation > 0:
        return {}
    drawn = samples(model, len(images), batch_size).reshape(len(images), -1)
    covered, good = modes_covered(drawn, centres, deviation)
    return {"modes_covered": float(covered), "good_samples": good}


@recipe(
    family="gans",
    task=GENERATION,
    data="ring8",
    paper="Srivastava et al. 2017: https://arxiv.org/abs/1705.07761",
    objective=Objective("val_modes_covered", "max", measured=True),
    incomparable=FIGURES,
    endpoints=ENDPOINTS,
    measures=modes,
    smoke={"image_shape": (1, 1, 2), "latent_dim": 3, "units": 8},
    batch_size=128,
    epochs=20,
)
def toy_gan(
    image_shape: ImageShape = (1, 1, 2),
    *,
    latent_dim: LatentDim = 2,
    units: Units = 128,
    objective: Game = "non_saturating",
    critic_steps: CriticSteps = 1,
    gradient_penalty: Penalty = 0.0,
    minibatch: Minibatch = None,
    replay: Replay = 0,
    learning_rate: LearningRate = 1e-3,
    beta_1: Beta1 = 0.5,
    seed: Seed = None,
) -> keras.Model:
    """Generative adversarial net of points in the plane, on which mode collapse can be watched.

    On a ring of 8 narrow modes, or a grid of 25, a plain net makes points of a few of them, and
    jumps from one to another. The remedies are arguments.

    Deviations:
        * The paper's discriminator is another, and learns at a tenth of the generator's step size.

    Args:
        image_shape: `(1, 1, 2)`: a point is an image of one pixel, whose channels are the
            coordinates; the data sets `ring8` and `grid25` have such.
        latent_dim: Number of latents, normally distributed.
        units: Units of each of the two hidden layers of both networks.
        objective: What the networks make small: `"non_saturating"`, `"minimax"`,
            `"least_squares"`, `"hinge"` or `"wasserstein"`.
        critic_steps: Steps of the discriminator for each of the generator.
        gradient_penalty: How strongly the discriminator's gradient norm is drawn to 1; 0 for not at
            all.
        minibatch: `"discrimination"`, with 16 kernels, or `"stddev"`, for a discriminator that sees
            how alike the points of a batch are.
        replay: Number of past generated points that are kept for the discriminator to see again.
        learning_rate: Step size of Adam.
        beta_1: Decay of Adam's first moment.
        seed: Makes initial weights and latents reproducible.

    Returns:
        A compiled `AdversarialModel` that trains on points in [0, 1], `(batch, 1, 1, 2)`. Called
        with points it gives the discriminator's scores, `(batch, 1)`.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import toy_gan
        >>> model = toy_gan(units=8)
        >>> history = model.fit(np.random.rand(32, 1, 1, 2), epochs=1, verbose=0)
        >>> tuple(model.generate(np.zeros((1, 2))).shape)
        (1, 1, 1, 2)

    Reference:
        Srivastava et al. 2017, "VEEGAN: Reducing Mode Collapse in GANs using Implicit Variational
        Learning": https://arxiv.org/abs/1705.07761
    """
    if image_shape[:2] != (1, 1):
        raise UserError(f"image_shape must be (1, 1, 2), that of a point, got {image_shape}")
    model = AdversarialModel(
        _generator(image_shape, latent_dim, units),
        _discriminator(image_shape, units, minibatch),
        objective,
        critic_steps=critic_steps,
        penalties=[penalties.GradientPenalty(gradient_penalty)] if gradient_penalty else [],
        replay=replay,
        seed=seed,
    )
    model.compile(keras.optimizers.Adam(learning_rate, beta_1), steps_per_execution=10)
    return model


def _generator(image_shape, latent_dim, units):
    latents = keras.Input((latent_dim,), name="latents")
    x = latents
    for _ in range(2):
        x = layers.Dense(units, "relu", kernel_initializer="he_normal")(x)
    x = layers.Reshape(image_shape)(layers.Dense(image_shape[-1], dtype="float32")(x))
    points = layers.Rescaling(0.1, 0.5, dtype="float32", name="points")(x)
    return keras.Model(latents, points, name="generator")


def _discriminator(image_shape, units, minibatch):
    points = keras.Input(image_shape, name="points")
    x = layers.Flatten()(layers.Rescaling(10.0, -5.0)(points))
    for _ in range(2):
        x = layers.Dense(units, "relu", kernel_initializer="he_normal")(x)
    x = beside_their_batch(x, minibatch, kernels=16)
    scores = layers.Dense(1, dtype="float32", name="scores")(x)
    return keras.Model(points, scores, name="discriminator")
