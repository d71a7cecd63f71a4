"""Words of texts, the same ones in data and inside of an exported model.

Of texts that have a class, and of those whose words become vectors, only the words count, in lower
case. Of those that are to be written all does: their tokens, one after another, are the text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf

# What stands for nothing, behind the end of a text, and for words beyond a vocabulary.
PADDING, UNKNOWN = "", "\N{REPLACEMENT CHARACTER}"
# Words are found by their hashes, of so many different ones: constants, where a table of strings
# would be a resource, which a server has to initialise.
HASHES = 2**62
# Rules by which a text to be written is cut into tokens, which have the space before them: into
# words, marks and ends of lines; or at spaces alone, of a text that has been cut by others.
RULES = {
    "words": r"\n| ?(?:[\pL\pM\pN_]+(?:['\x{2019}][\pL\pM\pN]+)*|[^\s\pL\pM\pN_])",
    "tokens": r"\n| \S+",
}
# The rule by which a text is cut into its words alone, in lower case, as `words` does.
PLAIN = "plain"
# What stands for unknown words in texts that have been cut by others.
RARE = "<unk>"
# How words were written: their letters, shown on two of them, and the mark behind.
CASES, MARKS = ("xx", "Xx", "XX"), ("", *",.:;?!")
WRITTEN = tuple(case + mark for case in CASES for mark in MARKS)
# What tokens are marked with.
CUT = "\x1f"


def unit_of(rule: str) -> str:
    """What messages call the tokens of a rule."""
    return "plain words" if rule == PLAIN else rule


def words(texts) -> tf.RaggedTensor:
    """The words of texts, `(texts, words)`: runs of letters and digits, in lower case.

    Apostrophes do not divide a word, and are left out.

    Args:
        texts: A tensor of strings, or strings.
    """
    import tensorflow as tf

    texts = tf.strings.lower(texts, encoding="utf-8")
    texts = tf.strings.regex_replace(texts, "['\N{RIGHT SINGLE QUOTATION MARK}]", "")
    return tf.strings.split(tf.strings.regex_replace(texts, r"[^\pL\pM\pN]+", " "))


def tokens(texts, rule: str) -> tf.RaggedTensor:
    """The tokens of texts by a rule, `(texts, tokens)`; one after another they are the text.

    Several spaces are one, there are none beside the end of a line, and none at the end.

    Args:
        texts: A tensor of strings, or strings.
        rule: One of `RULES`; or `PLAIN`, for their words alone.
    """
    import tensorflow as tf

    if rule == PLAIN:
        return words(texts)

    def replace(pattern: str, by: str):
        return tf.strings.regex_replace(texts, pattern, by)

    texts = replace(r"[^\S\n]+", " ")
    texts = replace(r" ?\n ?", "\n")
    if rule == "tokens":
        texts = replace(r" ?(\S+)", r" \1")
    return tf.strings.split(replace(f"({RULES[rule]})", rf"\1{CUT}"), CUT)[:, :-1]


def vocabulary_of(texts: Sequence[str], size: int, rule: str | None = None) -> tuple[str, ...]:
    """The most frequent words of texts, after `PADDING` and `UNKNOWN`; or the tokens of a rule.

    These come after `UNKNOWN`, and there is no padding among them.

    Args:
        texts: The texts.
        size: How many tokens there are at the most, with these two.
        rule: One of `RULES`, for texts that are to be written; `PLAIN` for one that is read on and
            on.
    """
    import tensorflow as tf

    with tf.device("CPU"):
        texts = tf.constant(list(texts), tf.string)
        found = tokens(texts, rule) if rule else words(texts)
    counts = Counter(found.flat_values.numpy().tolist())
    first = (UNKNOWN,) if rule else (PADDING, UNKNOWN)
    counts.pop(f" {RARE}".encode(), None)
    frequent = sorted(counts, key=lambda word: (-counts[word], word))[: size - len(first)]
    return *first, *(word.decode() for word in frequent)


def are_tokens(values: Any, *first: str) -> bool:
    """Whether values can be a vocabulary: strings, all different, with `UNKNOWN` among them.

    Args:
        values: Anything.
        *first: What they must begin with.
    """
    return (
        isinstance(values, tuple | list)
        and all(isinstance(token, str) for token in values)
        and len(set(values)) == len(values)
        and tuple(values[: len(first)]) == first
        and UNKNOWN in values
    )


def numbers_of(found: tf.RaggedTensor, vocabulary: Sequence[str]) -> tf.RaggedTensor:
    """The numbers of words, `(texts, words)` of int32, that of `UNKNOWN` for unknown ones.

    Args:
        found: The words.
        vocabulary: Those that have numbers, in their order.
    """
    import tensorflow as tf

    with tf.init_scope():  # they are constants where a graph is made
        known = tf.strings.to_hash_bucket_fast(list(vocabulary), HASHES).numpy()
    order = np.argsort(known).astype("int32")
    hashes = tf.strings.to_hash_bucket_fast(found.flat_values, HASHES)
    place = tf.minimum(tf.searchsorted(known[order], hashes), len(order) - 1)
    unknown = vocabulary.index(UNKNOWN)
    numbers = tf.where(tf.gather(known[order], place) == hashes, tf.gather(order, place), unknown)
    return found.with_flat_values(numbers)


def numbers_of_prompts(texts, vocabulary: Sequence[str], rule: str) -> tf.Tensor:
    """The numbers of the tokens of texts, `(texts, longest)` of int32, −1 beyond the end.

    What a text begins with may be known with a space before it alone: it is taken for that then.

    Args:
        texts: A tensor of strings, or strings.
        vocabulary: The tokens that have numbers, in their order.
        rule: One of `RULES`.
    """
    import tensorflow as tf

    numbers, after_a_space = (
        numbers_of(tokens(each, rule), vocabulary).to_tensor(-1)
        for each in (texts, tf.strings.join([" ", texts]))
    )
    first = tf.range(tf.shape(numbers)[1]) == 0
    unknown = numbers == vocabulary.index(UNKNOWN)
    return tf.where(first & unknown, after_a_space, numbers)


def padded(numbers: tf.RaggedTensor) -> tf.Tensor:
    """Rows of numbers as a matrix, of one column at the least, filled up by 0."""
    import tensorflow as tf

    matrix = numbers.to_tensor()
    return tf.pad(matrix, [[0, 0], [0, tf.maximum(0, 1 - tf.shape(matrix)[1])]])
