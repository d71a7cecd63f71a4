"""Symmetric weights between units, one number for each pair."""

import numpy as np
from keras import ops


class Pairs:
    """The pairs of units that are joined, and their weights as a vector or as a matrix.

    Args:
        units: Number of units.
        connections: `(units, units)`, symmetric, other than 0 where two units are joined; None
            where each is joined to every other. No unit is joined to itself.
    """

    def __init__(self, units: int, connections=None):
        joined = np.ones((units, units)) if connections is None else np.asarray(connections)
        first, second = np.nonzero(np.triu(joined, 1))
        self.count = len(first)
        self._pairs = first * units + second
        self._places = np.zeros((units, units), "int32")  # 0 is no weight at all
        self._places[first, second] = self._places[second, first] = np.arange(1, self.count + 1)

    def matrix(self, vector):
        """The symmetric `(units, units)` of a `(count,)`."""
        return ops.take(ops.concatenate([ops.zeros_like(vector[:1]), vector]), self._places)

    def vector(self, matrix):
        """The `(count,)` of a symmetric `(units, units)`."""
        return ops.take(ops.reshape(matrix, (-1,)), self._pairs)
