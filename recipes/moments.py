"""Means and deviations of the examples to learn from, by which models standardise."""

from typing import Annotated

import numpy as np

from ..checks import is_number
from .search import FromData, Given, at_least

Floats = Given(
    lambda v: isinstance(v, tuple | list) and all(map(is_number, v)),
    "finite numbers, one for each column, or none",
)
NumTargets = Annotated[int, at_least(1), FromData("targets", "count")]
TargetMeans = Annotated[tuple[float, ...], Floats, FromData("targets", "means")]
TargetDeviations = Annotated[tuple[float, ...], Floats, FromData("targets", "deviations")]


def moments(means, deviations, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Means and deviations as arrays of float32, 0 and 1 where there are none."""
    mean = np.zeros(count) if len(means) == 0 else np.asarray(means)
    deviation = np.ones(count) if len(deviations) == 0 else np.asarray(deviations)
    return np.float32(mean), np.float32(deviation)
