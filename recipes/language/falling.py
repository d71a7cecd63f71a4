"""A step size that stays for some epochs, and then falls in each."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from ...checks import is_number
from ..search import Given, at_least

SteadyEpochs = Annotated[int, at_least(1)]
FallingEpochs = Annotated[int, at_least(0)]
Positive = Annotated[float, Given(lambda v: is_number(v) and v > 0, "a number above 0")]


def falling(arguments: Mapping[str, Any]) -> Callable[[float], float]:
    """What the step size is multiplied by, from the share of a training that is done.

    Args:
        arguments: With `steady_epochs`, `falling_epochs` and `decay`, as published for a training
            of all these epochs; one of more or fewer does the same at the same shares.
    """
    steady, all_ = arguments["steady_epochs"], arguments["falling_epochs"]
    all_ += steady

    def multiplier(share: float) -> float:
        # A share of whole epochs is one of them, though it is rounded.
        return arguments["decay"] ** max(0, int(all_ * share + 1e-6) + 1 - steady)

    return multiplier
