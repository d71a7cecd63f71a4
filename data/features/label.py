"""The class of an example, or several words that describe it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...errors import UserError
from .feature import Feature, shown


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

    count: int
    length: int = 1
    unlabelled: bool = False
    names: tuple[str, ...] = ()

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

    def check(self, model, values, count=None, *, what=""):
        word, each = ("words", "captions") if self.length > 1 else ("classes", "labels")
        least = -1 if self.unlabelled else 0
        wanted = (
            f"{model} learns from {what or each} of {self.count} {word}, whole numbers from "
            f"{least} to {self.count - 1}"
        )
        if values is None:
            raise UserError(f"{wanted}, got none")
        values = np.asarray(values)
        if values.dtype.kind not in "buif":
            raise UserError(f"{wanted}, got values of type {values.dtype}")
        shapes = {(self.length,)} | ({()} if self.length == 1 else set())
        if values.shape[1:] not in shapes:
            hint = ""
            if values.ndim == 2 and np.isin(values, (0, 1)).all() and (values.sum(1) == 1).all():
                hint = ": of one-hot rows take the argmax"
            raise UserError(f"{wanted}, got an array of shape {shown(values.shape)}{hint}")
        if count is not None and len(values) != count:
            raise UserError(f"{wanted}, one for each of {count} images, got {len(values)}")
        wrong = ~((values >= least) & (values < self.count) & (values == np.floor(values)))
        if not wrong.any():
            return
        hint = ""
        if values.min() >= 1 and values.max() == self.count:
            hint = ": they seem to begin at 1, so subtract 1"
        raise UserError(f"{wanted}, got {values[wrong].flat[0]}{hint}")
