"""What is added to a discriminator's loss, one object for each paper's equation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import keras
from keras import ops, random

from ...checks import check_count

# Under the square root, whose gradient at 0 is infinite.
EPSILON = 1e-12


@dataclass(frozen=True)
class ScoredBatch:
    """What a penalty may look at: one batch, and how the discriminator scores it.

    Attributes:
        real: Real images, `(batch, height, width, channels)`.
        fake: Generated images of that shape, through which no gradient flows.
        real_scores: Scores of the real images, `(batch,)`.
        real_gradient: From weights of those scores to the gradient of the weighted sum with respect
            to the real images.
        discriminate: From images to their scores and such a function.
        seeds: Seeds of all that is drawn.
        every: From a number of steps to whether it is the first of so many; True if each step is.
    """

    real: Any
    fake: Any
    real_scores: Any
    real_gradient: Callable
    discriminate: Callable
    seeds: keras.random.SeedGenerator
    every: Callable[[int], Any]


@dataclass(frozen=True)
class Penalty:
    """Base of the penalties: their arguments are what is saved of them.

    Attributes:
        weight: How strongly it counts, at least 0.
    """

    weight: float
    # Steps from one in which it is taken to the next.
    interval: ClassVar[int] = 1

    def __post_init__(self):
        if not 0 <= self.weight < float("inf"):
            raise ValueError(f"weight must be at least 0 and finite, got {self.weight!r}")
        if not getattr(self, "pixel_range", 1) > 0:
            raise ValueError(f"pixel_range must be above 0, got {self.pixel_range!r}")
        check_count("interval", self.interval)

    def __call__(self, batch: ScoredBatch):
        """What is added to the loss of each row, `(batch,)`."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return asdict(self)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Penalty:
        """The penalty that gave a config."""
        return cls(**config)


@keras.saving.register_keras_serializable("amalthea")
@dataclass(frozen=True)
class GradientPenalty(Penalty):
    """Draws the norm of the critic's gradient between real and generated images to 1.

    Attributes:
        weight: How strongly: lambda of the paper's equation 3.
        pixel_range: What counts as the distance from black to white: 2 where a paper's images lie
            in [−1, 1].

    Reference:
        Gulrajani et al. 2017: https://arxiv.org/abs/1704.00028
    """

    weight: float = 10.0
    pixel_range: float = 1.0

    def __call__(self, batch):
        real = batch.real
        shape = (ops.shape(real)[0], *[1] * (len(real.shape) - 1))
        share = random.uniform(shape, dtype=real.dtype, seed=batch.seeds)
        _, gradient = batch.discriminate(share * real + (1 - share) * batch.fake)
        squares = _squared_norm(gradient, batch.real_scores, self.pixel_range)
        return self.weight * ops.square(ops.sqrt(squares + EPSILON) - 1)


@keras.saving.register_keras_serializable("amalthea")
@dataclass(frozen=True)
class R1(Penalty):
    """Draws the discriminator's gradient at real images to 0.

    Attributes:
        weight: How strongly: gamma of the paper's equation 9.
        interval: Steps from one in which that is done to the next, as many times as strongly, at
            least 1: Karras et al. 2019, appendix B, https://arxiv.org/abs/1912.04958.
        pixel_range: What counts as the distance from black to white.

    Reference:
        Mescheder et al. 2018: https://arxiv.org/abs/1801.04406
    """

    weight: float = 10.0
    interval: int = 1
    pixel_range: float = 1.0

    def __call__(self, batch):
        scores, now = batch.real_scores, batch.every(self.interval)

        def penalty():
            squares = _squared_norm(batch.real_gradient, scores, self.pixel_range)
            return self.interval * squares

        if now is True:
            return self.weight / 2 * penalty()
        return self.weight / 2 * ops.cond(now, penalty, lambda: ops.zeros_like(scores))


@keras.saving.register_keras_serializable("amalthea")
@dataclass(frozen=True)
class Drift(Penalty):
    """Draws the scores of real images to 0, so that they do not drift away from it.

    Attributes:
        weight: How strongly: epsilon_drift of the paper's appendix A.1.

    Reference:
        Karras et al. 2017: https://arxiv.org/abs/1710.10196
    """

    weight: float = 1e-3

    def __call__(self, batch):
        return self.weight * ops.square(batch.real_scores)


def _squared_norm(gradient: Callable, scores, pixel_range: float):
    """Squared norm of the gradient of each score with respect to its image: `(batch,)`."""
    gradient = ops.cast(gradient(ops.ones_like(scores)), "float32") / pixel_range
    return ops.sum(ops.square(gradient), axis=range(1, len(gradient.shape)))
