"""The class of each token of a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .feature import Feature, not_classes


@dataclass(frozen=True)
class TokenLabels(Feature):
    """Numbers of classes from 0 on, one for each token, `(count, length)` of int32.

    What stands beside padding does not count. From Python they go to `fit`, beside the numbers of
    the tokens.

    Attributes:
        count: Number of classes.
        names: Their names in the order of their numbers; may be empty.
    """

    noun: ClassVar[str] = "labels of tokens"

    count: int
    names: tuple[str, ...] = ()

    def facts(self):
        return {"token_names": list(self.names)}

    def unlike(self, other):
        if other.count <= self.count:
            return None
        return f"knows {self.count} classes of tokens", str(other.count)

    def random(self, random, count):
        return random.integers(0, self.count, (count, 6), dtype="int32")

    def wanted(self, model, what):
        return (
            f"{model} learns from {what or self.noun}, (count, length), whole numbers from 0 to "
            f"{self.count - 1}"
        )

    def fits(self, shape):
        return len(shape) == 1

    def wrong(self, values):
        return not_classes(values, self.count)
