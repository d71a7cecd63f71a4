"""A lower bound of the log-likelihood of a deep belief net."""

from collections.abc import Sequence

import numpy as np
from scipy.special import entr, expit

from ..layers import RBM
from .partition import log_likelihood, weights_of


def belief_net_bound(
    machines: Sequence[RBM],
    visible: np.ndarray,
    log_partition: float,
    *,
    samples: int = 10,
    seed: int = 0,
) -> np.ndarray:
    """Lower bound of the log-probability of visible states under a stack of machines.

    The top machine gives the states of its visible units a probability, every machine below gives
    its visible units one given its hidden units, and the factorial posteriors of the way up are
    the approximating distribution. With one machine it is the log-likelihood.

    Args:
        machines: Built machines, the lowest first.
        visible: Binary states, `(batch, visible)`.
        log_partition: log Z of the top machine, exact or estimated.
        samples: How often the hidden states of each row are drawn.
        seed: Seed of those states.

    Returns:
        `(batch,)`, in nats: an estimate of the bound without bias.

    Reference:
        Salakhutdinov & Murray 2008, "On the Quantitative Analysis of Deep Belief Networks":
        https://doi.org/10.1145/1390156.1390266
    """
    *below, top = machines
    random = np.random.default_rng(seed)
    bounds = np.zeros(len(visible))
    for _ in range(samples if below else 1):
        states = np.asarray(visible, "float64")
        for machine in below:
            states, bound = features_and_bound(machine, states, random)
            bounds += bound
        bounds += log_likelihood(top, states, log_partition)
    return bounds / (samples if below else 1)


def features_and_bound(
    machine: RBM, visible: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """What one machine adds to the bound.

    Returns:
        States of its hidden units, `(batch, hidden)`, drawn given the visible ones; and
        `log p(v | h)` plus the entropy of the hidden units, `(batch,)`.
    """
    kernel, visible_biases, hidden_bias = weights_of(machine)
    hidden, entropies = drawn_features(expit(visible @ kernel + hidden_bias), random)
    inputs = hidden @ kernel.T + visible_biases
    return hidden, (visible * inputs - np.logaddexp(0, inputs)).sum(-1) + entropies


def drawn_features(means: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """States of hidden units, `(batch, units)`, from their means, and the entropies, `(batch,)`."""
    states = (random.random(means.shape) < means).astype("float64")
    return states, (entr(means) + entr(1 - means)).sum(-1)
