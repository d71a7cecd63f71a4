"""How good the best model of a search is after so many trials, by each way of searching.

    python benchmarks/search.py [--fast]

The objectives are synthetic (`search_objectives.py`), so that no training hides what a search does.
Optuna's samplers are among the contenders where it is installed: `pip install optuna`.
"""

import contextlib
import importlib.util
import io
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import keras_tuner
from keras_tuner.engine.trial import TrialStatus
from report import parsed, publish_parts, table
from search_objectives import OBJECTIVES, noise

from amalthea.jobs.search.bayesian import BayesianOracle

# Of seeds that KerasTuner's random numbers are to share nothing of.
APART = 10_007


def regret() -> str:
    """By how much the true error of what looked best lies above the least there is."""
    trials, seeds = size((20, 40, 60), (10, 12)), range(size(10, 1))
    rows = []
    for name in CONTENDERS:
        row, slowest = [name], 0.0
        for objective, least in OBJECTIVES.values():
            found, failed = [], []
            for seed in seeds:
                errors, losses, seconds = run(CONTENDERS[name], objective, seed, trials[-1])
                found.append([errors[count - 1] - least for count in trials])
                failed.append(losses)
                slowest = max(slowest, seconds)
            medians = [statistics.median(at) for at in zip(*found, strict=True)]
            row += [" ".join(f"{at:.4f}" for at in medians), f"{statistics.mean(failed):.1f}"]
        rows.append([*row, f"{slowest:.2f}"])
        print(*rows[-1], sep="  ", flush=True)
    header = ["by"]
    for objective in OBJECTIVES:
        header += [f"`{objective}`: regret after {', '.join(map(str, trials))}", "failed"]
    return table([*header, "s a proposal, at most"], rows)


def run(contender, objective, seed: int, trials: int) -> tuple[list[float], int, float]:
    """The true error of what looked best after each trial, failed trials, and the longest wait."""
    best, errors, failed, slowest = (float("inf"), 1.0), [], 0, 0.0
    proposals = contender(objective, seed, trials)
    told = None
    for _ in range(trials):
        start = time.perf_counter()
        hp = proposals.send(told)
        slowest = max(slowest, time.perf_counter() - start)
        error = objective(hp)
        told = None if error is None else error + noise(hp.values, seed)
        failed += told is None
        if told is not None:
            best = min(best, (told, error))
        errors.append(best[1])
    proposals.close()
    return errors, failed, slowest


def space(objective) -> keras_tuner.HyperParameters:
    """All hyperparameters, those of the deepest net included."""
    hp = keras_tuner.HyperParameters()
    for depth in (1, 4):
        each = keras_tuner.HyperParameters()
        each.values["depth"] = depth
        objective(each)
        hp.merge(each.space, overwrite=False)
    return hp


def oracle_of(kind, **options):
    """A contender that is an oracle of KerasTuner's kind."""

    def proposals(objective, seed: int, trials: int) -> Iterator[keras_tuner.HyperParameters]:
        with tempfile.TemporaryDirectory() as folder:
            with contextlib.redirect_stdout(io.StringIO()):
                oracle = kind(
                    objective=keras_tuner.Objective("error", "min"),
                    hyperparameters=space(objective),
                    max_trials=trials,
                    max_consecutive_failed_trials=trials + 1,
                    seed=seed * APART + 1,
                    **options,
                )
                oracle._set_project_dir(Path(folder), "search")
            oracle.verbose = 0
            while True:
                trial = oracle.create_trial("worker")
                error = yield trial.hyperparameters
                trial.status = TrialStatus.FAILED if error is None else TrialStatus.COMPLETED
                if error is not None:
                    oracle.update_trial(trial.trial_id, {"error": error})
                oracle.end_trial(trial)

    return proposals


def sampler_of(name: str, failed: float | None = None):
    """A contender that is a sampler of Optuna, which may be told a bad value of what failed."""

    def proposals(objective, seed: int, trials: int) -> Iterator[keras_tuner.HyperParameters]:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.create_study(sampler=getattr(optuna.samplers, name)(seed=seed))
        while True:
            trial = study.ask()
            hp = Asked(trial)
            error = yield hp
            if error is None and failed is None:
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
            else:
                study.tell(trial, failed if error is None else error)

    return proposals


class Asked:
    """A trial of Optuna that is asked as KerasTuner's hyperparameters are."""

    def __init__(self, trial):
        self.trial = trial
        self.values = {}

    def _known(self, name, draw):
        if name not in self.values:
            self.values[name] = draw()
        return self.values[name]

    def Float(self, name, low, high, sampling="linear", default=None):
        log = sampling == "log"
        return self._known(name, lambda: self.trial.suggest_float(name, low, high, log=log))

    def Int(self, name, low, high, sampling="linear", default=None):
        log = sampling == "log"
        return self._known(name, lambda: self.trial.suggest_int(name, low, high, log=log))

    def Choice(self, name, values, default=None):
        return self._known(name, lambda: self.trial.suggest_categorical(name, values))

    def conditional_scope(self, name, values):
        """Nothing: the objective itself asks for what is there."""
        return contextlib.nullcontext()


CONTENDERS = {
    "amalthea's `bayesian`": oracle_of(BayesianOracle),
    "KerasTuner's random search": oracle_of(keras_tuner.oracles.RandomSearchOracle),
    "KerasTuner's Bayesian optimization": oracle_of(keras_tuner.oracles.BayesianOptimizationOracle),
}
if importlib.util.find_spec("optuna"):
    CONTENDERS |= {
        "Optuna's TPE": sampler_of("TPESampler"),
        "Optuna's GP sampler": sampler_of("GPSampler"),
        "Optuna's GP sampler, told 0.3 of what failed": sampler_of("GPSampler", 0.3),
    }

PARTS = {"regret": regret}

options = parsed(__doc__, PARTS, rounds=1)
size = options.size
publish_parts("search", PARTS, options, timed=[], distributions=("amalthea", "keras-tuner"))
