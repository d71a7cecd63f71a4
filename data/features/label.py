"""The class of an example, or several words that describe it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...errors import UserError
from ..labels import read_labels
from .feature import Feature, not_classes


@dataclass(frozen=True)
class Label(Feature):
    """Class numbers from 0 on; or captions, rows of as many words' numbers.

    Attributes:
        count: Number of classes, or of words.
        length: Words of a caption; 1 where each example has one class.
        unlabelled: Whether a model takes −1 for the class of an example that has none.
        names: The classes' names in the order of their numbers; may be empty.
    """

    noun: ClassVar[str] = "labels"
    axes: ClassVar[int] = 0

    count: int
    length: int = 1
    unlabelled: bool = False
    names: tuple[str, ...] = ()

    @classmethod
    def read(cls, name, values, class_names=()):
        """The same of labels, whose classes may have names."""
        labels, names = read_labels(name, values, len(values), tuple(map(str, class_names)))
        return cls(max(len(names), int(labels.max()) + 1), names=names), labels

    def facts(self):
        return {"class_names": list(self.names)}

    def unlike(self, other):
        if other.count <= self.count:
            return None
        return f"knows {self.count} classes", str(other.count)

    def check_to_learn(self, recipe, name, column):
        if len(np.unique(column)) < 2:
            raise UserError(f"{recipe} needs images of 2 or more classes, {name} has one class")

    def random(self, random, count):
        shape = (count,) if self.length == 1 else (count, self.length)
        return np.arange(np.prod(shape)).reshape(shape) % self.count

    def wanted(self, model, what):
        word, each = ("words", "captions") if self.length > 1 else ("classes", "labels")
        return (
            f"{model} learns from {what or each} of {self.count} {word}, whole numbers from "
            f"{self._least} to {self.count - 1}"
        )

    def fits(self, shape):
        return shape == (self.length,) or (self.length == 1 and not shape)

    def hint(self, values):
        if values.ndim == 2 and np.isin(values, (0, 1)).all() and (values.sum(1) == 1).all():
            return ": of one-hot rows take the argmax"
        return ""

    def wrong(self, values):
        wrong = not_classes(values, self.count, self._least)
        if wrong and values.min() >= 1 and values.max() == self.count:
            return f"{wrong}: they seem to begin at 1, so subtract 1"
        return wrong

    @property
    def _least(self) -> int:
        return -1 if self.unlabelled else 0
