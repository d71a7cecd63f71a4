"""Words of texts, the same ones in data and inside of an exported model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf

# What stands for nothing, behind the end of a text, and for words beyond a vocabulary.
PADDING, UNKNOWN = "", "\N{REPLACEMENT CHARACTER}"
# Words are found by their hashes, of so many different ones: constants, where a table of strings
# would be a resource, which a server has to initialise.
HASHES = 2**62


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


def vocabulary_of(texts: Sequence[str], size: int) -> tuple[str, ...]:
    """The most frequent words of texts, after `PADDING` and `UNKNOWN`.

    Args:
        texts: The texts.
        size: How many tokens there are at the most, with these two.
    """
    import tensorflow as tf

    with tf.device("CPU"):
        counts = Counter(words(tf.constant(list(texts), tf.string)).flat_values.numpy().tolist())
    frequent = sorted(counts, key=lambda word: (-counts[word], word))[: size - 2]
    return PADDING, UNKNOWN, *(word.decode() for word in frequent)


def numbers_of_words(texts, vocabulary: Sequence[str]) -> tf.RaggedTensor:
    """The numbers of the words of texts, `(texts, words)` of int32, that of `UNKNOWN` for others.

    Args:
        texts: A tensor of strings, or strings.
        vocabulary: The words, in the order of their numbers.
    """
    import tensorflow as tf

    with tf.init_scope():  # they are constants where a graph is made
        known = tf.strings.to_hash_bucket_fast(list(vocabulary), HASHES).numpy()
    order = np.argsort(known).astype("int32")
    found = words(texts)
    hashes = tf.strings.to_hash_bucket_fast(found.flat_values, HASHES)
    place = tf.minimum(tf.searchsorted(known[order], hashes), len(order) - 1)
    unknown = vocabulary.index(UNKNOWN)
    numbers = tf.where(tf.gather(known[order], place) == hashes, tf.gather(order, place), unknown)
    return found.with_flat_values(numbers)


def padded(numbers: tf.RaggedTensor) -> tf.Tensor:
    """Rows of numbers as a matrix, of one column at the least, filled up by 0."""
    import tensorflow as tf

    matrix = numbers.to_tensor()
    return tf.pad(matrix, [[0, 0], [0, tf.maximum(0, 1 - tf.shape(matrix)[1])]])
