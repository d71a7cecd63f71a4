"""Search a recipe's hyperparameters with KerasTuner, in a run folder that survives a kill."""

import contextlib
import csv
import functools
import hashlib
import io
import json
import math
import os
import shutil
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import keras
import keras_tuner
from rich.console import Console

from ..callbacks import Measurement
from ..checks import check_count, check_seed
from ..data import Examples
from ..errors import UserError
from ..recipes import Recipe, get_recipe
from .bayesian import Bayesian
from .curves import draw_trials
from .files import replacing, write_json
from .grid import Grid
from .inputs import Source, adopted, check_unchanged, features_of, read_sets, source_of
from .run import Run, refuse_existing
from .training import check_free, check_stages

STRATEGIES = {
    "random": keras_tuner.RandomSearch,
    "bayesian": Bayesian,
    "hyperband": keras_tuner.Hyperband,
    "grid": Grid,
}


def tune(
    recipe: str,
    data: Any = None,
    *,
    out: str | Path,
    trials: int = 20,
    strategy: str = "random",
    epochs: int | None = None,
    top: int | None = None,
    fixed: Mapping[str, Any] | None = None,
    objective: str | None = None,
    image_size: int | tuple[int, int] | None = None,
    value_range: tuple[float, float] | None = None,
    sequence_length: int | None = None,
    seed: int = 0,
    force: bool = False,
    verbose: int | None = None,
) -> Run:
    """Search the hyperparameters of a recipe, batch size included, and keep the best model.

    The first trial is the recipe with its defaults, so that the best is never worse (except with
    "hyperband", which draws all its trials).

    Args:
        recipe: Name of the recipe.
        data: Name of the data set, or data from Python, as `train` takes them; the recipe's own if
            not given.
        out: Run folder to make.
        trials: Number of models to train, at the most.
        strategy: "random", "bayesian", "hyperband" or "grid". A grid goes through all values of
            numbers and choices, the last hyperparameter first, and ends after `trials`.
        epochs: Passes over the training images for each trial, with "hyperband" for those that go
            furthest; the recipe's own number if not given.
        top: Tune only that many hyperparameters, those of the highest rank; the others keep their
            defaults.
        fixed: Arguments of the recipe, and `batch_size`, that keep a given value.
        objective: Name of the logged metric to optimise, with "min:" or "max:" before it where its
            name does not say; the recipe's own if not given. Refused is one that a tuned argument
            changes the meaning of, as the weight of a penalty does that of the loss.
        image_size: Height and width that images are resized to, one number for both.
        value_range: The values of black and white; by what the images hold if not given.
        sequence_length: Characters of the sequences that a text is cut into; 50 if not given.
        seed: Seed of the search, of initial weights, and of the order of images.
        force: Whether an earlier run at `out` is replaced.
        verbose: 0 for no line a trial.

    Returns:
        The finished run: `trials.csv`, `best.json`, `curves.png`, and in `model.keras` the best
        model as it was at its best epoch.

    Raises:
        UserError: If an argument or the data cannot be used, or `out` holds something; nothing is
            written then. Also if every trial failed.
    """
    entry = get_recipe(recipe)
    out = Path(out)
    refuse_existing(out, force)
    epochs = check_count("epochs", entry.epochs if epochs is None else epochs)
    trials = check_count("trials", trials)
    seed = check_seed(seed)
    if strategy not in STRATEGIES:
        raise UserError(f"strategy must be one of {', '.join(STRATEGIES)}, got {strategy!r}")
    check_free(entry, fixed or {})
    defaults = {p.name: p.default for p in entry.parameters}
    if strategy == "hyperband" and entry.schedule and not entry.schedule(defaults).comparable_early:
        raise UserError(
            f"{recipe} is trained in stages, so models cannot be compared after few epochs: "
            "take strategy 'random' or 'bayesian', got 'hyperband'"
        )
    data = entry.data if data is None else data
    source = Source(data, image_size, value_range, sequence_length, entry.task.columns)
    sets = read_sets(entry, source)
    settings = {
        "kind": "tune",
        "recipe": recipe,
        "arguments": {},
        "fixed": {**(fixed or {}), **entry.from_data(sets["train"].features), "seed": seed},
        **source.settings(),
        "features": features_of(sets),
        "epochs": epochs,
        "trials": trials,
        "strategy": strategy,
        "top": top,
        "objective": None,
        "seed": seed,
    }
    hypermodel = entry.hypermodel(top=top, **settings["fixed"])
    arguments = hypermodel.build(keras_tuner.HyperParameters()).origin.arguments
    check_stages(entry, arguments, epochs, len(sets["train"]))
    goal = _checked_objective(_objective(objective, entry), hypermodel, sets)
    settings["objective"] = [goal.name, goal.direction]
    with Run.create(out, settings, source.fingerprint(sets), force=force) as run:
        return _search(run, hypermodel, sets, verbose)


