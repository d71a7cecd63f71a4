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


def begun(numbers, vocabulary: str):
    """Rows of numbers, those without any begun with the end of a line, and which these are.

    A vocabulary without an end of a line has its first character in place of that.
    """
    import tensorflow as tf

    start = max(vocabulary.find("\n"), 0)
    empty = tf.reduce_all(numbers < 0, axis=1)
    numbers = tf.pad(numbers, [[0, 0], [0, 1]], constant_values=-1)
    first = tf.where(empty, start, numbers[:, 0])
    return tf.concat([first[:, None], numbers[:, 1:]], axis=1), empty


def without_first(numbers, which):
    """Rows of numbers, some without their first, in whose place there is −1."""
    import tensorflow as tf

    first = tf.where(which, -1, numbers[:, 0])
    return tf.concat([first[:, None], numbers[:, 1:]], axis=1)


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
