"""One trial of a search, the same wherever it is done: plain values in, figures and weights out."""

import copy
import functools
import gc
import json
import math
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np

from ...data import Examples
from ...errors import UserError
from ...recipes import Recipe, get_recipe
from ..inputs import adopted

# What a trial leaves in its folder, by the names that KerasTuner reads.
WEIGHTS, BUILD = "checkpoint.weights.h5", "build_config.json"
# Lines of an error that say where in a graph it arose, and not what it was.
_WHERE = ("File ", "[[{{node", "Detected at node", "Graph execution error", "<stack", "Traceback")
_LONGEST = 300
# With what the reason begins of a trial whose objective is no number.
DIVERGED = "the objective became"


@dataclass(frozen=True)
class Job:
    """What a trial is asked for, in plain values.

    Attributes:
        recipe: Name of the recipe.
        top: How many hyperparameters are tuned, by their rank.
        fixed: Arguments that keep a given value.
        hyperparameters: The configuration of KerasTuner's hyperparameters, the values among it.
        objective: Name and direction of what is optimised.
        epochs: Passes over the training examples.
        initial_epoch: How many of them the trial that this one goes on from has had.
        seed: Seed of the order of examples.
    """

    recipe: str
    top: int | None
    fixed: Mapping[str, Any]
    hyperparameters: Mapping[str, Any]
    objective: tuple[str, str]
    epochs: int
    initial_epoch: int
    seed: int


@dataclass(frozen=True)
class Outcome:
    """What came of a trial.

    Attributes:
        metrics: What its best epoch logged.
        step: Which epoch that was, from 0.
        reason: Why it failed; empty if it has not.
        died: Whether its process has died, so that another attempt may do better.
    """

    metrics: Mapping[str, float] = field(default_factory=dict)
    step: int = 0
    reason: str = ""
    died: bool = False


class NoRoom(Exception):
    """A disk has no room for the weights of a trial."""


def run(
    job: Job,
    sets: Mapping[str, Examples],
    folder: Path,
    *,
    parent: Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    metrics: Sequence[Any] = (),
    limit: float | None = None,
    report: Callable[[int, str, float], None] = lambda *_: None,
) -> Outcome:
    """Do a trial.

    Args:
        job: What is asked for.
        sets: The training and validation examples, as `prepared` gives them.
        folder: Where the weights of the best epoch are written to.
        parent: Weights to begin with.
        callbacks: Callbacks of `fit`, copied for this trial.
        metrics: Metrics beside those of the recipe.
        limit: Seconds after which the trial is ended, at the end of a batch.
        report: Called after each epoch with its number, the name of a figure and its value.

    Returns:
        The outcome; an error of the trial's is one, too.

    Raises:
        NoRoom: If the disk has no room for the weights.
    """
    policy = keras.config.dtype_policy()
    keras.backend.clear_session()  # which forgets the policy, too
    keras.config.set_dtype_policy(policy)
    gc.collect()
    try:
        return _run(job, sets, folder, parent, callbacks, metrics, limit, report)
    except NoRoom:
        raise
    except Exception as error:
        return Outcome(reason=in_one_line(error))


def _run(job, sets, folder, parent, callbacks, metrics, limit, report) -> Outcome:
    folder.mkdir(parents=True, exist_ok=True)
    # KerasTuner changes what it is given.
    hp = keras_tuner.HyperParameters.from_config(copy.deepcopy(job.hyperparameters))
    hypermodel = get_recipe(job.recipe).hypermodel(top=job.top, metrics=metrics, **job.fixed)
    model = hypermodel.build(hp)
    if parent is not None:
        model.load_weights(parent)
    name, direction = job.objective
    own = [
        _Room(folder),
        keras.callbacks.ModelCheckpoint(
            folder / WEIGHTS,
            monitor=name,
            mode=direction,
            save_best_only=True,
            save_weights_only=True,
        ),
        _Report(name, report),
        *([_Limit(limit)] if limit else []),
    ]
    history = hypermodel.fit(
        hp,
        model,
        functools.partial(sets["train"].batches, seed=job.seed),
        validation_data=functools.partial(sets["validation"].batches, shuffle=False),
        epochs=job.epochs,
        initial_epoch=job.initial_epoch,
        callbacks=[*copied(callbacks), *own],
        verbose=0,
    )
    (folder / BUILD).write_text(json.dumps(model.get_build_config()))
    logged = history.history
    values = np.asarray(logged[name], float)
    if not np.isfinite(values).any():
        return Outcome(reason=f"{DIVERGED} {values[-1]}")
    sign = 1 if direction == "min" else -1
    best = int(np.argmin(np.where(np.isfinite(values), sign * values, math.inf)))
    figures = {key: float(column[best]) for key, column in logged.items() if len(column) > best}
    return Outcome(figures, int(history.epoch[best]))


def prepared(
    recipe: Recipe, fixed: Mapping[str, Any], sets: Mapping[str, Examples]
) -> dict[str, Examples]:
    """The columns that a recipe learns from, in the numbers of its models."""
    arguments = {p.name: p.default for p in recipe.parameters} | fixed
    features = recipe.features(arguments)
    return {split: recipe.task.select(adopted(features, part)) for split, part in sets.items()}


def copied(callbacks: Sequence[keras.callbacks.Callback]) -> list[keras.callbacks.Callback]:
    """Copies of callbacks, so that no trial goes on with what another left in them.

    Raises:
        UserError: If one cannot be copied.
    """
    copies = []
    for callback in callbacks:
        try:
            copies.append(copy.deepcopy(callback))
        except Exception as error:
            kind = type(callback).__name__
            raise UserError(
                f"each trial has copies of the callbacks, and {kind} cannot be copied: {error}"
            ) from error
    return copies


def in_one_line(error: BaseException) -> str:
    """What an error says, without where it arose."""
    lines = [line.strip() for line in str(error).splitlines()]
    said = " ".join(line for line in lines if line and not line.startswith(_WHERE))
    kind = "" if isinstance(error, UserError) else type(error).__name__
    said = ": ".join(part for part in (kind, said) if part)
    return said if len(said) <= _LONGEST else f"{said[: _LONGEST - 1]}…"


class _Room(keras.callbacks.Callback):
    """Ends a search where the disk has no room for a checkpoint: HDF5 would crash the process."""

    def __init__(self, folder: Path):
        super().__init__()
        self.folder = folder

    def on_epoch_end(self, epoch, logs=None):
        variables = (*self.model.weights, *self.model.optimizer.variables)
        size = 2**16 + sum(8 * math.prod(variable.shape) for variable in variables)
        try:
            with tempfile.TemporaryFile(dir=self.folder) as file:
                file.write(bytes(size))
        except OSError as error:
            raise NoRoom(os.strerror(error.errno)) from error


class _Report(keras.callbacks.Callback):
    """Says how far a trial is."""

    every_stage = True

    def __init__(self, objective: str, report: Callable[[int, str, float], None]):
        super().__init__()
        self.objective = objective
        self.report = report

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        name = self.objective if self.objective in logs else "loss"
        self.report(epoch + 1, name, float(logs.get(name, math.nan)))


class _Limit(keras.callbacks.Callback):
    """Ends a trial that takes too long."""

    every_stage = True

    def __init__(self, seconds: float):
        super().__init__()
        self.seconds = seconds
        self.start = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        if time.monotonic() - self.start > self.seconds:
            raise UserError(too_long(self.seconds))


def too_long(seconds: float) -> str:
    """That a trial took too long, in words."""
    return f"it took longer than {seconds:g} s"
