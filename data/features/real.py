"""Columns of real numbers."""

from __future__ import annotations

import numpy as np

from ...errors import UserError
from ..as_array import as_array
from .feature import Feature, is_of


class Real(Feature):
    """Base of the features that are real numbers: float32, finite, and given as they are."""

    def random(self, random, count):
        return random.random((count, *self.row), dtype="float32")

    def fits(self, shape):
        return is_of(shape, self.row)

    def wrong(self, values):
        missing = int((~np.isfinite(values)).sum())
        return f"{missing} values that are NaN or infinite" if missing else None

    @property
    def row(self) -> tuple[int | None, ...]:
        """The shape of a row."""
        raise NotImplementedError


def moments(numbers: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Means and standard deviations of columns, 1 for those that are constant."""
    exact = numbers.astype(np.float64)
    deviations = exact.std(axis=0)
    deviations[deviations == 0] = 1.0
    return tuple(map(float, exact.mean(axis=0))), tuple(map(float, deviations))


def real_numbers(name: str, what: str, values: object, shape: tuple[str, ...]) -> np.ndarray:
    """Finite numbers as float32; `UserError` if they are others, or not of so many axes.

    Args:
        name: What messages call the data.
        what: What they call the numbers.
        values: The numbers.
        shape: What the axes are, such as `("count", "channels")`.
    """
    numbers = as_array(name, what, values)
    wanted = f"{name}: {what} must be finite numbers ({', '.join(shape)})"
    if numbers.dtype.kind not in "buif":
        raise UserError(f"{wanted}, got some of type {numbers.dtype}")
    if numbers.ndim != len(shape) or 0 in numbers.shape:
        raise UserError(f"{wanted}, got an array of shape {numbers.shape}")
    numbers = numbers.astype(np.float32, copy=False)
    if not np.isfinite(numbers).all():
        row = int(np.flatnonzero(~np.isfinite(numbers).reshape(len(numbers), -1).all(1))[0])
        raise UserError(f"{wanted}, got NaN or an infinite one in row {row}")
    return numbers
