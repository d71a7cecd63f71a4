"""Which of several properties an example has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...errors import UserError
from ..as_array import as_array
from .feature import Feature


@dataclass(frozen=True)
class Tags(Feature):
    """Rows of 0 and 1, `(count, tags)`, stored as uint8; models get float32.

    Attributes:
        count: Number of tags.
        names: Their names in order; may be empty.
    """

    noun: ClassVar[str] = "tags"

    count: int
    names: tuple[str, ...] = ()

    @classmethod
    def read(cls, name, values):
        """The same of rows of 0 and 1, or of a list of the names of each example's tags."""
        names: tuple[str, ...] = ()
        if isinstance(values, list | tuple) and all(_are_names(row) for row in values):
            names = tuple(sorted({tag for row in values for tag in row}))
            values = np.array([[tag in row for tag in names] for row in values]).reshape(
                -1, len(names)
            )
        tags = as_array(name, "tags", values)
        if tags.ndim != 2 or 0 in tags.shape or not np.isin(tags, (0, 1)).all():
            raise UserError(
                f"{name}: tags must be rows of 0 and 1, (count, tags), or a list of names for each "
                f"example, got an array of shape {tags.shape} and type {tags.dtype}"
            )
        return cls(tags.shape[1], names), tags.astype(np.uint8)

    def facts(self):
        return {"tag_names": list(self.names)}

    def unlike(self, other):
        return None if other.count == self.count else (f"knows {self.count} tags", str(other.count))

    def given(self, column):
        return column.astype(np.float32)

    def given_tensor(self, rows):
        import tensorflow as tf

        return tf.cast(rows, tf.float32)

    def random(self, random, count):
        return random.integers(0, 2, (count, self.count)).astype("float32")

    def wanted(self, model, what):
        return f"{model} learns from {what or 'tags'} of shape ({self.count},), 0 or 1 each"

    def fits(self, shape):
        return shape == (self.count,)

    def wrong(self, values):
        wrong = ~((values == 0) | (values == 1))
        return str(values[wrong].flat[0]) if wrong.any() else None


def _are_names(row: object) -> bool:
    return isinstance(row, list | tuple | set) and all(isinstance(tag, str) for tag in row)
