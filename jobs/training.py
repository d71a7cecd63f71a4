"""Train a recipe, in a run folder from which an interrupted training goes on exactly."""

import contextlib
import csv
import itertools
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from ..callbacks import (
    Backup,
    EarlyStopping,
    Measurement,
    Schedule,
    UnitWatch,
)
from ..checks import check_count, check_seed
from ..data import Examples, Fingerprint
from ..errors import UserError
from ..recipes import Recipe, get_recipe
from ..recipes.search import plain
from .curves import draw_log
from .devices import prepare_devices, spread_over
from .files import replacing
from .initial import (
    begin_with,
    check_said,
    freeze_layers,
    read_weights,
    scoring_layers,
)
from .inputs import Source, adopted, check_unchanged, features_of, read_sets, source_of
from .precision import checked, computing_in
from .run import Run, refuse_existing

# Images that are looked at after each epoch.
WATCHED = 1000


def train(
    recipe: str,
    data: Any = None,
    *,
    out: str | Path,
    arguments: Mapping[str, Any] | None = None,
    best: str | Path | None = None,
    initial: str | Path | None = None,
    freeze: str | int = "none",
    epochs: int | None = None,
    batch_size: int | None = None,
    image_size: int | tuple[int, int] | None = None,
    value_range: tuple[float, float] | None = None,
    sequence_length: int | None = None,
    horizon: int | None = None,
    vocabulary_size: int | None = None,
    in_memory: bool | None = None,
    skip_damaged: bool = False,
    precision: str | None = None,
    devices: int | str | None = None,
    early_stopping: int | None = None,
    seed: int = 0,
    force: bool = False,
    tensorboard: bool = False,
    verbose: int | None = None,
) -> Run:
    """Train a recipe on a data set.

    Args:
        recipe: Name of the recipe.
        data: Name of the data set, as `amalthea.data.read` takes it; the recipe's own if not given.
            Or images, `(images, labels)`, an `ImageSet`, a `tf.data.Dataset` or a
            `keras.utils.PyDataset`, which are cut 80/10/10, or a dict with such for `"train"` and
            `"validation"`: they are read into memory, and are asked for again by `resume`.
        out: Run folder to make.
        arguments: Arguments of the recipe other than the image shape, the number of classes and
            the seed, which come from the data and from `seed`.
        best: The folder of a search, whose best arguments and batch size are taken where
            `arguments` and `batch_size` say nothing else.
        initial: What has the weights to begin with: the folder of a run, or a file `.keras`,
            `.weights.h5` of this recipe, or `.h5` in Keras' legacy format, such as those of
            `keras.applications`, which do not say what `preprocessing` they were learnt with: give
            it. Layers are found by their names, or else by their order, and their shapes must
            agree; what scores the classes is new where these are others, but for
            classes of the same names.
        freeze: Which layers keep the weights that they begin with, and normalise as in inference:
            "none", "features" for all but what scores the classes, or how many, from the first on.
        epochs: Passes over the training images; the recipe's own number if not given.
        batch_size: Mini-batch size; the recipe's own if not given.
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
        precision: "float32", or "mixed_bfloat16" or "mixed_float16": the model computes in numbers
            of 16 bits then, and keeps its weights in those of 32; as Keras is set if not given.
        devices: On how many devices each batch is spread, or "all" for all GPUs: each has a part of
            it, and they take their steps together. Without a GPU processors can be devices, before
            TensorFlow has begun, by which nothing is faster.
        early_stopping: Epochs without a better objective after which the training ends, with the
            best weights; those of the last stage count, where there are stages. None to go on to
            the end.
        seed: Seed of initial weights, noise and the order of images.
        force: Whether an earlier run at `out` is replaced; it is kept until this one is finished.
        tensorboard: Whether to write TensorBoard logs to the run's `tensorboard/`.
        verbose: As in Keras' `fit`; a progress bar in a terminal and a line an epoch elsewhere if
            not given.

    Returns:
        The finished run, with its `model.keras`, `log.csv` and `curves.png`.

    Raises:
        UserError: If an argument or the data cannot be used, or `out` holds something. Nothing is
            written then.
    """
    entry = get_recipe(recipe)
    out = Path(out)
    refuse_existing(out, force)
    precision, devices = checked(precision), prepare_devices(devices)
    epochs = check_count("epochs", entry.epochs if epochs is None else epochs)
    seed = check_seed(seed)
    if early_stopping is not None:
        early_stopping = check_count("early_stopping", early_stopping)
    found, found_batch_size = _best(entry, best) if best else ({}, entry.batch_size)
    batch_size = found_batch_size if batch_size is None else batch_size
    batch_size = check_count("batch_size", batch_size)
    check_free(entry, arguments or {})
    if initial is not None:
        check_said(initial, entry, {**found, **(arguments or {})})
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
    given = {**found, **(arguments or {}), **entry.from_data(sets["train"].features), "seed": seed}
    with spread_over(devices) as building:
        with computing_in(precision), building():
            model = entry.build(**given)
        _check_spread(model, devices, batch_size)
        check_stages(entry, model.origin.arguments, epochs, len(sets["train"]))
        settings = {
            "kind": "train",
            "recipe": recipe,
            "arguments": dict(model.origin.arguments),
            **source.settings(),
            "features": features_of(sets),
            "epochs": epochs,
            "batch_size": batch_size,
            "early_stopping": early_stopping,
            "seed": seed,
            "tensorboard": tensorboard,
            "precision": precision,
            "devices": devices,
            "initial": None if initial is None else str(initial),
            "freeze": plain(freeze),
        }
        fingerprint = source.fingerprint(sets)
        said = _begin(settings, model, fingerprint)
        freeze_layers(model, entry, freeze)
        with Run.create(out, settings, fingerprint, force=force) as run:
            if said and verbose != 0:
                print(said)
            return _fit(run, model, sets, verbose)


