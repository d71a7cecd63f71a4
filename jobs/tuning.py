"""Search a recipe's hyperparameters with KerasTuner, in a run folder that survives a kill."""

import contextlib
import copy
import functools
import hashlib
import io
import math
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import keras_tuner
from rich.console import Console

from ..callbacks import Measurement
from ..checks import check_count, check_seed
from ..data import Examples, Fingerprint
from ..errors import UserError
from ..recipes import Recipe, get_recipe
from ..recipes.search import plain
from .curves import draw_trials
from .files import replacing, write_json
from .inputs import READ, Source, check_unchanged, features_of, read_sets, source_of
from .precision import checked, computing_in
from .run import Run, refuse_existing
from .search.bayesian import Bayesian
from .search.driver import search
from .search.grid import Grid
from .search.narrowing import defaults, narrowed_by
from .search.progress import Screen, short
from .search.record import (
    Snapshot,
    ended,
    restore,
    rows_of,
    trials_in,
    write_rows,
)
from .search.report import page
from .search.scores import best_first, score_of
from .search.trial import Job, copied, prepared
from .search.workers import Execution, Here, Remote, Workers
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
    horizon: int | None = None,
    vocabulary_size: int | None = None,
    in_memory: bool | None = None,
    skip_damaged: bool = False,
    precision: str | None = None,
    seed: int = 0,
    from_run: str | Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    metrics: Sequence[Any] = (),
    workers: int = 0,
    cluster: str | None = None,
    cpus_per_trial: int | None = None,
    gpus_per_trial: float = 0,
    trial_limit: float | None = None,
    retries: int = 2,
    force: bool = False,
    verbose: int | None = None,
) -> Run:
    """Search the hyperparameters of a recipe, batch size included, and keep the best model.

    The first trial is the recipe with its defaults, so that the best is never worse (except with
    "hyperband", which draws all its trials), or, after an earlier search, that one's best.

    Trials are done in this process, or by workers that Ray watches: where one dies, its trial is
    done again. A trial of equal hyperparameters and as many threads has the same score wherever it
    is done.

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
        sequence_length: Characters of the sequences that a text is cut into, 50 if not given, or
            other tokens; words of a text with a class, 200; or steps of a series before those to be
            forecast, 168.
        horizon: Steps of a series that are to be forecast; 24 if not given.
        vocabulary_size: Different words of a text that are known at the most, 10,000 if not given,
            or of texts with classes 20,000; or sub-words, 4,000.
        in_memory: Whether pictures and arrays in files are read into memory at once, or row by row
            as they are needed; by their size and the memory that is free if not given. The batches
            are the same.
        skip_damaged: Whether pictures that cannot be read are left out where they are read as they
            are needed; they end the training otherwise.
        precision: "float32", or "mixed_bfloat16" or "mixed_float16": models compute in numbers of
            16 bits then, and keep their weights in those of 32; as Keras is set if not given.
        seed: Seed of the search, of initial weights, and of the order of images.
        from_run: Folder of an earlier search of the recipe: each range is narrowed to where the
            best tenth of its trials lies, 3 of them at the least.
        callbacks: Keras callbacks beside those of the recipe; each trial has copies of them.
        metrics: Keras metrics beside those of the recipe, as `compile` takes them.
        workers: Processes on this machine that do trials side by side; 0 for this process alone.
        cluster: Address of a running Ray cluster, such as `"10.0.0.1:6379"` or `"auto"`, whose
            nodes do the trials instead.
        cpus_per_trial: Processors of a trial, as many threads it has; 1 of a worker, and all that
            there are in this process, if not given.
        gpus_per_trial: GPUs of a worker's trial, or the part of one.
        trial_limit: Seconds after which a trial has failed. In this process it is ended after the
            batch, by a worker at once.
        retries: How often a trial is done again whose process has died.
        force: Whether an earlier run at `out` is replaced.
        verbose: 0 for no line a trial.

    Returns:
        The finished run: `trials.csv`, `best.json`, `curves.png`, `report.html`, and in
        `model.keras` the best model as it was at its best epoch.

    Raises:
        UserError: If an argument or the data cannot be used, or `out` holds something; nothing is
            written then. Also if every trial failed, or the first ones all for the same reason.
    """
    execution = Execution(workers, cluster, cpus_per_trial, gpus_per_trial, trial_limit, retries)
    execution.prepare()
    copied(callbacks)
    entry = get_recipe(recipe)
    out = Path(out)
    refuse_existing(out, force)
    precision = checked(precision)
    epochs = check_count("epochs", entry.epochs if epochs is None else epochs)
    trials = check_count("trials", trials)
    seed = check_seed(seed)
    if strategy not in STRATEGIES:
        raise UserError(f"strategy must be one of {', '.join(STRATEGIES)}, got {strategy!r}")
    check_free(entry, fixed or {})
    untuned = {p.name: p.default for p in entry.parameters}
    if strategy == "hyperband" and entry.schedule and not entry.schedule(untuned).comparable_early:
        raise UserError(
            f"{recipe} is trained in stages, so models cannot be compared after few epochs: "
            "take strategy 'random' or 'bayesian', got 'hyperband'"
        )
    data = entry.data if data is None else data
    source = Source(
        data,
        entry.task.columns,
        image_size=image_size,
        value_range=value_range,
        sequence_length=sequence_length,
        horizon=horizon,
        vocabulary_size=vocabulary_size,
        in_memory=in_memory,
        skip_damaged=skip_damaged or None,
    )
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
        "callbacks": _names(callbacks),
        "metrics": _names(metrics),
        "precision": precision,
    }
    hypermodel = entry.hypermodel(top=top, metrics=metrics, **settings["fixed"])
    if from_run is not None:
        settings["from"] = narrowed_by(Run.open(from_run, "tune"), hypermodel)
    goal = _objective(objective, entry)
    known = source.fingerprint(sets)
    ready = prepared(entry, hypermodel.fixed, sets)
    console = _console(verbose)
    with (
        computing_in(settings["precision"]),
        _workers(settings, known, hypermodel, ready, execution, callbacks) as workers,
    ):
        # Workers import Keras meanwhile.
        arguments = hypermodel.build(keras_tuner.HyperParameters()).origin.arguments
        check_stages(entry, arguments, epochs, len(sets["train"]))
        goal = _checked_objective(goal, hypermodel, sets)
        settings["objective"] = [goal.name, goal.direction]
        workers.check()
        with Run.create(out, settings, known, force=force) as run:
            return _search(run, hypermodel, workers, execution.retries, console)


