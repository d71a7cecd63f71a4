"""Text, as sequences of characters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .feature import Feature, not_classes

# What stands for a character that is not in a vocabulary.
UNKNOWN = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True)
class Text(Feature):
    """Sequences of characters, stored and given as their numbers, `(count, length)` of int32.

    Attributes:
        vocabulary: All characters there are, in the order of their numbers.
        length: Characters of a sequence; None for any number.
    """

    noun: ClassVar[str] = "texts"

    vocabulary: str
    length: int | None = None

    @property
    def size(self):
        return f"sequences of {self.length} characters, of {len(self.vocabulary)} different ones,"

    def facts(self):
        return {"vocabulary": self.vocabulary, "sequence_length": self.length}

    def adopted(self, column, other):
        if self.vocabulary == other.vocabulary:
            return column
        return self.encode(other.vocabulary)[column]

    def encode(self, text: str) -> np.ndarray:
        """The numbers of the characters of a text, `(length,)` of int32.

        Characters beyond the vocabulary have the number of `UNKNOWN`, or 0 if that is none.
        """
        points = np.frombuffer(self.vocabulary.encode("utf-32-le"), np.uint32)
        order = np.argsort(points)
        codes = np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32)
        found = order[np.searchsorted(points, codes, sorter=order).clip(max=len(points) - 1)]
        unknown = max(self.vocabulary.find(UNKNOWN), 0)
        return np.where(points[found] == codes, found, unknown).astype(np.int32)

    def decode(self, numbers: np.ndarray) -> str:
        """The text of some numbers."""
        return "".join(self.vocabulary[number] for number in numbers)

    def random(self, random, count):
        shape = (count, self.length or 6)
        return random.integers(0, len(self.vocabulary), shape, dtype="int32")

    def wanted(self, model, what):
        return (
            f"{model} takes sequences of characters, (count, length), as whole numbers from 0 to "
            f"{len(self.vocabulary) - 1}"
        )

    def fits(self, shape):
        return len(shape) == 1 and self.length in (None, shape[0])

    def wrong(self, values):
        return not_classes(values, len(self.vocabulary))