def resume(
    out: str | Path,
    data: Any = None,
    *,
    epochs: int | None = None,
    batch_size: int | None = None,
    devices: int | str | None = None,
    accept_changed_data: bool = False,
    verbose: int | None = None,
) -> Run:
    """Go on with an interrupted training, or with a finished one for more epochs.

    The result is the same, to the last bit, as that of a training that was never interrupted,
    unless the batch size, the number of devices or the data are others from here on.

    Args:
        out: The run folder.
        data: The data anew, where they came from Python, or another place where they are now.
        epochs: New number of epochs in all; as before if not given.
        batch_size: New mini-batch size, say a smaller one for a training that ran out of memory.
        devices: New number of devices, as `train` takes it; as before if not given.
        accept_changed_data: Whether to go on with data that are not those of before.
        verbose: As in `train`.

    Returns:
        The finished run.

    Raises:
        UserError: If `out` is no run of `train`, its data have changed, or `epochs` is below what
            is already done.
    """
    with Run.resume(out, "train") as run:
        settings = run.settings
        entry = get_recipe(settings["recipe"])
        if batch_size is not None:
            batch_size = check_count("batch_size", batch_size)
        before = settings.get("devices", 1)
        count = prepare_devices(before if devices is None else devices)
        source = source_of(run, entry, data)
        sets = read_sets(entry, source)
        fingerprint, changed = check_unchanged(run, source, sets, accept_changed_data)
        with spread_over(count) as building:
            with computing_in(settings.get("precision")), building():
                model = entry.build(**settings["arguments"])
                _check_spread(model, count, batch_size or settings["batch_size"])
                freeze_layers(model, entry, settings.get("freeze", "none"))
                done = Backup(run.path / "backup").restore(model)  # what the optimizer has, too
            if not done:
                _begin(settings, model, fingerprint)
            if epochs is not None:
                settings["epochs"] = check_count("epochs", epochs)
                if epochs < done:
                    raise UserError(f"epochs must be at least {done}, which are done, got {epochs}")
            if batch_size is not None and batch_size != settings["batch_size"]:
                size = settings["batch_size"]
                settings["batch_size"] = batch_size
                _change(run, done, f"mini-batches of {batch_size} instead of {size}")
            if count != before:
                settings["devices"] = count
                _change(run, done, f"{count} {_devices(count)} instead of {before}")
            if changed:
                _change(run, done, "other data")
            settings |= {"data": source.name, "features": features_of(sets)}
            run.save(fingerprint if changed else None)
            return _fit(run, model, sets, verbose)


def _check_spread(model: keras.Model, devices: int, batch_size: int) -> None:
    """Raise `UserError` if a model cannot be trained on so many devices."""
    if batch_size % devices:
        raise UserError(
            f"the batch size must be a multiple of {devices}, the number of devices, got "
            f"{batch_size}"
        )
    if devices > 1 and model.carries:
        raise UserError(
            f"{model.origin.recipe} carries states over batches, which one device alone can: give "
            f"carried=False (--no-carried) for {devices}"
        )


def _spread(devices: int, sets: Mapping[str, Examples]) -> str | None:
    """On how many devices a model is trained, in words, and what cannot be cut into as many."""
    if devices == 1:
        return None
    over = {
        f"{len(part) % devices} to {verb}": len(part) % devices
        for verb, part in (("train", sets["train"]), ("validate", sets["validation"]))
    }
    left = " and ".join(words for words, count in over.items() if count)
    return f"on {devices} devices" + (f", without the last {left} of each epoch" if left else "")


