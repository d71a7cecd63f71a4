"""Masks: the class of each pixel of an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...errors import UserError
from .feature import Feature, shown


@dataclass(frozen=True)
class Mask(Feature):
    """The class of each pixel, stored as uint8, `(count, height, width)`; models get int32.

    Attributes:
        count: Number of classes; 0 is usually the background.
        shape: Height and width; None for any number.
        names: The classes' names in the order of their numbers; may be empty.
    """

    noun: ClassVar[str] = "masks"

    count: int
    shape: tuple[int | None, int | None] = (None, None)
    names: tuple[str, ...] = ()

    def facts(self):
        return {"mask_names": list(self.names)}

    def unlike(self, other):
        if other.count <= self.count:
            return None
        return f"knows {self.count} classes of pixels", str(other.count)

    def given(self, column):
        return column.astype(np.int32)

    def given_tensor(self, rows):
        import tensorflow as tf

        return tf.cast(rows, tf.int32)

    def random(self, random, count):
        return random.integers(0, self.count, (count, *self.shape), dtype="int32")

    def check(self, model, values, count=None, *, what="masks"):
        wanted = (
            f"{model} learns from {what} of shape {shown(self.shape)}, whole numbers from 0 to "
            f"{self.count - 1}"
        )
        if values is None:
            raise UserError(f"{wanted}, got none")
        values = np.asarray(values)
        if values.dtype.kind not in "buif":
            raise UserError(f"{wanted}, got values of type {values.dtype}")
        found = values.shape[1:]
        if len(found) != 2 or any(
            n not in (None, m) for n, m in zip(self.shape, found, strict=True)
        ):
            raise UserError(f"{wanted}, got some of shape {shown(found)}")
        if count is not None and len(values) != count:
            raise UserError(f"{wanted}, one for each of {count} images, got {len(values)}")
        wrong = ~((values >= 0) & (values < self.count) & (values == np.floor(values)))
        if wrong.any():
            raise UserError(f"{wanted}, got {values[wrong].flat[0]}")