def resume_search(
    out: str | Path,
    data: Any = None,
    *,
    trials: int | None = None,
    accept_changed_data: bool = False,
    verbose: int | None = None,
) -> Run:
    """Go on with an interrupted search; the trial that was under way starts anew.

    Args:
        out: The run folder.
        data: The data anew, where they came from Python, or another place where they are now.
        trials: New number of trials in all; as before if not given.
        accept_changed_data: Whether to go on with data that are not those of before.
        verbose: As in `tune`.

    Returns:
        The finished run.

    Raises:
        UserError: If `out` is no run of `tune`, or its data have changed.
    """
    with Run.resume(out, "tune") as run:
        settings = run.settings
        entry = get_recipe(settings["recipe"])
        source = source_of(run, entry, data)
        sets = read_sets(entry, source)
        fingerprint, changed = check_unchanged(run, source, sets, accept_changed_data)
        hypermodel = entry.hypermodel(top=settings["top"], **settings["fixed"])
        done = _restore_snapshot(run.path)
        if trials is not None:
            settings["trials"] = check_count("trials", trials)
            if trials < done:
                raise UserError(f"trials must be at least {done}, which are done, got {trials}")
        settings |= {"data": source.name, "features": features_of(sets)}
        run.save(fingerprint if changed else None)
        return _search(run, hypermodel, sets, verbose)


