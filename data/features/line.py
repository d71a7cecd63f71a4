"""Lines: short texts of characters with a start and an end, such as sentences to translate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from ...checks import is_whole
from ...errors import UserError
from .feature import Feature, not_classes
from .text import Text, as_strings, is_strings
from .words import UNKNOWN

# The numbers that are no characters of a line, in every vocabulary; then come the characters.
PADDING, START, END, UNKNOWN_NUMBER = range(4)
# What stands for them in a vocabulary: NULL, START OF TEXT and END OF TEXT among them.
SPECIAL = f"\0\x02\x03{UNKNOWN}"
# How many of these no character of a line can be.
MARKS = 3


@dataclass(frozen=True)
class Line(Feature):
    """Lines of characters, given as their numbers between a start and an end, `(count, length)`.

    They are stored as strings. In a batch the shorter ones are filled up by 0 behind their end.

    Attributes:
        vocabulary: All characters in the order of their numbers, the first four being those of
            `SPECIAL`; or how many numbers there are, where nothing else is known of them.
        length: Numbers of the longest line among those to learn from, with start and end; a model
            takes lines of any length, and writes none that is longer.
    """

    noun: ClassVar[str] = "lines"
    given_as: ClassVar[str] = "tokens"
    axes: ClassVar[int] = 0
    learns: ClassVar[bool] = True

    vocabulary: str | int = SPECIAL
    length: int | None = None

    @classmethod
    def read(cls, name, values):
        """The same of strings, whose characters are the vocabulary."""
        column = as_strings(name, cls.noun, values)
        return cls().fitted(column), column

    def fitted(self, column):
        if not is_strings(column):
            return self
        found = set().union(*column) - set(SPECIAL)
        longest = max(map(len, column), default=0) + 2
        return replace(self, vocabulary=SPECIAL + "".join(sorted(found)), length=longest)

    @property
    def tokens(self) -> int:
        """How many numbers there are."""
        return self.vocabulary if isinstance(self.vocabulary, int) else len(self.vocabulary)

    def check_to_learn(self, recipe, name, column):
        if self.tokens < len(SPECIAL) + 2:
            raise UserError(
                f"{recipe} needs lines of two different characters or more on both sides, and "
                f"{name} has {self.tokens - len(SPECIAL)} on one"
            )

    def adopted(self, column, other):
        if not is_strings(column):
            return other, column
        return replace(other, vocabulary=self.vocabulary, length=self.length), column

    def encode(self, line: str) -> np.ndarray:
        """The numbers of a line, `(length,)` of int32; those of unknown characters are 3."""
        numbers = Text(self.vocabulary[MARKS:]).encode(line) + MARKS
        return np.concatenate([[START], numbers, [END]]).astype(np.int32)

    def decode(self, numbers: np.ndarray) -> str:
        """The line that some numbers stand for, up to the first end among them."""
        (ends,) = np.nonzero(np.asarray(numbers) == END)
        line = numbers[: ends[0]] if len(ends) else numbers
        return "".join(self.vocabulary[number] for number in line if number >= MARKS)

    def lengths(self, column):
        if not is_strings(column):
            return None
        return np.array([len(line) + 2 for line in column], np.int64)

    def arrays(self, column):
        return Text(SPECIAL).arrays(column)

    def stored_tensor(self, column):
        if not is_strings(column):
            return super().stored_tensor(column)
        import tensorflow as tf

        flat = np.concatenate([self.encode(line) for line in column])
        return tf.RaggedTensor.from_row_lengths(flat, self.lengths(column))

    def given(self, column):
        if not is_strings(column):
            return column
        matrix = np.zeros((len(column), max(self.lengths(column), default=2)), np.int32)
        for row, line in zip(matrix, column, strict=True):
            row[: len(line) + 2] = self.encode(line)
        return matrix

    def given_tensor(self, rows):
        import tensorflow as tf

        return rows.to_tensor() if isinstance(rows, tf.RaggedTensor) else rows

    def random(self, random, count):
        numbers = random.integers(len(SPECIAL), self.tokens, (count, 6), dtype="int32")
        numbers[:, 0], numbers[:, -1] = START, END
        return numbers

    def wanted(self, model, what):
        return (
            f"{model} takes {what or self.noun} of characters, (count, length), as whole numbers "
            f"from 0 to {self.tokens - 1}"
        )

    def fits(self, shape):
        return len(shape) == 1 and shape[0] >= 2

    def hint(self, values):
        return ": each has a start and an end" if values.ndim == 2 else ""

    def wrong(self, values):
        if wrong := not_classes(values, self.tokens):
            return wrong
        filled = values != PADDING
        if (values[:, 0] != START).any() or (filled[:, 1:] & ~filled[:, :-1]).any():
            return f"some that do not begin with {START}, or have padding, {PADDING}, amid others"
        return None


def is_line_vocabulary(value: Any) -> bool:
    """Whether a value can be the vocabulary of lines."""
    if isinstance(value, str):
        return value.startswith(SPECIAL) and len(set(value)) == len(value) > len(SPECIAL)
    return is_whole(value) and value > len(SPECIAL)
