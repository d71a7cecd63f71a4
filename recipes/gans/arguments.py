"""Arguments that several adversarial recipes take, and what they stand for."""

from typing import Annotated

from ...checks import is_number
from ...layers import MinibatchDiscrimination, MinibatchStdDev
from ..search import Choice, Float, Given, Int, Rank, at_least

MINIBATCH = {"discrimination": MinibatchDiscrimination, "stddev": MinibatchStdDev}

Width = Annotated[int, Choice(16, 32, 64, 128, rank=Rank.UNITS)]
Minibatch = Annotated[str | None, Choice(None, *MINIBATCH, rank=Rank.REGULARIZATION)]
Replay = Annotated[
    int,
    Choice(
        0,
        64,
        1024,
        others=at_least(0),
        rank=Rank.REGULARIZATION,
    ),
]
AverageDecay = Annotated[
    float, Given(lambda v: is_number(v) and 0 <= v < 1, "a number of at least 0 and below 1")
]
Beta1 = Annotated[float, Float(0.0, 0.9, below=1, rank=Rank.ADAM_BETAS)]
CriticSteps = Annotated[int, Int(1, 5)]
GradientPenalty = Annotated[float, Float(0.1, 100.0, log=True, rank=Rank.REGULARIZATION)]


def with_batch_statistics(features, minibatch: str | None, **arguments):
    """Rows of features, `(batch, features)`, with how alike those of their batch are appended.

    Args:
        features: `(batch, features)`.
        minibatch: `"discrimination"`, `"stddev"` or None.
        **arguments: Arguments of the layer for minibatch discrimination.
    """
    if minibatch is None:
        return features
    return MINIBATCH[minibatch](**(arguments if minibatch == "discrimination" else {}))(features)
