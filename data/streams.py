"""The parts of a text in an order in which each batch goes on with the one before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf


def stream_order(count: int, rows: int) -> np.ndarray:
    """The order in which each row of a batch goes on with that of the batch before.

    As many streams as a batch has rows, each a run of parts that follow each other; the last parts
    are left out if they are too few for one more batch.

    Args:
        count: How many parts there are.
        rows: How many of them make a batch.
    """
    steps = count // rows
    return np.arange(rows * steps).reshape(rows, steps).T.ravel()


def rows_for_most(count: int, rows: int) -> int:
    """Rows of a batch, as many as given or up to a half fewer, that leave out the fewest parts.

    Args:
        count: How many parts there are.
        rows: Rows of a batch at the most.
    """
    rows = min(rows, count)
    return min(range(max(1, -(-rows // 2)), rows + 1), key=lambda each: (count % each, -each))


def streams(arrays: Sequence[np.ndarray], rows: int) -> tf.data.Dataset:
    """Batches of the rows of arrays, which are parts of a text in their order, in that order."""
    import tensorflow as tf

    order = stream_order(len(arrays[0]), rows)
    parts = tuple(np.asarray(array)[order] for array in arrays)
    parts = tf.data.Dataset.from_tensor_slices(parts if len(parts) > 1 else parts[0])
    return parts.batch(rows, drop_remainder=True)