def resume_search(
    out: str | Path,
    data: Any = None,
    *,
    trials: int | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    metrics: Sequence[Any] = (),
    workers: int = 0,
    cluster: str | None = None,
    cpus_per_trial: int | None = None,
    gpus_per_trial: float = 0,
    trial_limit: float | None = None,
    retries: int = 2,
    accept_changed_data: bool = False,
    verbose: int | None = None,
) -> Run:
    """Go on with an interrupted search; the trials that were under way start anew.

    By whom trials are done may be another from here on.

    Args:
        out: The run folder.
        data: The data anew, where they came from Python, or another place where they are now.
        trials: New number of trials in all; as before if not given.
        callbacks: The callbacks anew, if there were any.
        metrics: The metrics anew, if there were any.
        workers: As in `tune`, as are those that follow.
        cluster: Address of a running Ray cluster.
        cpus_per_trial: Processors of a trial.
        gpus_per_trial: GPUs of a worker's trial.
        trial_limit: Seconds after which a trial has failed.
        retries: How often a trial is done again whose process has died.
        accept_changed_data: Whether to go on with data that are not those of before.
        verbose: As in `tune`.

    Returns:
        The finished run.

    Raises:
        UserError: If `out` is no run of `tune`, or its data have changed.
    """
    execution = Execution(workers, cluster, cpus_per_trial, gpus_per_trial, trial_limit, retries)
    execution.prepare()
    copied(callbacks)
    with Run.resume(out, "tune") as run:
        settings = run.settings
        for name, given in (("callbacks", callbacks), ("metrics", metrics)):
            if (known := settings.get(name, [])) != _names(given):
                raise UserError(
                    f"{run.path} is a search with {name} {', '.join(known) or 'none'}: give them "
                    f"again as {name}=, got {', '.join(_names(given)) or 'none'}"
                )
        entry = get_recipe(settings["recipe"])
        source = source_of(run, entry, data)
        sets = read_sets(entry, source)
        fingerprint, changed = check_unchanged(run, source, sets, accept_changed_data)
        hypermodel = entry.hypermodel(top=settings["top"], metrics=metrics, **settings["fixed"])
        done = restore(run.path)
        if trials is not None:
            settings["trials"] = check_count("trials", trials)
            if trials < done:
                raise UserError(f"trials must be at least {done}, which are done, got {trials}")
        settings |= {"data": source.name, "features": features_of(sets)}
        sets = prepared(entry, hypermodel.fixed, sets)
        console = _console(verbose)
        with (
            computing_in(settings.get("precision")),
            _workers(settings, fingerprint, hypermodel, sets, execution, callbacks) as workers,
        ):
            workers.check()
            run.save(fingerprint if changed else None)
            return _search(run, hypermodel, workers, execution.retries, console)


