"""A generative adversarial net of points in the plane, on which collapse can be watched."""

from typing import Annotated

import keras
import numpy as np
from keras import layers

from ...layers.seed_stream import SeedStream
from ...metrics import modes_covered
from ..endpoint import Function, Like, Whole
from ..registry import Objective, recipe
from ..search import (
    Choice,
    Float,
    FromData,
    Int,
    LatentDim,
    LearningRate,
    Rank,
    Seed,
    at_least,
)
from ..tasks import POINT_GENERATION
from . import penalties
from .adversarial_model import AdversarialModel
from .arguments import Beta1, CriticSteps, Minibatch, Replay, with_batch_statistics
from .endpoints import LatentVectors, samples
from .games import FIGURES, GAMES

Game = Annotated[str, Choice(*GAMES, rank=Rank.REGULARIZATION)]
Penalty = Annotated[float, Float(0.0, 10.0, rank=Rank.REGULARIZATION)]
Dimensions = Annotated[int, at_least(2), FromData("points", "dimensions")]
Units = Annotated[int, Int(16, 512, log=True, rank=Rank.UNITS)]


def _discriminate(model, points: Like()):
    return {"scores": model.score(points)}


def _decode(model, latents: LatentVectors):
    return {"points": model.generate(latents)}


def _sample(model, n: Whole, seed: Whole):
    return {"points": model.generate(model.latents(n, SeedStream(seed)))}


ENDPOINTS = {
    "decode": Function(_decode, ("points",)),
    "sample": Function(_sample, ("points",)),
    "discriminate": Function(_discriminate, ("scores",)),
}


def modes(model: keras.Model, points: np.ndarray, labels, batch_size: int) -> dict[str, float]:
    """Modes that samples come from, and the share of good ones; each class of points is a mode.

    Of points without classes, or one of each, there is nothing to say.
    """
    if labels is None:
        return {}
    groups = [points[labels == label] for label in np.unique(labels)]
    centres = np.stack([group.mean(axis=0) for group in groups])
    deviation = np.sqrt(np.mean([group.var(axis=0).mean() for group in groups]))
    if not deviation > 0:
        return {}
    drawn = samples(model, len(points), batch_size)
    covered, good = modes_covered(drawn, centres, deviation)
    return {"modes_covered": float(covered), "good_samples": good}


@recipe(
    family="gans",
    task=POINT_GENERATION,
    data="ring8",
    paper="Srivastava et al. 2017: https://arxiv.org/abs/1705.07761",
    objective=Objective("val_modes_covered", "max", measured=True),
    incomparable=FIGURES,
    endpoints=ENDPOINTS,
    measures=modes,
    smoke={"latent_dim": 3, "units": 8},
    batch_size=128,
    epochs=20,
)
def toy_gan(
    dimensions: Dimensions = 2,
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
        dimensions: Number of coordinates of a point, at least 2.
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
        A compiled `AdversarialModel` that trains on points in [0, 1], `(batch, dimensions)`. Called
        with points it gives the discriminator's scores, `(batch, 1)`.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import toy_gan
        >>> model = toy_gan(units=8)
        >>> history = model.fit(np.random.rand(32, 2), epochs=1, verbose=0)
        >>> tuple(model.generate(np.zeros((1, 2))).shape)
        (1, 2)

    Reference:
        Srivastava et al. 2017, "VEEGAN: Reducing Mode Collapse in GANs using Implicit Variational
        Learning": https://arxiv.org/abs/1705.07761
    """
    model = AdversarialModel(
        _generator(dimensions, latent_dim, units),
        _discriminator(dimensions, units, minibatch),
        objective,
        critic_steps=critic_steps,
        penalties=[penalties.GradientPenalty(gradient_penalty)] if gradient_penalty else [],
        replay=replay,
        seed=seed,
    )
    model.compile(keras.optimizers.Adam(learning_rate, beta_1), steps_per_execution=10)
    return model


def _generator(dimensions, latent_dim, units):
    latents = keras.Input((latent_dim,), name="latents")
    x = latents
    for _ in range(2):
        x = layers.Dense(units, "relu", kernel_initializer="he_normal")(x)
    x = layers.Dense(dimensions, dtype="float32")(x)
    points = layers.Rescaling(0.1, 0.5, dtype="float32", name="points")(x)
    return keras.Model(latents, points, name="generator")


def _discriminator(dimensions, units, minibatch):
    points = keras.Input((dimensions,), name="points")
    x = layers.Rescaling(10.0, -5.0)(points)
    for _ in range(2):
        x = layers.Dense(units, "relu", kernel_initializer="he_normal")(x)
    x = with_batch_statistics(x, minibatch, kernels=16)
    scores = layers.Dense(1, dtype="float32", name="scores")(x)
    return keras.Model(points, scores, name="discriminator")
