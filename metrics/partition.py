"""The partition function of a restricted Boltzmann machine: exact, annealed, and from above."""

import functools
from dataclasses import dataclass

import numpy as np
from keras import ops
from scipy.special import log1p, logsumexp

from ..errors import UserError
from ..layers import RBM
from ..layers.seed_stream import SeedStream
from .compiled import Compiled

ENUMERABLE = 20
CHUNK = 2**12

# Salakhutdinov & Murray: a tenth of the temperatures below 0.5, four tenths from there to 0.9.
SCHEDULE = ((0.0, 0.5, 0.1), (0.5, 0.9, 0.4), (0.9, 1.0, 0.5))


@dataclass(frozen=True)
class Annealed:
    """An estimate by annealed importance sampling.

    Attributes:
        log_partition: The estimate of log Z, in nats.
        standard_error: Its standard error in nats, from the spread of the chains' weights.
        visible: The chains' last states, `(chains, visible)`, drawn again by their weights: samples
            of the model where the chains started at the base-rate model.
    """

    log_partition: float
    standard_error: float
    visible: np.ndarray


def exact_log_partition(rbm: RBM) -> float:
    """The logarithm of the partition function, by enumeration.

    Args:
        rbm: A built machine with at most 20 hidden units, or at most 20 binary visible ones.

    Returns:
        log Z, in nats.

    Raises:
        UserError: If there are too many units to enumerate.
    """
    kernel, visible_bias, hidden_bias = weights_of(rbm)
    visible, hidden = kernel.shape
    if hidden <= ENUMERABLE:
        terms = [
            states @ hidden_bias + _sum_over_visible(rbm, states @ kernel.T, visible_bias)
            for states in _binary_states(hidden)
        ]
    elif rbm.visible_units == "bernoulli" and visible <= ENUMERABLE:
        terms = [
            states @ visible_bias + np.logaddexp(0, states @ kernel + hidden_bias).sum(-1)
            for states in _binary_states(visible)
        ]
    else:
        raise UserError(
            f"the exact partition function needs at most {ENUMERABLE} units on one binary side, "
            f"got {visible} visible and {hidden} hidden ones"
        )
    return float(logsumexp(np.concatenate(terms)))


def annealed_importance_sampling(
    rbm: RBM,
    means: np.ndarray | None = None,
    *,
    chains: int = 100,
    temperatures: int = 10_000,
    seed: int = 0,
) -> Annealed:
    """Estimate the partition function by annealing from a model without interactions.

    On average log Z is estimated too low, never too high.

    Args:
        rbm: A built machine.
        means: Mean of each visible unit in the data, `(visible,)`: the base-rate model, which the
            chains start at. The closer to the data, the better; uniform where not given.
        chains: Number of chains.
        temperatures: Number of temperatures between the base-rate model and the machine.
        seed: Seed of the chains.

    Returns:
        The estimate.

    Reference:
        Salakhutdinov & Murray 2008, "On the Quantitative Analysis of Deep Belief Networks":
        https://doi.org/10.1145/1390156.1390266
    """
    base = _Base(rbm, means)
    start = base.draw(chains, np.random.default_rng(seed))
    log_weights, visible = _anneal(rbm, base, _temperatures(temperatures), start, seed)
    weights = np.exp(log_weights - log_weights.max())
    drawn = np.random.default_rng(seed).choice(chains, chains, p=weights / weights.sum())
    return Annealed(
        base.log_partition + _log_mean(log_weights), _standard_error(weights), visible[drawn]
    )


def reverse_annealed_importance_sampling(
    rbm: RBM,
    visible: np.ndarray,
    means: np.ndarray | None = None,
    *,
    temperatures: int = 10_000,
    seed: int = 0,
) -> Annealed:
    """Estimate the partition function by annealing samples of the machine to the base-rate model.

    On average log Z is estimated too high, never too low, if `visible` are samples of the machine:
    with `annealed_importance_sampling` it brackets the true value. The last states of the forward
    chains are such samples only where those chains find all of the machine's modes; a machine with
    a mode that they miss is then misjudged in both directions.

    Args:
        rbm: A built machine.
        visible: Samples of the machine, `(chains, visible)`: the `visible` of a forward estimate.
        means: As in `annealed_importance_sampling`.
        temperatures: Number of temperatures.
        seed: Seed of the chains.

    Returns:
        The estimate.

    Reference:
        Grosse, Ghahramani & Adams 2015, "Sandwiching the Marginal Likelihood Using Bidirectional
        Monte Carlo": https://arxiv.org/abs/1511.02543
    """
    base = _Base(rbm, means)
    order = _temperatures(temperatures)[::-1]
    log_weights, visible = _anneal(rbm, base, order, np.asarray(visible, "float32"), seed)
    weights = np.exp(log_weights - log_weights.max())
    return Annealed(base.log_partition - _log_mean(log_weights), _standard_error(weights), visible)


def log_likelihood(rbm: RBM, visible: np.ndarray, log_partition: float) -> np.ndarray:
    """Log-probability of visible states.

    Args:
        rbm: A built machine.
        visible: `(batch, visible)`.
        log_partition: log Z, exact or estimated.

    Returns:
        `(batch,)`, in nats.
    """
    kernel, visible_bias, hidden_bias = weights_of(rbm)
    visible = np.asarray(visible, "float64")
    softplus = np.logaddexp(0, visible @ kernel + hidden_bias).sum(axis=-1)
    if rbm.visible_units == "bernoulli":
        return visible @ visible_bias + softplus - log_partition
    return softplus - np.square(visible - visible_bias).sum(axis=-1) / 2 - log_partition


