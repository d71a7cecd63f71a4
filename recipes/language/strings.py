"""Strings in endpoints: characters to numbers and back, inside of a graph of TensorFlow."""

import numpy as np


def to_numbers(strings, vocabulary: str):
    """The numbers of the characters of strings, `(batch, longest)` of int32, −1 beyond the end.

    Characters beyond the vocabulary are its replacement character, or its first one.
    """
    import tensorflow as tf

    codes = tf.strings.unicode_decode(strings, "UTF-8").to_tensor(-1)
    points, order = _points(vocabulary)
    place = tf.minimum(tf.searchsorted(points, tf.reshape(codes, [-1])), len(points) - 1)
    known = tf.gather(points, place) == tf.reshape(codes, [-1])
    unknown = max(vocabulary.find("\N{REPLACEMENT CHARACTER}"), 0)
    numbers = tf.reshape(tf.where(known, tf.gather(order, place), unknown), tf.shape(codes))
    return tf.where(codes < 0, -1, numbers)


def to_strings(numbers, vocabulary: str):
    """The strings, `(batch,)`, of rows of numbers; those below 0 stand for nothing."""
    import tensorflow as tf

    points = np.array([ord(character) for character in vocabulary], "int32")
    rows = tf.ragged.boolean_mask(numbers, numbers >= 0)
    return tf.strings.unicode_encode(tf.gather(points, rows), "UTF-8")


def _points(vocabulary: str) -> tuple[np.ndarray, np.ndarray]:
    """The code points of a vocabulary in ascending order, and the numbers that they have."""
    points = np.array([ord(character) for character in vocabulary], "int32")
    order = np.argsort(points).astype("int32")
    return points[order], order
