"""Bounding boxes of objects in an image, each with its class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...errors import UserError
from .feature import Feature
from .real import real_numbers


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
    axes: ClassVar[int] = 2

    count: int
    most: int = 1
    names: tuple[str, ...] = ()

    @classmethod
    def read(cls, name, values):
        boxes = real_numbers(name, "boxes", values, ("count", "boxes of an image", "5"))
        feature = cls(max(1, int(boxes[..., -1].max()) + 1), boxes.shape[1])
        if (got := feature.refused(boxes)) is not None:
            raise UserError(
                f"{name}: boxes must be five numbers each, top, left, bottom and right as shares "
                f"of the image and a class from 0 on, got {got}"
            )
        return feature, boxes

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

    def wanted(self, model, what):
        return (
            f"{model} learns from {what or 'boxes'} of shape ({self.most}, 5): top, left, bottom, "
            f"right, as shares of the image, and a class from 0 to {self.count - 1}"
        )

    def fits(self, shape):
        return shape == (self.most, 5)

    def wrong(self, values):
        edges, classes = values[..., :4], values[..., 4]
        wrong = ~((edges >= 0) & (edges <= 1)).all(-1) | (edges[..., :2] > edges[..., 2:]).any(-1)
        wrong |= ~((classes >= 0) & (classes < self.count) & (classes == np.floor(classes)))
        wrong &= classes != -1
        return str(values[wrong][0].tolist()) if wrong.any() else None
