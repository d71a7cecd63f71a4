"""Bayesian optimization that learns from failed trials, and proposes for many workers at once."""

import warnings
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import keras_tuner
import numpy as np
from keras_tuner.engine.trial import TrialStatus
from scipy.optimize import minimize
from scipy.stats import norm
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from .scores import bounded, score_of
from .tuner import OracleTuner

# Candidates for a proposal: at random, and around each of the best trials.
CANDIDATES, BEST, AROUND = 1000, 5, 80
# By how much of its range a number is moved there, about.
STEPS = (0.01, 0.04, 0.15)
# Trials that the process is fitted to, at the most: the best and the latest of them, half of each.
MOST = 200
# A probability beyond which a number would lie above its range.
LAST = 1 - 1e-6


class _Known(NamedTuple):
    """What proposals follow from: all that depends on the trials that have ended alone."""

    count: tuple[int, int]
    points: np.ndarray
    scores: np.ndarray
    middle: float
    process: GaussianProcessRegressor
    candidates: list[dict[str, Any]]
    encoded: np.ndarray


class BayesianOracle(keras_tuner.oracles.BayesianOptimizationOracle):
    """KerasTuner's oracle of a Gaussian process, with another way to a proposal.

    A few random trials come first, failed ones included. Then a Gaussian process over all that has
    ended is asked for the candidate with the largest expected improvement. A failed trial counts as
    the worst, so that what fails is left alone; a trial under way counts as a middling one, so that
    no two workers get the same; what has been tried is not proposed again. The process is fitted
    once to what has ended, and proposals made in a row reuse it. A search that is resumed makes the
    same proposals.

    Args:
        num_initial_points: Random trials in the beginning; 2 more than there are hyperparameters,
            but at most 10, if not given.
        **kwargs: Arguments of KerasTuner's oracle: `objective`, `max_trials`, `seed`, ….

    Reference:
        Snoek, Larochelle & Adams 2012, "Practical Bayesian Optimization of Machine Learning
        Algorithms": https://arxiv.org/abs/1206.2944
    """

    def __init__(self, *args, num_initial_points: int | None = None, **kwargs):
        super().__init__(*args, num_initial_points=num_initial_points, **kwargs)
        self._known: _Known | None = None

    def populate_space(self, trial_id):
        space = self._nonfixed_space()
        ended = [self.trials[name] for name in self.end_order]
        first = self.num_initial_points or min(10, 2 + len(space))
        if len(self.trials) < first or all(score_of(trial) is None for trial in ended):
            return self._random_populate_space()
        known = self._learnt(ended)
        process, points = known.process, known.points
        over = set(self.end_order)
        running = [trial for name, trial in self.trials.items() if name not in over]
        if running:
            lies = [self._encoded(trial.hyperparameters.values) for trial in running]
            points = np.concatenate([points, lies])
            middling = np.full(len(running), known.middle)
            process = _given(process.kernel_, points, np.append(known.scores, middling))
        improvement = _expected_improvement(process, points, known.encoded)
        for row in np.argsort(-improvement, kind="stable"):
            if not self._duplicate(known.candidates[row]):
                return {"status": TrialStatus.RUNNING, "values": known.candidates[row]}
        return self._random_populate_space()

    def _learnt(self, ended: list) -> "_Known":
        """What follows from the trials that have ended, once for all proposals until the next."""
        count = (len(ended), len(self.hyperparameters.space))
        if self._known is None or self._known.count != count:
            # To be made small; a failed trial is as the worst.
            sign = -1 if self.objective.direction == "max" else 1
            scores = sign * bounded(ended, self.objective.direction)
            chosen = _chosen(scores)
            points = np.array([self._encoded(ended[row].hyperparameters.values) for row in chosen])
            best = [ended[row].hyperparameters.values for row in np.argsort(scores)[:BEST]]
            random = np.random.default_rng((self.seed, len(ended)))
            candidates = list(self._candidates(random, best))
            self._known = _Known(
                count,
                points,
                scores[chosen],
                float(np.median(scores)),
                _fitted(points, scores[chosen]),
                candidates,
                np.array([self._encoded(values) for values in candidates]),
            )
        return self._known

    def _candidates(self, random: np.random.Generator, best: list) -> Iterator[dict[str, Any]]:
        """Values at random, and some near those of the best trials."""
        space = self._nonfixed_space()
        for row in random.random((CANDIDATES, len(space))):
            yield self._values(row)
        for values in best:
            centre = np.array([hp.value_to_prob(values.get(hp.name, hp.default)) for hp in space])
            for _ in range(AROUND):
                moved = random.random(len(space)) < max(0.3, 1 / len(space))
                steps = random.choice(STEPS) * random.standard_normal(len(space))
                yield self._values(centre + moved * steps)

    def _values(self, probabilities) -> dict[str, Any]:
        """The values of the hyperparameters that are active at a point of the unit cube."""
        values, given = {}, iter(np.clip(probabilities, 0, LAST))
        for hp in self.hyperparameters.space:
            fixed = isinstance(hp, keras_tuner.engine.hyperparameters.Fixed)
            value = hp.value if fixed else hp.prob_to_value(next(given))
            if all(condition.is_active(values) for condition in hp.conditions):
                values[hp.name] = value
        return values

    def _encoded(self, values: Mapping[str, Any]) -> list[float]:
        """Numbers in [0, 1] for the process: classes without order are one-hot."""
        encoded: list[float] = []
        for hp in self._nonfixed_space():
            value = values.get(hp.name, hp.default)
            if isinstance(hp, keras_tuner.engine.hyperparameters.Choice) and not hp.ordered:
                encoded += [float(value == other) for other in hp.values]
            else:
                encoded.append(hp.value_to_prob(value))
        return encoded


