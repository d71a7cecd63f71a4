"""KerasTuner's ways of searching and ours, which propose hyperparameters and are told results."""

import contextlib
import io
import tempfile
from collections.abc import Iterator
from pathlib import Path

import keras_tuner
from keras_tuner.engine.trial import TrialStatus
from search_objectives import EPOCHS

from amalthea.jobs.search import BayesianOracle
from amalthea.jobs.search.narrowing import narrowed

# Of seeds that KerasTuner's random numbers are to share nothing of.
APART = 10_007


def space(objective) -> keras_tuner.HyperParameters:
    """All hyperparameters, those of the deepest net included."""
    hp = keras_tuner.HyperParameters()
    for depth in (1, 4):
        each = keras_tuner.HyperParameters()
        each.values["depth"] = depth
        objective(each)
        hp.merge(each.space, overwrite=False)
    return hp


def made(kind, folder, hyperparameters, seed: int, **options) -> keras_tuner.Oracle:
    """An oracle of KerasTuner's kind."""
    with contextlib.redirect_stdout(io.StringIO()):
        oracle = kind(
            objective=keras_tuner.Objective("error", "min"),
            hyperparameters=hyperparameters,
            max_consecutive_failed_trials=10**6,
            seed=seed * APART + 1,
            **options,
        )
        oracle._set_project_dir(Path(folder), "search")
    oracle.verbose = 0
    return oracle


def tell(oracle, trial, error: float | None) -> None:
    """Tell an oracle what came of a trial."""
    trial.status = TrialStatus.FAILED if error is None else TrialStatus.COMPLETED
    if error is not None:
        oracle.update_trial(trial.trial_id, {"error": error})
    oracle.end_trial(trial)


Proposals = Iterator[tuple[keras_tuner.HyperParameters, int, int]]


def oracle_of(kind, **options):
    """A contender that is an oracle of KerasTuner's kind."""

    def proposals(objective, seed: int, budget: int) -> Proposals:
        with tempfile.TemporaryDirectory() as folder:
            oracle = made(kind, folder, space(objective), seed, **options)
            while True:
                trial = oracle.create_trial("worker")
                values = trial.hyperparameters.values
                begun, epochs = (
                    values.get(f"tuner/{name}", least)
                    for name, least in (("initial_epoch", 0), ("epochs", EPOCHS))
                )
                tell(oracle, trial, (yield trial.hyperparameters, begun, epochs))

    return proposals


def narrowed_halfway(objective, seed: int, budget: int) -> Proposals:
    """Random search, for the second half of the trials in the space that the first half leaves."""
    whole, seen = space(objective), []
    for part in range(2):
        hp = (
            narrowed(whole, [v for _, v in sorted(seen, key=lambda s: s[0])[:3]]) if part else whole
        )
        with tempfile.TemporaryDirectory() as folder:
            oracle = made(
                keras_tuner.oracles.RandomSearchOracle, folder, hp, 2 * seed + part, max_trials=999
            )
            for _ in range(budget // 2):
                trial = oracle.create_trial("worker")
                error = yield trial.hyperparameters, 0, EPOCHS
                tell(oracle, trial, error)
                if error is not None:
                    seen.append((error, trial.hyperparameters.values))


MANY = {"max_trials": 10**6}
CONTENDERS = {
    "amalthea's `bayesian`": oracle_of(BayesianOracle, **MANY),
    "random search, narrowed halfway by amalthea": narrowed_halfway,
    "KerasTuner's random search": oracle_of(keras_tuner.oracles.RandomSearchOracle, **MANY),
    "KerasTuner's Bayesian optimization": oracle_of(
        keras_tuner.oracles.BayesianOptimizationOracle, **MANY
    ),
    "KerasTuner's Hyperband": oracle_of(
        keras_tuner.oracles.HyperbandOracle, max_epochs=EPOCHS, hyperband_iterations=99
    ),
}
