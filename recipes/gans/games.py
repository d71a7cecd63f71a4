"""What two networks that train against each other make small."""

from collections.abc import Callable
from typing import NamedTuple

from keras import ops

# What training logs of a game. As one network gains the other loses, so none of it says how good a
# model is.
FIGURES = frozenset(
    prefix + name
    for prefix in ("", "val_")
    for name in ("loss", "discriminator_loss", "generator_loss", "real_score", "fake_score")
)


class Game(NamedTuple):
    """What the networks make small, as functions of scores.

    Attributes:
        real: The discriminator's loss from scores of real images.
        fake: The discriminator's loss from scores of generated ones.
        generator: The generator's loss from scores of generated ones.
    """

    real: Callable
    fake: Callable
    generator: Callable


GAMES = {
    # Goodfellow et al. 2014, https://arxiv.org/abs/1406.2661
    "non_saturating": Game(
        real=lambda scores: ops.softplus(-scores),
        fake=lambda scores: ops.softplus(scores),
        generator=lambda scores: ops.softplus(-scores),
    ),
    "minimax": Game(
        real=lambda scores: ops.softplus(-scores),
        fake=lambda scores: ops.softplus(scores),
        generator=lambda scores: -ops.softplus(scores),
    ),
    # Mao et al. 2016, https://arxiv.org/abs/1611.04076
    "least_squares": Game(
        real=lambda scores: ops.square(scores - 1) / 2,
        fake=lambda scores: ops.square(scores) / 2,
        generator=lambda scores: ops.square(scores - 1) / 2,
    ),
    # Lim & Ye 2017, https://arxiv.org/abs/1705.02894
    "hinge": Game(
        real=lambda scores: ops.relu(1 - scores),
        fake=lambda scores: ops.relu(1 + scores),
        generator=lambda scores: -scores,
    ),
    # Arjovsky et al. 2017, https://arxiv.org/abs/1701.07875
    "wasserstein": Game(
        real=lambda scores: -scores,
        fake=lambda scores: scores,
        generator=lambda scores: -scores,
    ),
}
