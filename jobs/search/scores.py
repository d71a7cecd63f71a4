"""Scores of trials, some of which have none."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np


def score_of(trial: Any) -> float | None:
    """The trial's score; None if it failed or diverged."""
    finished = trial.status == "COMPLETED" and trial.score is not None
    return trial.score if finished and math.isfinite(trial.score) else None


def best_first(trials: Sequence[Any], direction: str) -> list[Any]:
    """Those of some trials that have a score, the best first.

    Args:
        trials: The trials.
        direction: Whether small scores are better, `"min"`, or large ones, `"max"`.
    """
    good = [trial for trial in trials if score_of(trial) is not None]
    return sorted(good, key=score_of, reverse=direction == "max")


def bounded(trials: Sequence[Any], direction: str) -> np.ndarray:
    """The scores of trials without the worst outliers; what has none has the worst that is left.

    Outliers are beyond the upper quartile by more than 1.5 times the range of the middle half.

    Args:
        trials: The trials.
        direction: Whether small scores are better, `"min"`, or large ones, `"max"`.
    """
    scores = [score_of(trial) for trial in trials]
    sign = 1 if direction == "min" else -1
    known = sign * np.array([score for score in scores if score is not None], float)
    if not len(known):
        return np.zeros(len(scores))
    low, high = np.percentile(known, [25, 75])
    worst = min(known.max(), high + 1.5 * (high - low))
    return sign * np.array([worst if s is None else min(sign * s, worst) for s in scores])
