"""Values over time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from .feature import shown
from .real import Real, moments, real_numbers


@dataclass(frozen=True)
class Series(Real):
    """Real numbers over time, `(count, steps, channels)` of float32.

    Attributes:
        steps: Points in time; None for any number.
        channels: Numbers at each of them.
        means: The mean of each channel among the examples to learn from; may be empty.
        deviations: Their standard deviations, 1 for those that are constant; may be empty.
    """

    noun: ClassVar[str] = "series"
    axes: ClassVar[int] = 2

    learns: ClassVar[bool] = True

    steps: int | None = None
    channels: int = 1
    means: tuple[float, ...] = ()
    deviations: tuple[float, ...] = ()

    @classmethod
    def read(cls, name, values):
        series = real_numbers(name, "series", values, ("count", "steps", "channels"))
        return cls(*series.shape[1:]).fitted(series), series

    def fitted(self, column):
        means, deviations = moments(column.reshape(-1, self.channels))
        return replace(self, means=means, deviations=deviations)

    def of_table(self, names, numbers):
        """The last steps, as one series."""
        return numbers[None, -(self.steps or 0) :]

    @property
    def size(self):
        return f"series of {self.steps} steps of {self.channels} values"

    @property
    def row(self):
        return self.steps, self.channels

    def random(self, random, count):
        return random.random((count, self.steps or 6, self.channels), dtype="float32")

    def facts(self):
        return {"series_shape": [self.steps, self.channels]}

    def unlike(self, other):
        if self.fits(other.row):
            return None
        return f"takes series of shape {shown(self.row)}", shown(other.row)

    def wanted(self, model, what):
        return f"{model} takes {what or 'series'} of shape {shown(self.row)}, finite numbers"