def _devices(count: int) -> str:
    return "device" if count == 1 else "devices"


def _begin(settings: Mapping[str, Any], model: keras.Model, fingerprint: Fingerprint) -> str:
    """Give a model the weights that it is to begin with, if any; says what has been taken."""
    if not settings.get("initial"):
        return ""
    entry, arguments = get_recipe(settings["recipe"]), model.origin.arguments
    weights = read_weights(settings["initial"], entry, arguments)
    class_names = tuple(map(str, fingerprint.class_names))
    return begin_with(model, weights, scoring_layers(entry, arguments), class_names)


def _change(run: Run, done: int, what: str) -> None:
    """Note, and say, from where on a run is not the one that it began as."""
    run.settings.setdefault("changes", []).append({"after_epochs": done, "change": what})
    print(
        f"{run.path}: {what} from epoch {done + 1} on, so from there it is no longer, bit for bit, "
        "the training that began"
    )


def _fit(run: Run, model: keras.Model, sets: Mapping[str, Examples], verbose: int | None) -> Run:
    settings = run.settings
    entry = get_recipe(settings["recipe"])
    features = entry.features(model.origin.arguments)
    sets = {split: entry.task.select(adopted(features, part)) for split, part in sets.items()}
    seed, batch_size = settings["seed"], settings["batch_size"]
    least_batch_size = batch_size
    if verbose != 0:
        feature = sets["train"].features[entry.task.inputs[0]]
        how = (
            feature.reading,
            {True: "in memory", False: "on disk"}.get(settings.get("in_memory")),
            settings.get("precision") if settings.get("precision") != "float32" else None,
            _spread(settings.get("devices", 1), sets),
        )
        print(
            f"{settings['recipe']}, {model.count_params():,} parameters, on "
            f"{settings['data'] or 'data from Python'}: {len(sets['train']):,} {feature.size} to "
            f"train, {len(sets['validation']):,} to validate"
            + "".join(f"; {word}" for word in how if word)
        )
        if model.carries:
            rows = min(batch_size, len(sets["train"]))
            print(
                f"states are carried over batches, in {rows} streams of "
                f"{len(sets['train']) // rows} sequences, and gradients end with each of them"
            )
    backup = Backup(run.path / "backup")
    done = backup.restore(model)
    log = run.path / "log.csv"
    _truncate(log, done)
    # The row comes before the backup: a row too many is cut on resuming, one too few is lost.
    logger = keras.callbacks.CSVLogger(log, append=True)
    callbacks = [logger]
    watched = sets["validation"].first(WATCHED).in_memory()
    # What adds to the logs comes before what writes them.
    if entry.objective.measured:
        callbacks.insert(0, Measurement(entry.quick_measures, *entry.task.arrays(watched)))
    seen = sets["train"].first(WATCHED).in_memory()
    callbacks[:0] = entry.task.watch(entry, settings["arguments"], seen, watched)
    first_that_counts = 0
    if entry.schedule:
        schedule = entry.schedule(settings["arguments"])
        callbacks.insert(0, schedule)
        batch_size, least_batch_size = _batch_sizes(schedule, batch_size)
        first_that_counts = schedule.least_epochs(len(sets["train"])) - 1
    callbacks.insert(
        0, UnitWatch(entry.task.arrays(watched)[0])
    )  # weights that are no numbers cannot be measured
    callbacks += entry.task.show(entry, settings["arguments"], watched, run.path / "samples")
    if settings["tensorboard"]:
        callbacks.append(keras.callbacks.TensorBoard(run.path / "tensorboard"))
    stopping = None
    if patience := settings["early_stopping"]:
        objective = entry.objective
        stopping = EarlyStopping(
            objective.name, objective.direction, patience, backup.directory, first_that_counts
        )
        stopping.restore(done)
        callbacks.append(stopping)
    callbacks.append(backup)
    devices = settings.get("devices", 1)
    for first, last in _alike(sets["train"], batch_size, done, settings["epochs"], devices):
        if stopping and stopping.is_over(first):
            break
        with _enough_memory(run), _closed(logger):
            model.fit(
                sets["train"].batches(batch_size, seed=seed, epoch=first, multiple_of=devices),
                validation_data=sets["validation"].batches(
                    least_batch_size, shuffle=False, multiple_of=devices
                ),
                initial_epoch=first,
                epochs=last,
                callbacks=callbacks,
                shuffle=False,  # the batches are shuffled as they are made
                verbose=verbosity(verbose),
            )
    for part in sets.values():
        part.report()
    if stopping and stopping.best is not None:
        stopping.bring_back(model)
        if verbose != 0:
            print(
                f"the best of {stopping.monitor} was {stopping.best:.6g}, in epoch "
                f"{stopping.best_epoch}: its weights are kept"
            )
    run.save_model(model)
    with replacing(run.path / "curves.png") as aside:
        draw_log(log, aside)
    return run