class Bayesian(OracleTuner):
    """KerasTuner's tuner with a `BayesianOracle`.

    Args:
        *args: Arguments of `OracleTuner`.
        **kwargs: The same, by name.
    """

    oracle_class = BayesianOracle


def _chosen(scores: np.ndarray) -> np.ndarray:
    """Rows of the trials to fit to, in order: all, or the best and the latest."""
    if len(scores) <= MOST:
        return np.arange(len(scores))
    best = np.argsort(scores, kind="stable")[: MOST // 2]
    others = np.setdiff1d(np.arange(len(scores)), best)
    return np.sort(np.concatenate([best, others[-(MOST - len(best)) :]]))


def _fit(negative_likelihood, start, bounds):
    """The most probable parameters of a kernel, nearly, given what is known of such beforehand.

    Known is that its variance is about that of the scores, that no scale is far below or above the
    range, and that the noise is small.

    Args:
        negative_likelihood: From the logarithms of the parameters (variance, a length scale for
            each dimension, noise) to the negative log-likelihood of the scores, and its gradient.
        start: Where to begin.
        bounds: Between which values to stay.
    """

    def negative_posterior(logs):
        value, gradient = negative_likelihood(logs)
        variance, noise = np.exp(logs[0]), np.exp(logs[-1])
        squares = np.exp(2 * logs[1:-1])
        # Of densities Gamma(2, 1) and Gamma(1.1, 30), and one that keeps scales from both ends.
        value += variance - logs[0] + 30 * noise - 0.1 * logs[-1]
        value += 0.1 * np.sum(squares + 1 / squares)
        prior = [variance - 1, *(0.2 * (squares - 1 / squares)), 30 * noise - 0.1]
        return value, gradient + prior

    found = minimize(
        negative_posterior,
        start,
        method="L-BFGS-B",
        jac=True,
        bounds=bounds,
        options={"maxiter": 60},
    )
    return found.x, found.fun


def _fitted(points, scores) -> GaussianProcessRegressor:
    """The process fitted to scores at points."""
    scales = np.full(points.shape[1], 0.5)
    kernel = ConstantKernel(1.0, (0.05, 20.0)) * Matern(scales, (0.05, 20.0), nu=2.5)
    kernel += WhiteKernel(1e-2, (1e-6, 1.0))
    process = GaussianProcessRegressor(kernel, alpha=1e-8, optimizer=_fit, normalize_y=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return process.fit(points, scores)


def _given(kernel, points, scores) -> GaussianProcessRegressor:
    """The process of a known kernel, given scores at points."""
    process = GaussianProcessRegressor(kernel, alpha=1e-8, optimizer=None, normalize_y=True)
    return process.fit(points, scores)


def _expected_improvement(process, known, candidates) -> np.ndarray:
    """By how much each candidate may be better than the best known point, as expected."""
    least = process.predict(known).min()
    mean, deviation = process.predict(candidates, return_std=True)
    scale = process._y_train_std
    noise = process.kernel_.k2.noise_level * scale**2
    deviation = np.sqrt(np.maximum(deviation**2 - noise, (1e-6 * scale) ** 2))
    z = (least - mean) / deviation
    return (least - mean) * norm.cdf(z) + deviation * norm.pdf(z)