def _console(verbose: int | None) -> Console:
    """Where the search is shown, though the standard output be silent."""
    return Console(quiet=verbose == 0, file=sys.stdout)


def _search(run: Run, hypermodel, workers: Workers, retries: int, console: Console) -> Run:
    settings = run.settings
    tuner = _tuner(run, hypermodel)
    oracle, objective = tuner.oracle, tuner.oracle.objective
    snapshot = Snapshot(run.path)
    if oracle.end_order:  # what a kill has left unsaid
        _write_table(run, oracle, snapshot)
    screen = Screen(console, _expected(tuner, settings["trials"]), len(oracle.end_order))
    try:
        with screen:
            search(
                tuner,
                functools.partial(_job, settings, hypermodel),
                workers,
                retries=retries,
                ended=functools.partial(_after_trial, run, tuner, screen, snapshot),
                screen=screen,
            )
    except UserError:
        if oracle.end_order:
            _draw(run)
        raise
    good = best_first(ended(oracle), objective.direction)
    if not good:
        _draw(run)
        rows = rows_of(oracle)
        reasons = sorted({row["reason"] for row in rows})
        raise UserError(f"all {len(rows)} trials failed: {'; '.join(reasons)}")
    best = good[0]
    arguments = hypermodel.build(best.hyperparameters).origin.arguments
    run.settings["arguments"] = dict(arguments)
    run.settings["batch_size"] = hypermodel.batch_size(best.hyperparameters)
    write_json(
        run.path / "best.json",
        {
            "trial": best.trial_id,
            "objective": objective.name,
            "score": score_of(best),
            "epoch": best.best_step + 1,
            "batch_size": run.settings["batch_size"],
            "arguments": run.settings["arguments"],
        },
    )
    run.save()
    _draw(run)
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


