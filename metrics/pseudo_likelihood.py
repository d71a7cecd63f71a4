"""The pseudo-log-likelihood of a restricted Boltzmann machine, exact over all units."""

import numpy as np

from ..layers import RBM
from .partition import weights_of

# Rows whose flips of every unit are computed at once.
ROWS = 256


def pseudo_log_likelihood(rbm: RBM, visible: np.ndarray) -> np.ndarray:
    """Mean over the visible units of the log-probability of each given all others.

    Unlike the likelihood it needs no partition function. It is normalised by the number of units:
    0 is the best, and −log 2 what guessing gives.

    Args:
        rbm: A built machine with binary units.
        visible: Binary states, `(batch, visible)`.

    Returns:
        `(batch,)`, in nats for each unit.

    Reference:
        Besag 1975, "Statistical Analysis of Non-Lattice Data": https://doi.org/10.2307/2987782
    """
    kernel, biases, hidden_bias = weights_of(rbm)
    visible = np.asarray(visible, "float64")
    sums = np.empty(len(visible))
    for first in range(0, len(visible), ROWS):
        rows = visible[first : first + ROWS]
        inputs = rows @ kernel + hidden_bias
        own = np.logaddexp(0, inputs).sum(-1)
        total = np.zeros(len(rows))
        for unit, (weights, bias) in enumerate(zip(kernel, biases, strict=True)):
            flip = 1 - 2 * rows[:, unit]
            flipped = np.logaddexp(0, inputs + flip[:, None] * weights).sum(-1)
            total -= np.logaddexp(0, flip * bias + flipped - own)
        sums[first : first + ROWS] = total
    return sums / len(biases)
