"""Strings in endpoints: their tokens to numbers and back, inside of a graph of TensorFlow."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...data.features import words
from ...data.features.line import END, MARKS, START
from ...errors import UserError
from ..endpoint import Numbers


@dataclass(frozen=True)
class KnownTexts(Numbers):
    """Strings, for a model that knows what its numbers stand for.

    Attributes:
        vocabulary: The argument of its recipe that says it.
    """

    vocabulary: str = "vocabulary"

    def input(self, model, name):
        arguments = model.origin.arguments
        if not words.is_known(arguments[self.vocabulary], arguments.get("rule")):
            raise UserError(
                "the vocabulary of the model is a number: to take strings it must have the words"
            )
        return super().input(model, name)


Texts = KnownTexts((None,), "string")
# Characters of a word after the first, at the most.
LONGEST_WORD = 10_000


def to_numbers(strings, vocabulary: str | Sequence[str] | int, rule: str | None = None):
    """The numbers of the tokens of strings, `(batch, longest)` of int32, −1 beyond the end.

    Characters beyond the vocabulary are its replacement character, or its first one.

    Args:
        strings: The strings, `(batch,)`.
        vocabulary: Characters, or tokens; of bytes their number.
        rule: By which one of `words.RULES` strings are cut into tokens.
    """
    import tensorflow as tf

    if rule:
        return words.numbers_of_prompts(strings, vocabulary, rule)
    codes = tf.strings.unicode_decode(strings, "UTF-8").to_tensor(-1)
    points, order = _points(vocabulary)
    place = tf.minimum(tf.searchsorted(points, tf.reshape(codes, [-1])), len(points) - 1)
    known = tf.gather(points, place) == tf.reshape(codes, [-1])
    unknown = max(vocabulary.find("\N{REPLACEMENT CHARACTER}"), 0)
    numbers = tf.reshape(tf.where(known, tf.gather(order, place), unknown), tf.shape(codes))
    return tf.where(codes < 0, -1, numbers)


def to_number(strings, vocabulary: Sequence[str], rule: str):
    """The numbers of strings that are one token each, `(batch,)` of int32; of others that of none.

    Args:
        strings: The strings, `(batch,)`.
        vocabulary: Tokens, the first of which stands for those beyond it.
        rule: By which one of `words.RULES` strings are cut into tokens.
    """
    import tensorflow as tf

    found = words.encoded(strings, vocabulary, rule)
    first = tf.pad(found.to_tensor(0), [[0, 0], [0, 1]])[:, 0]
    return tf.where(found.row_lengths() == 1, first, 0)


def to_words(numbers, vocabulary: Sequence[str]):
    """The words that have these numbers, strings in the same shape."""
    import tensorflow as tf

    return tf.gather(list(vocabulary), numbers)


def begun(numbers, start: int):
    """Rows of numbers, those without any begun with one number, and which these are."""
    import tensorflow as tf

    empty = tf.reduce_all(numbers < 0, axis=1)
    numbers = tf.pad(numbers, [[0, 0], [0, 1]], constant_values=-1)
    first = tf.where(empty, start, numbers[:, 0])
    return tf.concat([first[:, None], numbers[:, 1:]], axis=1), empty


def without_first(numbers, which):
    """Rows of numbers, some without their first, in whose place there is −1."""
    import tensorflow as tf

    first = tf.where(which, -1, numbers[:, 0])
    return tf.concat([first[:, None], numbers[:, 1:]], axis=1)


def to_strings(numbers, vocabulary: str | Sequence[str] | int, rule: str | None = None):
    """The strings, `(batch,)`, of rows of numbers; those below 0 stand for nothing."""
    import tensorflow as tf

    rows = tf.ragged.boolean_mask(numbers, numbers >= 0)
    if rule:
        return words.decoded(rows, vocabulary, rule)
    points = np.array([ord(character) for character in vocabulary], "int32")
    return tf.strings.unicode_encode(tf.gather(points, rows), "UTF-8")


def to_line_numbers(strings, vocabulary: str):
    """The numbers of strings as `Line` gives them, `(batch, longest + 2)` of int32."""
    import tensorflow as tf

    found = to_numbers(strings, vocabulary[MARKS:])
    count = tf.reduce_sum(tf.cast(found >= 0, tf.int32), axis=1, keepdims=True)
    numbers = tf.pad(tf.where(found >= 0, found + MARKS, 0), [[0, 0], [1, 1]])
    places = tf.range(tf.shape(numbers)[1])[None]
    return tf.where(places == 0, START, tf.where(places == count + 1, END, numbers))


def to_line_strings(numbers, vocabulary: str):
    """The strings, `(batch,)`, of numbers as `Line` gives them."""
    import tensorflow as tf

    return to_strings(tf.where(numbers >= MARKS, numbers - MARKS, -1), vocabulary[MARKS:])


def _points(vocabulary: str) -> tuple[np.ndarray, np.ndarray]:
    """The code points of a vocabulary in ascending order, and the numbers that they have."""
    points = np.array([ord(character) for character in vocabulary], "int32")
    order = np.argsort(points).astype("int32")
    return points[order], order


def labelled(found, labels, names: Sequence[str]):
    """Texts of words with their classes: as these say that they were written, or `word/class`.

    Args:
        found: The words, `(batch, words)`, a ragged tensor.
        labels: A number of a class for each word, `(batch, longest)`.
        names: The names of the classes; `words.WRITTEN` say how words were written.
    """
    import tensorflow as tf

    labels = tf.RaggedTensor.from_tensor(labels, found.row_lengths()).flat_values
    word = found.flat_values
    if names == words.WRITTEN:
        case, mark = labels // len(words.MARKS), labels % len(words.MARKS)
        first = tf.strings.upper(tf.strings.substr(word, 0, 1, "UTF8_CHAR"), "utf-8")
        capital = first + tf.strings.substr(word, 1, LONGEST_WORD, "UTF8_CHAR")
        word = tf.where(case == words.CASES.index("Xx"), capital, word)
        upper = tf.strings.upper(found.flat_values, "utf-8")
        word = tf.where(case == words.CASES.index("XX"), upper, word)
        word = word + tf.gather(list(words.MARKS), mark)
    else:
        word = word + "/" + tf.gather(list(names), labels)
    return tf.strings.reduce_join(found.with_flat_values(word), axis=1, separator=" ")
