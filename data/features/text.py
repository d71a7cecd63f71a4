"""Text, as sequences of characters or of words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from ...errors import UserError
from ..as_array import as_array
from .feature import Feature, not_classes
from .words import (
    BYTES,
    PADDING,
    PLAIN,
    RULES,
    SUBWORDS,
    UNKNOWN,
    encoded,
    numbers_of_prompts,
    padded,
    vocabulary_of,
)

# Tokens of a vocabulary of words, and words of a text, that are taken at the most.
VOCABULARY_SIZE, LONGEST = 20_000, 200


@dataclass(frozen=True)
class Text(Feature):
    """Sequences of tokens, given as their numbers, `(count, length)` of int32.

    Sequences of one long text, of characters or of tokens by a rule, are stored as these numbers.
    Texts of words that have a class are stored as strings: in a batch the shorter
    ones are filled up by 0, which is the first token of such a vocabulary.

    Attributes:
        vocabulary: All tokens there are, in the order of their numbers: characters, as a string, or
            words; or their number, of bytes, and where nothing else is known of them.
        length: Tokens of a sequence, of strings those that are taken at the most; None for any
            number.
        rule: By which one of `words.RULES` a long text is cut into tokens; None for characters, and
            for texts that have a class.
        counts: How often each token is in the text to train with, where that is known.
    """

    noun: ClassVar[str] = "texts"
    given_as: ClassVar[str] = "tokens"
    axes: ClassVar[int] = 0
    learns: ClassVar[bool] = True

    vocabulary: str | tuple[str, ...] | int
    length: int | None = None
    rule: str | None = None
    counts: tuple[int, ...] | None = None

    @classmethod
    def read(cls, name, values):
        """The same of strings: texts of words, whose vocabulary are their most frequent ones."""
        column = as_strings(name, cls.noun, values)
        return cls((PADDING, UNKNOWN), LONGEST).fitted(column), column

    def fitted(self, column):
        if not is_strings(column):
            return self
        return replace(self, vocabulary=vocabulary_of(column, VOCABULARY_SIZE))

    @property
    def tokens(self) -> int:
        """How many tokens there are."""
        return self.vocabulary if isinstance(self.vocabulary, int) else len(self.vocabulary)

    @property
    def size(self):
        if self.is_written:
            return f"sequences of {self.length} {self._unit}, of {self.tokens:,} different ones,"
        words = f"at most {self.length} words" if self.length else "words"
        return f"texts of {words}, of {self.tokens:,} different ones,"

    def facts(self):
        # That of words follows from the texts, whose hash is known.
        vocabulary = self.vocabulary if isinstance(self.vocabulary, str) else self.tokens
        return {"vocabulary": vocabulary, "sequence_length": self.length}

    def adopted(self, column, other):
        if is_strings(column):
            return replace(other, vocabulary=self.vocabulary, length=self.length), column
        if self.vocabulary == other.vocabulary:
            return other, column
        same = replace(other, vocabulary=self.vocabulary, counts=self.counts)
        if self.rule == SUBWORDS:  # one of them may be several of the others
            text = other.decode(np.concatenate([column[:1, 0], column[:, 1:].ravel()]))
            numbers = self.encode(text)
            if len(numbers) <= other.length:
                raise UserError(
                    f"by the vocabulary of the model the text has {len(numbers):,} {self._unit}, "
                    f"too few for a sequence of {other.length} and the next one: give more text"
                )
            return same, rows_of(numbers, other.length)
        number = {token: number for number, token in enumerate(self.vocabulary)}
        unknown = number.get(UNKNOWN, 0)
        numbers = np.array([number.get(token, unknown) for token in other.vocabulary], np.int32)
        return same, numbers[column]

    def unlike(self, other):
        if self.kind == other.kind:
            return None
        return f"takes {self.kind}", other.kind

    def check_to_learn(self, recipe, name, column):
        if not self.is_written and self.tokens < 4:
            raise UserError(
                f"{recipe} needs texts of two different words or more, {name} has {self.tokens - 2}"
            )

    def encode(self, text: str) -> np.ndarray:
        """The numbers of the characters, or of the tokens, of a text, `(length,)` of int32.

        Characters beyond the vocabulary have the number of `UNKNOWN`, or 0 if that is none.
        """
        if self.rule == BYTES:
            return np.frombuffer(raw(text), np.uint8).astype(np.int32)
        if self.rule:
            import tensorflow as tf

            with tf.device("CPU"):
                texts = tf.constant([raw(text)])
                return encoded(texts, self.vocabulary, self.rule).flat_values.numpy()
        points = np.frombuffer(self.vocabulary.encode("utf-32-le"), np.uint32)
        order = np.argsort(points)
        codes = np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32)
        found = order[np.searchsorted(points, codes, sorter=order).clip(max=len(points) - 1)]
        unknown = max(self.vocabulary.find(UNKNOWN), 0)
        return np.where(points[found] == codes, found, unknown).astype(np.int32)

    def prompt(self, text: str) -> np.ndarray:
        """The numbers of a text to go on with, `(length,)` of int32, whose first word is one."""
        if self.rule is None:
            return self.encode(text)
        import tensorflow as tf

        with tf.device("CPU"):
            texts = tf.constant([raw(text)])
            (numbers,) = numbers_of_prompts(texts, self.vocabulary, self.rule).numpy()
        return numbers

    def decode(self, numbers: np.ndarray) -> str:
        """The text of some numbers of tokens, in which bytes that are no UTF-8 are replaced."""
        if self.rule == BYTES:
            return bytes(map(int, numbers)).decode("utf-8", "replace")
        between = " " if self.rule == PLAIN else ""
        return between.join(self.vocabulary[number] for number in numbers)

    def lengths(self, column):
        return self._rows(column).row_lengths().numpy() if is_strings(column) else None

    def arrays(self, column):
        if not is_strings(column):
            return (column,)
        texts = [text.encode() for text in column]
        lengths = np.array([len(text) for text in texts], np.int64)
        return np.frombuffer(b"".join(texts), np.uint8), lengths

    def stored_tensor(self, column):
        return self._rows(column) if is_strings(column) else super().stored_tensor(column)

    def given(self, column):
        return padded(self._rows(column)).numpy() if is_strings(column) else column

    def given_tensor(self, rows):
        import tensorflow as tf

        return padded(rows) if isinstance(rows, tf.RaggedTensor) else rows

    def _rows(self, column) -> Any:
        """The numbers of the words of each text, up to the length."""
        import tensorflow as tf

        with tf.device("CPU"):
            texts = tf.constant(list(column), tf.string)
            return encoded(texts, self.vocabulary, self.rule)[:, : self.length]

    def random(self, random, count):
        length = self.length or 6
        shape = (count, length if self.is_written else min(length, 6))
        return random.integers(0, self.tokens, shape, dtype="int32")

    def wanted(self, model, what):
        return (
            f"{model} takes sequences of {self._unit}, (count, length), as whole numbers from 0 to "
            f"{self.tokens - 1}"
        )

    @property
    def is_written(self) -> bool:
        """Whether sequences are parts of one long text, such as one that is to be written."""
        return isinstance(self.vocabulary, str) or self.rule is not None

    @property
    def _unit(self) -> str:
        if isinstance(self.vocabulary, str):
            return "characters"
        return RULES.get(self.rule, "words")

    @property
    def kind(self):
        if isinstance(self.vocabulary, str):
            return "sequences of characters"
        return f"sequences of {self._unit}, such as {self.rule}:NAME" if self.rule else "texts"

    def fits(self, shape):
        if len(shape) != 1 or self.length is None:
            return len(shape) == 1
        return shape[0] == self.length if self.is_written else shape[0] <= self.length

    def wrong(self, values):
        return not_classes(values, self.tokens)


def rows_of(numbers: np.ndarray, length: int) -> np.ndarray:
    """Sequences of so many tokens, each with the one that follows, which begins the next row."""
    return np.lib.stride_tricks.sliding_window_view(numbers, length + 1)[::length]


def raw(text: str) -> bytes:
    """A text in UTF-8; of one that was read from bytes by `surrogateescape` these bytes."""
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return text.encode(errors="replace")


def is_strings(column: Any) -> bool:
    """Whether a column holds strings, and not numbers."""
    return column.dtype == object


def as_strings(name: str, noun: str, values: Any) -> np.ndarray:
    """What a user has as a column of strings; `UserError` if it is none.

    Args:
        name: What messages call the data.
        noun: What they call the strings.
        values: A string, or its bytes in UTF-8, an example.
    """
    wanted = f"{name}: {noun} must be strings, one an example"
    texts = values if isinstance(values, list | tuple) else as_array(name, noun, values)
    if getattr(texts, "ndim", 1) != 1:
        raise UserError(f"{wanted}, got an array of shape {texts.shape}")
    column = np.empty(len(texts), object)
    for row, text in enumerate(texts):
        if not isinstance(text, str | bytes):
            raise UserError(f"{wanted}, got {text!r} in row {row}")
        try:
            column[row] = text.decode() if isinstance(text, bytes) else text
            column[row].encode()
        except UnicodeError as error:
            raise UserError(f"{wanted}, got no UTF-8 in row {row}: {error.reason}") from None
    return column