def _search(run: Run, hypermodel, sets: Mapping[str, Examples], verbose: int | None) -> Run:
    settings = run.settings
    objective = keras_tuner.Objective(*settings["objective"])
    strategy, trials, epochs = (settings[key] for key in ("strategy", "trials", "epochs"))
    console = Console(quiet=verbose == 0)
    limits = {"max_epochs": epochs} if strategy == "hyperband" else {"max_trials": trials}
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # KerasTuner says that it reloads
            tuner = _journaled(STRATEGIES[strategy])(
                hypermodel,
                objective,
                **limits,
                seed=_spread(settings["seed"]),
                directory=run.path,
                project_name="trials",
                # A failing trial is reported, not the end of the search.
                max_consecutive_failed_trials=trials + 1,
            )
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise UserError(
            f"{run.path / 'trials'} is damaged: its trials cannot be read; begin anew by --force"
        ) from error
    tuner.oracle.max_trials = trials
    if strategy not in ("hyperband", "grid"):  # of which the second does so by itself
        _begin_with_defaults(tuner.oracle, hypermodel)
    tuner.journal = functools.partial(_after_trial, run, tuner, console)
    recipe, defaults = hypermodel.recipe, {p.name: p.default for p in hypermodel.recipe.parameters}
    features = recipe.features({**defaults, **hypermodel.fixed})
    sets = {split: recipe.task.select(adopted(features, part)) for split, part in sets.items()}
    batches = functools.partial(sets["train"].batches, seed=settings["seed"])
    held_out = functools.partial(sets["validation"].batches, shuffle=False)
    length = {} if strategy == "hyperband" else {"epochs": epochs}
    tuner.progress = _Progress(console, objective.name, epochs)
    callbacks = [_Room(run.path), tuner.progress]
    try:
        with tuner.progress:
            tuner.search(
                batches, validation_data=held_out, callbacks=callbacks, verbose=0, **length
            )
    except keras_tuner.errors.FatalError as error:
        raise UserError(f"{run.path}: {error}; make room and go on by --resume") from error

    rows = _rows(tuner)
    _write_rows(run.path / "trials.csv", rows)
    good = [trial for trial in _trials(tuner) if _score(trial) is not None]
    if not good:
        reasons = {row["reason"] for row in rows}
        raise UserError(f"all {len(rows)} trials failed: {'; '.join(sorted(reasons))}")
    best = (min if objective.direction == "min" else max)(good, key=_score)
    arguments = hypermodel.build(best.hyperparameters).origin.arguments
    run.settings["arguments"] = dict(arguments)
    run.settings["batch_size"] = hypermodel.batch_size(best.hyperparameters)
    write_json(
        run.path / "best.json",
        {
            "trial": best.trial_id,
            "objective": objective.name,
            "score": _score(best),
            "epoch": best.best_step + 1,
            "batch_size": run.settings["batch_size"],
            "arguments": run.settings["arguments"],
        },
    )
    with replacing(run.path / "curves.png") as aside:
        scores = [math.nan if row["score"] == "" else row["score"] for row in rows]
        draw_trials(scores, objective.name, objective.direction, aside)
    run.save()
    try:
        model = tuner.load_model(best)
    except (OSError, ValueError) as error:
        reason, *_ = str(error).splitlines()
        raise UserError(
            f"the model of trial {best.trial_id}, the best, is damaged: {reason}; train one as in "
            f"best.json by `amalthea train {settings['recipe']} --best {run.path}`"
        ) from error
    run.save_model(model)  # last: a run with a model is a finished one
    return run


def _spread(seed: int) -> int:
    """A seed for KerasTuner, whose searches of neighbouring seeds are the same ones shifted."""
    return 1 + int.from_bytes(hashlib.blake2b(str(seed).encode(), digest_size=4).digest()) // 2


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
            raise keras_tuner.errors.FatalError(os.strerror(error.errno)) from error


class _Progress(keras.callbacks.Callback):
    """A line in a terminal that says how far the trial is, and goes with the search."""

    def __init__(self, console: Console, objective: str, epochs: int):
        super().__init__()
        self.objective = objective
        self.epochs = epochs
        self.trial = ""
        shown = console.is_terminal and not console.quiet
        self._status = console.status("") if shown else contextlib.nullcontext()

    def __deepcopy__(self, memo):
        return self  # a tuner copies its callbacks for each trial, but the terminal is one

    def __enter__(self):
        self._line = self._status.__enter__()
        return self

    def __exit__(self, *error):
        return self._status.__exit__(*error)

    def say(self, *words: str) -> None:
        """Show how far the trial is."""
        if self._line is not None:
            self._line.update(" ".join((f"trial {self.trial}", *words)))

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        name = self.objective if self.objective in logs else "loss"
        figure = f" {name} {_short(float(logs[name]))}" if name in logs else ""
        self.say(f"epoch {epoch + 1}/{self.epochs}{figure}")


def _journaled(strategy: type[keras_tuner.Tuner]) -> type[keras_tuner.Tuner]:
    """`strategy`, calling the tuner's `journal` after each trial, with its `progress` shown."""

    class Journaled(strategy):
        def on_trial_begin(self, trial):
            super().on_trial_begin(trial)
            self.progress.trial = trial.trial_id
            self.progress.say()

        def on_trial_end(self, trial):
            super().on_trial_end(trial)
            self.oracle.save()  # the state before still has the trial under way
            self.journal(trial)

    return Journaled


