"""Bounding boxes of objects in an image, each with its class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...errors import UserError
from .feature import Feature, shown


@dataclass(frozen=True)
class Boxes(Feature):
    """Bounding boxes, `(count, most, 5)` of float32: top, left, bottom and right edge, and class.

    Edges are shares of the height and the width of the image. Where an image has fewer boxes than
    `most`, the last rows have the class −1.

    Attributes:
        count: Number of classes.
        most: Boxes of an image, at the most.
        names: The classes' names in the order of their numbers; may be empty.
    """

    noun: ClassVar[str] = "boxes"

    count: int
    most: int = 1
    names: tuple[str, ...] = ()

    def facts(self):
        return {"box_names": list(self.names)}

    def unlike(self, other):
        if other.count > self.count:
            return f"knows {self.count} classes of boxes", str(other.count)
        if other.most > self.most:
            return f"knows {self.most} boxes of an image", str(other.most)
        return None

    def random(self, random, count):
        low, high = np.sort(random.random((2, count, self.most, 2), dtype="float32"), axis=0)
        classes = (np.arange(count * self.most) % self.count).reshape(count, self.most, 1)
        return np.concatenate([low, high, classes], axis=-1, dtype="float32")

    def check(self, model, values, count=None, *, what="boxes"):
        wanted = (
            f"{model} learns from {what} of shape ({self.most}, 5): top, left, bottom, right, as "
            f"shares of the image, and a class from 0 to {self.count - 1}"
        )
        if values is None:
            raise UserError(f"{wanted}, got none")
        values = np.asarray(values)
        if values.dtype.kind not in "buif":
            raise UserError(f"{wanted}, got values of type {values.dtype}")
        if values.shape[1:] != (self.most, 5):
            raise UserError(f"{wanted}, got some of shape {shown(values.shape[1:])}")
        if count is not None and len(values) != count:
            raise UserError(f"{wanted}, for each of {count} images, got {len(values)}")
        edges, classes = values[..., :4], values[..., 4]
        there = classes != -1
        wrong = ~((edges >= 0) & (edges <= 1)).all(-1) | (edges[..., :2] > edges[..., 2:]).any(-1)
        wrong |= ~((classes >= 0) & (classes < self.count) & (classes == np.floor(classes)))
        if (wrong & there).any():
            raise UserError(f"{wanted}, got {values[wrong & there][0].tolist()}")
