"""Several numbers for each example, such as the columns of a table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from ..as_array import as_array
from .real import Real, moments, real_numbers


@dataclass(frozen=True)
class Values(Real):
    """Real numbers in any units, `(count, columns)` of float32.

    Attributes:
        count: Number of columns.
        names: The columns' names; may be empty.
        means: The mean of each column among the examples to learn from; may be empty.
        deviations: Their standard deviations, 1 for those that are constant; may be empty.
    """

    noun: ClassVar[str] = "values"
    learns: ClassVar[bool] = True

    count: int
    names: tuple[str, ...] = ()
    means: tuple[float, ...] = ()
    deviations: tuple[float, ...] = ()

    @classmethod
    def read(cls, name, values):
        values = as_array(name, cls.noun, values)
        values = values[:, None] if values.ndim == 1 else values
        values = real_numbers(name, cls.noun, values, ("count", "columns"))
        return cls(values.shape[1]).fitted(values), values

    def fitted(self, column):
        means, deviations = moments(column)
        return replace(self, means=means, deviations=deviations)

    def of_table(self, names, numbers):
        """Those columns that have the names, where all are there, or all."""
        if self.names and set(self.names) <= set(names):
            return numbers[:, [names.index(name) for name in self.names]]
        return numbers

    @property
    def size(self):
        return f"examples of {self.count} values"

    @property
    def row(self):
        return (self.count,)

    def facts(self):
        return {f"{self.noun}_names": list(self.names)}

    def unlike(self, other):
        if self.count == other.count:
            return None
        return f"knows {self.count} {self.noun}", str(other.count)

    def complete(self, values):
        """Single values, `(count,)`, with an axis for their one column."""
        return values[:, None] if self.count == 1 and len(values.shape) == 1 else values

    def wanted(self, model, what):
        return f"{model} takes {what or self.noun} of shape {self.row}, finite numbers"


@dataclass(frozen=True)
class Targets(Values):
    """Real numbers that are to be predicted, as `Values` are."""

    noun: ClassVar[str] = "targets"

    def fits(self, shape):
        return shape == self.row or (self.count == 1 and not shape)