def _begin_with_defaults(oracle: keras_tuner.Oracle, hypermodel) -> None:
    """Let the first trial have the recipe's defaults."""
    draw = oracle.populate_space

    def populate_space(trial_id):
        if oracle.trials:
            return draw(trial_id)
        return {"status": "RUNNING", "values": hypermodel.defaults()}

    oracle.populate_space = populate_space


def _after_trial(run: Run, tuner, console: Console, trial) -> None:
    """Print the trial's line and put its result on disk."""
    _snapshot(run.path)
    trial = tuner.oracle.get_trial(trial.trial_id)
    rows = _rows(tuner)
    _write_rows(run.path / "trials.csv", rows)
    row = next(row for row in rows if row["trial"] == trial.trial_id)
    values = " ".join(f"{k}={_short(v)}" for k, v in trial.hyperparameters.values.items())
    name = tuner.oracle.objective.name
    result = row["reason"] or f"{name} {_short(row['score'])}"
    console.print(
        f"trial {trial.trial_id}  {result}  {values}  ({len(rows)}/{tuner.oracle.max_trials})",
        highlight=False,
        soft_wrap=True,
    )


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _trials(tuner) -> list:
    return [tuner.oracle.trials[name] for name in tuner.oracle.end_order]


def _score(trial) -> float | None:
    """The trial's score; None if it failed or diverged."""
    finished = trial.status == "COMPLETED" and trial.score is not None
    return trial.score if finished and math.isfinite(trial.score) else None


def _rows(tuner) -> list[dict[str, Any]]:
    """A row for each finished trial, in order: its result and its hyperparameters."""
    names = [p.name for p in tuner.oracle.get_space().space]
    rows = []
    for trial in _trials(tuner):
        score = _score(trial)
        values = trial.hyperparameters.values
        rows.append(
            {
                "trial": trial.trial_id,
                "status": "failed" if score is None else "completed",
                "score": "" if score is None else score,
                "epoch": "" if score is None else trial.best_step + 1,
                **{name: values.get(name, "") for name in names},
                "reason": _reason(trial) if score is None else "",
            }
        )
    return rows


def _reason(trial) -> str:
    lines = (trial.message or "").strip().splitlines()
    return lines[-1] if lines else f"the objective became {trial.score}"


def _write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    with replacing(path) as aside, aside.open("w", newline="") as file:
        names = dict.fromkeys(name for row in rows for name in row)
        writer = csv.DictWriter(file, list(names))
        writer.writeheader()
        writer.writerows(rows)


def _objective(objective: str | None, recipe: Recipe) -> keras_tuner.Objective:
    """The objective to optimise, its direction still to be found (None) where nobody says it."""
    if objective is None:
        return keras_tuner.Objective(recipe.objective.name, recipe.objective.direction)
    direction, colon, name = objective.rpartition(":")
    if not colon:
        direction = recipe.objective.direction if name == recipe.objective.name else None
    elif direction not in ("min", "max"):
        raise UserError(f"objective must begin with 'min:' or 'max:', got {objective!r}")
    if not name:
        raise UserError(f"objective must name a logged metric, got {objective!r}")
    return keras_tuner.Objective(name, direction)