class _Base:
    """The model without interactions whose visible units have given means."""

    def __init__(self, rbm: RBM, means: np.ndarray | None):
        kernel, _, _ = weights_of(rbm)
        visible, hidden = kernel.shape
        self.binary = rbm.visible_units == "bernoulli"
        if means is None:
            means = np.full(visible, 0.5 if self.binary else 0.0)
        means = np.asarray(means, "float64")
        if means.shape != (visible,):
            raise UserError(f"means must have the shape ({visible},), got {means.shape}")
        if self.binary:
            self.means = np.clip(means, 1e-3, 1 - 1e-3)
            self.bias = np.log(self.means) - log1p(-self.means)
            log_visible = np.logaddexp(0, self.bias).sum()
        else:
            self.means = self.bias = means
            log_visible = visible / 2 * np.log(2 * np.pi)
        self.log_partition = hidden * np.log(2) + log_visible

    def draw(self, count: int, random: np.random.Generator) -> np.ndarray:
        shape = (count, len(self.means))
        if self.binary:
            return (random.random(shape) < self.means).astype("float32")
        return (self.means + random.standard_normal(shape)).astype("float32")


def _anneal(rbm: RBM, base: _Base, temperatures: np.ndarray, visible: np.ndarray, seed: int):
    """Log weights and last states of chains through the models at `temperatures`, in order."""
    given = (temperatures, base.bias.astype("float32"), visible)
    log_weights, states = _annealing(
        rbm, base.binary, len(temperatures) - 1, seed
    ).predict_on_batch(given)
    return np.asarray(log_weights, "float64"), np.asarray(states)


# A machine that is measured after each epoch is not traced anew.
@functools.lru_cache(maxsize=1)
def _annealing(rbm: RBM, binary: bool, steps: int, seed: int) -> Compiled:
    def own_term(states, bias):
        if binary:
            return ops.matmul(states, bias)
        return -ops.sum(ops.square(states - bias), axis=-1) / 2

    def loop(temperatures, base_bias, visible):
        bias = rbm.visible_biases

        def step(index, chain):
            states, log_weights = chain
            cold, warm = temperatures[index], temperatures[index + 1]
            hidden_input = rbm.hidden_input(states)
            log_weights += (warm - cold) * (own_term(states, bias) - own_term(states, base_bias))
            log_weights += ops.sum(
                ops.softplus(warm * hidden_input) - ops.softplus(cold * hidden_input), axis=-1
            )
            seeds = SeedStream(seed, 2 * index)
            hidden = rbm.draw_hidden(ops.sigmoid(warm * hidden_input), seeds)
            inputs = warm * (ops.matmul(hidden, ops.transpose(rbm.kernel)) + bias)
            inputs += (1 - warm) * base_bias
            mean = ops.sigmoid(inputs) if binary else inputs
            return rbm.draw_visible(mean, seeds), log_weights

        start = (visible, ops.zeros_like(visible[:, 0]))
        states, log_weights = ops.fori_loop(0, steps, step, start)
        return log_weights, states

    compiled = Compiled(loop)
    compiled.machine = rbm  # so that its weights are read anew in each call
    return compiled


def _temperatures(count: int) -> np.ndarray:
    parts = [np.linspace(a, b, round(share * count), endpoint=False) for a, b, share in SCHEDULE]
    return np.append(np.concatenate(parts), 1.0).astype("float32")


def weights_of(rbm: RBM) -> list[np.ndarray]:
    """Kernel, visible and hidden biases in double precision."""
    if rbm.hidden_units != "bernoulli" or rbm.softmax:
        raise UserError(
            "likelihoods are of machines with binary hidden units and without softmax groups, "
            f"{rbm.name} has {rbm.hidden_units} hidden units and softmax={rbm.softmax}"
        )
    weights = (rbm.kernel, rbm.visible_biases, rbm.hidden_bias)
    return [ops.convert_to_numpy(weight).astype("float64") for weight in weights]


def _binary_states(units: int):
    """All states of binary units, in chunks `(count, units)`."""
    bits = np.arange(units)
    for first in range(0, 2**units, CHUNK):
        numbers = np.arange(first, min(first + CHUNK, 2**units))
        yield (numbers[:, None] >> bits & 1).astype("float64")


def _sum_over_visible(rbm: RBM, inputs: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """`log Σ_v` or `log ∫ dv` of `exp(−E)` without the hidden biases, for each hidden state."""
    if rbm.visible_units == "bernoulli":
        return np.logaddexp(0, inputs + bias).sum(axis=-1)
    gauss = inputs.shape[-1] / 2 * np.log(2 * np.pi)
    return gauss + (inputs @ bias) + np.square(inputs).sum(axis=-1) / 2


def _log_mean(log_weights: np.ndarray) -> float:
    return float(logsumexp(log_weights) - np.log(len(log_weights)))


def _standard_error(weights: np.ndarray) -> float:
    return float(weights.std(ddof=1) / weights.mean() / np.sqrt(len(weights)))
