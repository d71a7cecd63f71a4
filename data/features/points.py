"""Points of a space of few dimensions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ...errors import UserError
from .real import Real, real_numbers


@dataclass(frozen=True)
class Points(Real):
    """Points, `(count, dimensions)` of float32, whose coordinates are in [0, 1].

    Attributes:
        dimensions: Number of coordinates.
    """

    noun: ClassVar[str] = "points"

    dimensions: int

    @classmethod
    def read(cls, name, values):
        points = real_numbers(name, "points", values, ("count", "dimensions"))
        if points.min() < 0 or points.max() > 1:
            raise UserError(
                f"{name}: points must have coordinates in [0, 1], got some from {points.min():g} "
                f"to {points.max():g}: scale them first"
            )
        return cls(points.shape[1]), points

    @property
    def size(self):
        return f"points of {self.dimensions} dimensions"

    @property
    def row(self):
        return (self.dimensions,)

    def facts(self):
        return {"dimensions": self.dimensions}

    def unlike(self, other):
        if self.dimensions == other.dimensions:
            return None
        return f"takes points of {self.dimensions} dimensions", str(other.dimensions)

    def wanted(self, model, what):
        return f"{model} takes {what or 'points'} of shape {self.row} with coordinates in [0, 1]"

    def wrong(self, values):
        if (wrong := super().wrong(values)) or (values.min() >= 0 and values.max() <= 1):
            return wrong
        return f"some from {values.min():g} to {values.max():g}"