def _checked_objective(
    objective: keras_tuner.Objective, hypermodel, sets: Mapping[str, Examples]
) -> keras_tuner.Objective:
    """The objective, if one step of training logs it.

    Raises:
        UserError: If it does not, or measures something else in each trial, or it is not known
            whether small or large values are better.
    """
    model = hypermodel.build(keras_tuner.HyperParameters())
    recipe, task = hypermodel.recipe, hypermodel.recipe.task
    batches = [task.select(sets[split]).batches(2).take(1) for split in ("train", "validation")]
    callbacks = []
    if recipe.objective.measured:
        few = task.arrays(sets["validation"].first(100))
        callbacks = [Measurement(recipe.quick_measures, *few)]
    logs = model.fit(
        batches[0],
        validation_data=batches[1],
        epochs=1,
        callbacks=callbacks,
        shuffle=False,
        verbose=0,
    ).history
    if objective.name not in logs:
        if objective.name == recipe.objective.name:
            raise UserError(
                f"{recipe.name} has no {objective.name}, its own objective, with these arguments "
                f"and data: name another one of {', '.join(logs)}"
            )
        raise UserError(
            f"there is no metric {objective.name!r} to optimise; training logs {', '.join(logs)}"
        )
    _check_comparable(objective.name, hypermodel, logs)
    if objective.direction is None:
        name = objective.name.removeprefix("val_")
        if name == "loss" or "error" in name or "crossentropy" in name or "divergence" in name:
            return keras_tuner.Objective(objective.name, "min")
        if name in ("accuracy", "auc", "precision", "recall", "f1_score"):
            return keras_tuner.Objective(objective.name, "max")
        raise UserError(
            f"say whether {objective.name!r} is to be small or large: "
            f"min:{objective.name} or max:{objective.name}"
        )
    return objective


def _check_comparable(name: str, hypermodel, logs: Collection[str]) -> None:
    """Raise `UserError` if `name` does not measure the same in all trials."""
    recipe = hypermodel.recipe
    own = recipe.objective.name
    instead = f"take {own}, the recipe's own" if own in logs and own != name else ""
    if name in recipe.incomparable:
        raise UserError(
            f"{name} says of no {recipe.name} how good it is, so trials cannot be compared by it"
            + (f": {instead}" if instead else "")
        )
    if changing := hypermodel.changing(name):
        fixed = " ".join(f"--fix {argument}=…" for argument in changing)
        raise UserError(
            f"{name} is not comparable between trials, as the search changes "
            f"{' and '.join(changing)}: {instead}{', or ' if instead else ''}keep "
            f"{'it at a value' if len(changing) == 1 else 'them at values'} ({fixed})"
        )


# KerasTuner writes its files in place, so a kill can leave one of them cut. A copy of them, taken
# after each trial and replaced as a whole, is what a search goes on from then.


def _state_files(folder: Path) -> list[Path]:
    trials = folder / "trials"
    return [*trials.glob("*.json"), *trials.glob("trial_*/*.json")]


# What KerasTuner reads of them.
NEEDED = {
    "oracle.json": {"ongoing_trials", "hyperparameters", "start_order", "end_order"},
    "trial.json": {"trial_id", "hyperparameters", "status"},
}


def _state(path: Path) -> dict | None:
    """What a state file holds; None if it is damaged or missing."""
    try:
        state = json.loads(path.read_text())
    except (ValueError, OSError):
        return None
    needed = NEEDED.get(path.name, set())
    return state if isinstance(state, dict) and needed <= state.keys() else None


def _snapshot(folder: Path) -> None:
    state = {str(p.relative_to(folder)): p.read_text() for p in _state_files(folder)}
    write_json(folder / "trials.json", state)


def _restore_snapshot(folder: Path) -> int:
    """If a state file is damaged, put all back as they were after the last whole trial.

    Returns:
        The number of finished trials.

    Raises:
        UserError: If there is no whole copy to put back.
    """
    saved = folder / "trials.json"
    copies = _state(saved) or {}
    paths = {*_state_files(folder), *(folder / name for name in copies)}
    if any(_state(path) is None for path in paths):
        if not copies:
            raise UserError(
                f"{folder / 'trials'} is damaged, and there is no whole copy, {saved}: "
                "begin anew by --force"
            )
        for name, text in copies.items():
            with replacing(folder / name) as aside:
                aside.write_text(text)
        for path in _state_files(folder):
            if str(path.relative_to(folder)) not in copies:
                path.unlink()
    known = _state(folder / "trials" / "oracle.json") or {}
    for path in (folder / "trials").glob("trial_*"):
        # A trial killed before it was on record would be counted and never run.
        if path.name.removeprefix("trial_") not in known.get("start_order", ()):
            shutil.rmtree(path)
    return len(known.get("end_order", ()))
