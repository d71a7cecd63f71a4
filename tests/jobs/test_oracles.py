"""The oracles of searches, with objectives that nobody has to train for."""

import contextlib
import io
import math
import types

import keras_tuner
import numpy as np
import pytest
from keras_tuner.engine.trial import TrialStatus

from amalthea.jobs.search.bayesian import BayesianOracle
from amalthea.jobs.search.grid import GridOracle
from amalthea.jobs.search.scores import best_first, bounded


def space(hp):
    """A learning rate, a width, and the number of layers, each of which has a choice."""
    rate = hp.Float("rate", 1e-5, 1e-1, sampling="log", default=1e-3)
    width = hp.Int("width", 2, 64, sampling="log", default=8)
    depth = hp.Int("depth", 1, 2)
    with hp.conditional_scope("depth", [2]):
        if depth == 2:
            hp.Choice("second", ["a", "b"])
    return rate, width, depth


def error(hp):
    """Least at a rate of 1e-3, width 16 and depth 2; None, of a failed trial, above 1e-2."""
    rate, width, depth = space(hp)
    if rate > 1e-2:
        return None
    return math.log10(rate / 1e-3) ** 2 + math.log2(width / 16) ** 2 / 4 + 0.5 * (depth == 1)


def small(hp):
    depth = hp.Int("depth", 1, 2)
    hp.Choice("activation", ["a", "b", "c"])
    with hp.conditional_scope("depth", [2]):
        if depth == 2:
            hp.Choice("units", [1, 2, 4])
    return 1.0


def make(kind, folder, declare, **options):
    hp = keras_tuner.HyperParameters()
    for depth in (1, 2):
        each = keras_tuner.HyperParameters()
        each.values["depth"] = depth
        declare(each)
        hp.merge(each.space, overwrite=False)
    goal = keras_tuner.Objective("error", "min")
    oracle = kind(
        objective=goal,
        hyperparameters=hp,
        max_trials=100,
        max_consecutive_failed_trials=99,
        **{"seed": 1, **options},
    )
    with contextlib.redirect_stdout(io.StringIO()):
        oracle._set_project_dir(folder, "search")
        if (folder / "search" / "oracle.json").exists():
            oracle.reload()
    oracle.verbose = 0
    return oracle


def finish(oracle, trial, objective):
    found = objective(trial.hyperparameters)
    trial.status = TrialStatus.FAILED if found is None else TrialStatus.COMPLETED
    if found is not None:
        oracle.update_trial(trial.trial_id, {"error": found})
    oracle.end_trial(trial)
    oracle.save()
    return found


def search(oracle, objective, trials):
    """What was proposed, and what was found."""
    proposed, found = [], []
    for _ in range(trials):
        trial = oracle.create_trial("worker")
        if trial.status != TrialStatus.RUNNING:
            break
        found.append(finish(oracle, trial, objective))
        proposed.append(dict(trial.hyperparameters.values))
    return proposed, found


def test_what_fails_is_left_alone_and_the_best_is_found(tmp_path):
    proposed, found = search(make(BayesianOracle, tmp_path, space), error, 24)
    failed = [row for row, value in enumerate(found) if value is None]
    assert sum(row >= 10 for row in failed) <= 3  # a quarter of the range fails
    best = min(value for value in found if value is not None)
    assert best < 0.1
    _, values = search(
        make(keras_tuner.oracles.RandomSearchOracle, tmp_path / "r", space), error, 24
    )
    assert best < min(value for value in values if value is not None)
    assert len({str(sorted(values.items())) for values in proposed}) == 24
    for values in proposed:
        assert isinstance(values["width"], int)
        assert 2 <= values["width"] <= 64
        assert 1e-5 <= values["rate"] <= 1e-1
        assert ("second" in values) == (values["depth"] == 2)


@pytest.mark.slow
def test_where_large_values_are_better_it_goes_up(tmp_path):
    oracle = make(BayesianOracle, tmp_path, space)
    oracle.objective = keras_tuner.Objective("error", "max")
    _, found = search(oracle, lambda hp: None if (e := error(hp)) is None else -e, 25)
    assert max(value for value in found if value is not None) > -0.2


def test_a_resumed_search_makes_the_same_proposals(tmp_path):
    whole, _ = search(make(BayesianOracle, tmp_path / "a", space), error, 14)
    first, _ = search(make(BayesianOracle, tmp_path / "b", space), error, 11)
    rest, _ = search(make(BayesianOracle, tmp_path / "b", space), error, 3)
    assert first + rest == whole


def test_workers_that_wait_together_get_different_proposals(tmp_path):
    oracle = make(BayesianOracle, tmp_path, space)
    search(oracle, error, 10)
    trials = [oracle.create_trial(f"worker {number}") for number in range(4)]
    known = oracle._known
    rates = np.log10([trial.hyperparameters.values["rate"] for trial in trials])
    widths = np.log2([trial.hyperparameters.values["width"] for trial in trials])
    apart = np.hypot(*(np.subtract.outer(of, of) for of in (rates, widths)))
    depths = [trial.hyperparameters.values["depth"] for trial in trials]
    same = np.equal.outer(depths, depths) & ~np.eye(4, dtype=bool)
    assert not same.any() or apart[same].min() > 0.02
    assert oracle._known is known  # once for all of them


def test_if_all_has_failed_it_goes_on_at_random(tmp_path):
    proposed, found = search(
        make(BayesianOracle, tmp_path, space), lambda hp: space(hp) and None, 12
    )
    assert len(proposed) == 12
    assert set(found) == {None}


@pytest.mark.parametrize("done", [1, 4, 8, 11])
def test_a_grid_goes_on_where_it_was(tmp_path, done):
    whole, _ = search(make(GridOracle, tmp_path / "a", small), small, 99)
    assert len(whole) == 3 + 3 * 3
    assert len({str(sorted(values.items())) for values in whole}) == len(whole)
    first, _ = search(make(GridOracle, tmp_path / "b", small), small, done)
    oracle = make(GridOracle, tmp_path / "b", small)
    oracle.create_trial("worker")  # and is killed while this one is under way
    rest, _ = search(make(GridOracle, tmp_path / "b", small), small, 99)
    assert first + rest == whole


@pytest.mark.parametrize("sign", [1, -1])
def test_outliers_and_failures_are_as_the_worst_that_is_left(sign):
    scores = [1.0, 2.0, 3.0, 4.0, 1000.0, math.nan, None]
    trials = [types.SimpleNamespace(status="COMPLETED", score=s and sign * s) for s in scores]
    trials.append(types.SimpleNamespace(status="FAILED", score=sign * 1.0))
    found = sign * bounded(trials, "min" if sign == 1 else "max")
    low, high = np.percentile(scores[:5], [25, 75])
    worst = high + 1.5 * (high - low)
    np.testing.assert_allclose(found, [1, 2, 3, 4, worst, worst, worst, worst])
    best = best_first(trials, "min" if sign == 1 else "max")
    assert [trial.score for trial in best] == [sign * s for s in scores[:5]]
