"""Optuna's samplers, in an environment of their own: figures of one search as JSON.

python search_optuna.py SAMPLER OBJECTIVE SEED BUDGET
"""

import contextlib
import json
import sys

import optuna
from search_objectives import EPOCHS, found

# What a sampler may be told of a failed trial.
BAD = 0.3


def sampler_of(name: str, failed: float | None = None):
    """A contender that is a sampler of Optuna, which may be told a bad value of what failed."""

    def proposals(objective, seed: int, budget: int):
        study = optuna.create_study(sampler=getattr(optuna.samplers, name)(seed=seed))
        while True:
            trial = study.ask()
            error = yield Asked(trial), 0, EPOCHS
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


SAMPLERS = {
    "Optuna's TPE": sampler_of("TPESampler"),
    "Optuna's GP sampler": sampler_of("GPSampler"),
    f"Optuna's GP sampler, told {BAD} of what failed": sampler_of("GPSampler", BAD),
}

if __name__ == "__main__":
    sampler, objective, seed, budget = sys.argv[1:]
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    print(json.dumps(found(SAMPLERS[sampler], objective, int(seed), int(budget))))