def _tuner(run: Run, hypermodel) -> keras_tuner.Tuner:
    """KerasTuner's tuner of a search, which goes on where it was if it has begun."""
    settings = run.settings
    strategy, trials, epochs = (settings[key] for key in ("strategy", "trials", "epochs"))
    limits = {"max_epochs": epochs} if strategy == "hyperband" else {"max_trials": trials}
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # KerasTuner says that it reloads
            tuner = STRATEGIES[strategy](
                hypermodel,
                keras_tuner.Objective(*settings["objective"]),
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
    oracle = tuner.oracle
    oracle.max_trials, oracle.verbose = trials, 0
    first = hypermodel.defaults()
    if earlier := settings.get("from"):
        # KerasTuner changes what it is given.
        space = keras_tuner.HyperParameters.from_config(copy.deepcopy(earlier["space"]))
        oracle.hyperparameters, oracle.tune_new_entries = space, False
        first = defaults(space)
    if strategy not in ("hyperband", "grid"):  # of which the second does so by itself
        _begin_with(oracle, first)
    return tuner


def _begin_with(oracle: keras_tuner.Oracle, values: Mapping[str, Any]) -> None:
    """Let the first trial have these values."""
    draw = oracle.populate_space

    def populate_space(trial_id):
        if oracle.trials:
            return draw(trial_id)
        return {"status": "RUNNING", "values": dict(values)}

    oracle.populate_space = populate_space


def _job(settings: Mapping[str, Any], hypermodel, trial) -> Job:
    """What a trial is asked for; Hyperband says in its values how far it goes."""
    values = trial.hyperparameters.values
    return Job(
        recipe=settings["recipe"],
        top=settings["top"],
        fixed=hypermodel.fixed,
        hyperparameters=trial.hyperparameters.get_config(),
        objective=tuple(settings["objective"]),
        epochs=values.get("tuner/epochs", settings["epochs"]),
        initial_epoch=values.get("tuner/initial_epoch", 0),
        seed=settings["seed"],
    )


@contextlib.contextmanager
def _workers(
    settings: Mapping[str, Any],
    fingerprint: Fingerprint,
    hypermodel,
    sets: Mapping[str, Examples],
    execution: Execution,
    callbacks: Sequence[keras.callbacks.Callback],
) -> Iterator[Workers]:
    """Who does the trials."""
    extra = (callbacks, hypermodel.metrics)
    if execution.remote:
        source = {name: plain(settings[name]) for name in ("data", *READ)}
        wanted = {
            "recipe": settings["recipe"],
            "fixed": hypermodel.fixed,
            "source": source,
            "fingerprint": fingerprint.summary(),
        }
        given = sets if settings["data"] is None else None
        with Remote(execution, wanted, given, *extra) as workers:
            yield workers
        return
    yield Here(sets, execution, *extra)


def _expected(tuner, trials: int) -> int:
    """How many trials there will be, at the most."""
    oracle = tuner.oracle
    if not isinstance(oracle, keras_tuner.oracles.HyperbandOracle):
        return trials
    brackets = range(oracle._get_num_brackets())
    sizes = [
        oracle._get_size(bracket, rung)
        for bracket in brackets
        for rung in range(oracle._get_num_rounds(bracket))
    ]
    return min(trials, sum(sizes))


def _names(things: Sequence[Any]) -> list[str]:
    """What callbacks and metrics are called."""
    return [
        thing if isinstance(thing, str) else getattr(thing, "name", None) or _kind(thing)
        for thing in things
    ]


def _kind(thing: Any) -> str:
    return getattr(thing, "__name__", type(thing).__name__)


def _spread(seed: int) -> int:
    """A seed for KerasTuner, whose searches of neighbouring seeds are the same ones shifted."""
    return 1 + int.from_bytes(hashlib.blake2b(str(seed).encode(), digest_size=4).digest()) // 2


def _write_table(run: Run, oracle, snapshot: Snapshot) -> list[dict[str, Any]]:
    """Put on disk what has ended, safe from a kill; gives the rows of the table."""
    snapshot.take(oracle)
    rows = rows_of(oracle)
    write_rows(run.path / "trials.csv", rows)
    return rows


def _after_trial(run: Run, tuner, screen: Screen, snapshot: Snapshot, trial) -> None:
    """Print the trial's line and put its result on disk."""
    rows = _write_table(run, tuner.oracle, snapshot)
    row = next(row for row in rows if row["trial"] == trial.trial_id)
    values = " ".join(f"{k}={short(v)}" for k, v in trial.hyperparameters.values.items())
    name = tuner.oracle.objective.name
    result = row["reason"] or f"{name} {short(row['score'])}"
    screen.say(
        f"trial {trial.trial_id}  {result}  {values}  ({len(rows)}/{tuner.oracle.max_trials})"
    )


def report(out: str | Path) -> Path:
    """Write the report of a search, finished or not.

    Args:
        out: The run folder.

    Returns:
        `report.html` in it: a page that needs nothing else.

    Raises:
        UserError: If `out` is no run of `tune`, or no trial has ended.
    """
    run = Run.open(out, "tune")
    trials = trials_in(run.path)
    if not trials:
        raise UserError(f"{run.path} has no trial that has ended: there is nothing to report")
    with replacing(run.path / "report.html") as aside:
        aside.write_text(page(run.settings, trials, run.path))
    return run.path / "report.html"


def _draw(run: Run) -> None:
    """Draw what the trials found."""
    name, direction = run.settings["objective"]
    trials = trials_in(run.path)
    scores = [score_of(trial) for trial in trials]
    with replacing(run.path / "curves.png") as aside:
        numbers = [math.nan if score is None else score for score in scores]
        draw_trials(numbers, name, direction, aside)
    report(run.path)


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
    batches = [task.select(sets[split].first(2)).batches(2) for split in ("train", "validation")]
    callbacks = []
    if recipe.objective.measured:
        few = task.arrays(sets["validation"].first(100).in_memory())
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