@contextlib.contextmanager
def _closed(logger: keras.callbacks.CSVLogger) -> Iterator[None]:
    """Within, the file of a logger is open no longer than a training, however that ends."""
    try:
        yield
    finally:
        if logger.csv_file is not None:
            logger.csv_file.close()


@contextlib.contextmanager
def _enough_memory(run: Run) -> Iterator[None]:
    """Within, a lack of memory is one sentence that says how to go on."""
    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        size = run.settings["batch_size"]
        command = ["amalthea", "train", "--resume", str(run.path)]
        command += ["--batch-size", str(max(1, size // 2))]
        raise UserError(
            f"there is not enough memory for mini-batches of {size}: go on with smaller "
            f"ones, `{shlex.join(command)}`"
        ) from error


def _batch_sizes(schedule: Schedule, usual: int) -> tuple[int | Callable[[int], int], int]:
    """The batch size, and the least; a schedule's own as a function of the images shown."""
    if not schedule.batch_sizes:
        return usual, usual
    return lambda n: schedule.batch_size(n, usual), min(usual, *schedule.batch_sizes.values())


def _alike(
    examples: Examples, batch_size, done: int, epochs: int, devices: int
) -> Iterator[tuple[int, int]]:
    """Runs of epochs, from one number to another, that have equally many batches."""
    counts = [examples.batch_count(batch_size, epoch, devices) for epoch in range(done, epochs)]
    first = done
    for _, alike in itertools.groupby(counts):
        last = first + len(list(alike))
        yield first, last
        first = last
    if done >= epochs:
        yield done, epochs


def _best(recipe: Recipe, search: str | Path) -> tuple[dict[str, Any], int]:
    """The arguments and the batch size of a search's best model."""
    settings = Run.open(search, kind="tune").settings
    if settings["recipe"] != recipe.name:
        raise UserError(f"{search} is a search of {settings['recipe']}, not of {recipe.name}")
    if not settings["arguments"]:
        command = shlex.join(["amalthea", "tune", "--resume", str(search)])
        raise UserError(f"{search} has no best yet: finish it with `{command}`")
    return settings["arguments"], settings["batch_size"]


def _truncate(log: Path, epochs: int) -> None:
    """Keep the rows of the first `epochs` epochs: later ones are not in the backup.

    Raises:
        UserError: If one of them is not whole.
    """
    if not log.exists():
        return
    lines = log.read_bytes().splitlines(keepends=True)[: epochs + 1] if epochs else []
    try:
        header, *rows = list(csv.reader(b"".join(lines).decode().splitlines())) or [[]]
        for epoch, row in enumerate(rows):
            if len(row) != len(header) or int(row[0]) != epoch or not list(map(_number, row)):
                raise ValueError(f"row {epoch + 1} is not that of a whole epoch")
        if len(rows) < epochs:
            raise ValueError(f"it has {len(rows)} rows for {epochs} epochs")
    except (ValueError, csv.Error) as error:
        raise UserError(
            f"{log} is damaged: {error}; without the file the training goes on, and the curves "
            "begin there"
        ) from None
    with replacing(log) as aside:
        aside.write_bytes(b"".join(lines))


def _number(text: str) -> float:
    return float(text or "nan")


def check_free(recipe: Recipe, arguments: Mapping[str, Any]) -> None:
    """Raise `UserError` if `arguments` give what the data or the job itself determines."""
    sources = {p.name: f"the data{p.from_data.how}" for p in recipe.parameters if p.from_data}
    for name, source in {**sources, "seed": "the seed of the job"}.items():
        if name in arguments:
            raise UserError(f"{name} comes from {source}, got {arguments[name]!r} beside it")


def check_stages(recipe: Recipe, arguments: Mapping[str, Any], epochs: int, images: int) -> None:
    """Raise `UserError` if a recipe that is trained in stages would not reach its last one."""
    if recipe.schedule is None:
        return
    least = recipe.schedule(arguments).least_epochs(images)
    if epochs < least:
        raise UserError(
            f"the last stage of {recipe.name} begins after {least - 1} epochs of {images:,} "
            f"images: epochs must be at least {least}, or its stages shorter, got {epochs} epochs"
        )


def verbosity(verbose: int | None) -> int:
    """Keras' `verbose`: as given, else a bar in a terminal and a line an epoch elsewhere."""
    return verbose if verbose is not None else (1 if sys.stdout.isatty() else 2)
