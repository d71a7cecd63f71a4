"""A run folder: what one training or tuning job was asked for, and everything it left."""

import contextlib
import json
import os
import shlex
import socket
import sys
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import filelock
import keras

from .. import recipes
from ..data import Fingerprint
from ..data.features import FEATURES, Feature
from ..errors import UserError, nearest
from ..recipes.search import Given, at_least
from .files import remove, replacing, write_json
from .precision import POLICIES

VERSIONED = ("amalthea", "keras", "tensorflow", "keras-tuner", "numpy")
# What `run.json` says and how folders are split changed with it; runs before it had none.
FORMAT = 3
# All that jobs leave in a run folder, by name; whatever else is there is the user's.
OWN = {
    *("run.json", "data.json", "model.keras", "curves.png"),
    *("log.csv", "backup", "samples", "tensorboard"),
    *("trials", "trials.csv", "trials.json", "best.json", "report.html"),
    *("evaluation.json", "reconstructions.png", "codes.png", "traversal.png"),
    *("export", "export-onnx", "export-litert"),
}
LOCK, HOLDER, REPLACED = ".lock", ".lock-holder", ".replaced"
# The files of a folder of pictures are more than `run.json` should hold.
MANIFEST = "data.json"


def _optional(given: Given) -> Given:
    return Given(lambda value: value is None or given.is_valid(value), f"{given.words}, or null")


def _one_of(kind: type, words: str) -> Given:
    return Given(lambda value: isinstance(value, kind), words)


def _is_size(value: Any) -> bool:
    sides = value if isinstance(value, list) and len(value) == 2 else [value]
    return all(at_least(1).is_valid(side) for side in sides)


def _are_two(kinds) -> Given:
    """A list of two, each of its kind."""
    return Given(
        lambda value: (
            isinstance(value, list)
            and len(value) == 2
            and all(isinstance(item, kind) for item, kind in zip(value, kinds, strict=True))
        ),
        "a list of two",
    )


def _are_features(value: Any) -> bool:
    try:
        return bool([FEATURES[name].from_config(config) for name, config in value.items()])
    except (AttributeError, KeyError, TypeError):
        return False


TEXT, FLAG, OBJECT = (
    _one_of(str, "a text"),
    _one_of(bool, "true or false"),
    _one_of(dict, "an object"),
)
# How data are read by name.
READ = (
    "image_size",
    "value_range",
    "sequence_length",
    "horizon",
    "vocabulary_size",
    "in_memory",
    "skip_damaged",
)
COMMON = {
    "recipe": TEXT,
    "arguments": OBJECT,
    "data": _optional(TEXT),
    "image_size": _optional(Given(_is_size, "a whole number of at least 1, or two of them")),
    "value_range": _optional(_are_two([int | float] * 2)),
    "sequence_length": _optional(at_least(1)),
    "features": Given(_are_features, "what is known of the features of the data"),
    "class_names": _one_of(list, "a list"),
    "fingerprint": OBJECT,
    "epochs": at_least(1),
    "seed": at_least(0),
    "versions": OBJECT,
}
SETTINGS = {
    "train": {
        "batch_size": at_least(1),
        "tensorboard": FLAG,
        "early_stopping": _optional(at_least(1)),
    },
    "tune": {
        "trials": at_least(1),
        "strategy": TEXT,
        "top": _optional(at_least(1)),
        "fixed": OBJECT,
        "objective": _are_two([str, str]),
    },
}
# What may be missing, as runs that were made before it was there have none.
LATER = {
    "horizon": _optional(at_least(1)),
    "vocabulary_size": _optional(at_least(1)),
    "in_memory": _optional(FLAG),
    "skip_damaged": _optional(FLAG),
    "devices": at_least(1),
    "precision": _optional(Given(lambda v: v in POLICIES, f"one of {', '.join(POLICIES)}")),
    "from": OBJECT,
    "callbacks": _one_of(list, "a list"),
    "metrics": _one_of(list, "a list"),
    "initial": _optional(TEXT),
    "freeze": _one_of(str | int, "a text or a number"),
}


class Run:
    """A run folder.

    It holds `run.json` (recipe, arguments, data, their fingerprint, seed, versions, command),
    `model.keras`, and what its job adds: `log.csv`, `backup/`, `samples/` and `curves.png` for a
    training; `trials/`, `trials.csv`, `best.json`, `curves.png` and `report.html` for a search;
    `evaluation.json` and `export/` later; of a folder of pictures `data.json`, its files. One
    process at a time works in it.

    Attributes:
        path: The folder.
        settings: The contents of `run.json`.
    """

    def __init__(self, path: str | Path, settings: Mapping[str, Any]):
        self.path = Path(path)
        self.settings = dict(settings)

    @classmethod
    @contextlib.contextmanager
    def create(
        cls,
        path: str | Path,
        settings: Mapping[str, Any],
        fingerprint: Fingerprint,
        *,
        force: bool = False,
    ) -> Iterator["Run"]:
        """Make the folder and its `run.json`; within, this process alone works in it.

        What an earlier run left is put aside until the block ends. If it fails before there is
        anything to go on from, that is put back in place of what has been made since.

        Args:
            path: The folder.
            settings: What the job was asked for.
            fingerprint: That of its data.
            force: Whether an earlier run at `path` is replaced.

        Raises:
            UserError: If something is at `path` other than an empty folder, or a run with `force`.
        """
        path = Path(path)
        refuse_existing(path, force)
        versions = {name: version(name) for name in VERSIONED}
        versions["python"] = sys.version.split()[0]
        settings = {**settings, "format": FORMAT, "versions": versions, "command": sys.argv}
        run = cls(path, settings)
        json.dumps(run.settings)  # what cannot be written must not cost an earlier run
        path.mkdir(parents=True, exist_ok=True)
        with working(path):
            refuse_existing(path, force)  # another process may have been faster
            replaces = _put_aside(path)
            try:
                run.save(fingerprint)
                yield run
            except Exception:
                if replaces and not run.can_go_on:
                    _put_back(path)
                elif replaces:
                    warnings.warn(
                        f"what {path} held before is kept there, in {_put_aside_last(path).name}, "
                        "until the new run is finished",
                        stacklevel=4,
                    )
                raise
            _forget_replaced(path)

    @classmethod
    def open(cls, path: str | Path, kind: str | None = None, *, same_data: bool = False) -> "Run":
        """The run at `path`.

        Args:
            path: The folder.
            kind: "train" or "tune", where only that will do.
            same_data: Whether what is done next needs the data as they were.

        Raises:
            UserError: If there is no run, its `run.json` is damaged, it is of another kind, or of a
                version of the package whose runs this one cannot use so.
        """
        path = Path(path)
        file = path / "run.json"
        if not file.is_file():
            what = "holds no run.json" if path.is_dir() else "is no folder"
            raise UserError(f"{path} is no run folder: it {what}")
        try:
            settings = json.loads(file.read_text())
        except ValueError as error:
            raise UserError(f"{file} is damaged: {error}") from None
        if not isinstance(settings, dict) or str(settings.get("kind")) not in SETTINGS:
            raise UserError(f"{file} is damaged: it is no object with the kind of a job")
        older = "format" not in settings
        if settings.get("format", FORMAT) != FORMAT or (older and same_data):
            by = settings.get("versions")
            by = by.get("amalthea") if isinstance(by, dict) else None
            raise UserError(
                f"{path} is a run of amalthea {by or 'of another version'}, with which "
                f"{version('amalthea')} cannot go on, as it cuts and checks data in another way: "
                "begin anew, or take that version"
            )
        later = {name: domain for name, domain in LATER.items() if name in settings}
        wanted = COMMON | SETTINGS[settings["kind"]] | later
        if older:  # what its model and samples need
            wanted = {name: wanted[name] for name in ("recipe", "arguments")}
        for name, domain in wanted.items():
            if name not in settings:
                raise UserError(f"{file} is damaged: {name} is not in it")
            try:
                domain.check(settings[name])
            except ValueError as error:
                raise UserError(f"{file} is damaged: {name} {error}") from None
        if kind and settings["kind"] != kind:
            raise UserError(f"{path} is a run of 'amalthea {settings['kind']}', not of {kind!r}")
        entry = recipes.get_recipe(settings["recipe"])
        try:
            entry.check(settings["arguments"])
        except UserError as error:
            raise UserError(f"{file} is damaged: {error}") from None
        return cls(path, settings)

    @classmethod
    @contextlib.contextmanager
    def resume(cls, path: str | Path, kind: str) -> Iterator["Run"]:
        """The run at `path`, to go on with: within, this process alone works in it."""
        cls.open(path, kind, same_data=True)  # before anything is written there
        with working(Path(path)):
            yield cls.open(path, kind, same_data=True)
            _forget_replaced(Path(path))

    def save(self, fingerprint: Fingerprint | None = None) -> None:
        """Write the settings to `run.json`, with a fingerprint if there is a new one.

        Of a folder of pictures the files are in `data.json`.
        """
        if fingerprint is not None:
            if (manifest := fingerprint.manifest()) is not None:
                write_json(self.path / MANIFEST, manifest)
            self.settings["fingerprint"] = fingerprint.summary()
            self.settings["class_names"] = list(fingerprint.class_names)
        write_json(self.path / "run.json", self.settings)

    @property
    def can_go_on(self) -> bool:
        """Whether a job that ended too early has left something to go on from."""
        return any(self.path.glob("backup/epoch-*")) or (self.path / "trials.json").exists()

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes of its data, where there are any."""
        return tuple(map(str, self.settings.get("class_names") or ()))

    def class_number(self, label: int | str | None) -> int | None:
        """The number of a class that is given by it or by its name; None for none.

        Raises:
            UserError: If no class has that name.
        """
        names = self.class_names
        if label in names:  # first, for names may be numbers
            return names.index(label)
        if isinstance(label, str) and label.isdecimal():
            return int(label)
        if isinstance(label, str):
            raise UserError(f"{self.path} has no class {label!r}{nearest(label, names)}")
        return label

    @property
    def features(self) -> dict[str, Feature]:
        """What its data were, by the names of their columns."""
        known = self.settings.get("features", {})  # runs of 0.1.0 have none
        return {name: FEATURES[name].from_config(config) for name, config in known.items()}

    @property
    def reading(self) -> dict[str, Any]:
        """How its data are read by name, as `amalthea.data.read` takes it."""
        values = {name: self.settings.get(name) for name in READ}
        return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}

    @property
    def fingerprint(self) -> Fingerprint:
        """The fingerprint of its data."""
        manifest = None
        if (file := self.path / MANIFEST).is_file():
            try:
                manifest = json.loads(file.read_text())
            except ValueError as error:
                raise UserError(f"{file} is damaged: {error}") from None
        return Fingerprint.from_json(self.settings["fingerprint"], manifest)

    @property
    def model_path(self) -> Path:
        """`model.keras`."""
        return self.path / "model.keras"

    def save_model(self, model: keras.Model) -> None:
        """Write `model.keras`."""
        with replacing(self.model_path) as aside:
            model.save(aside)

    def load_model(self) -> keras.Model:
        """The trained model, its `origin` set.

        Raises:
            UserError: If the job has not finished, or the file is damaged or of another run.
        """
        if not self.model_path.is_file():
            command = shlex.join(["amalthea", self.settings["kind"], "--resume", str(self.path)])
            raise UserError(f"{self.path} holds no model.keras yet: finish it with `{command}`")
        try:
            zipfile.ZipFile(self.model_path).close()
            model = keras.models.load_model(self.model_path)
        except Exception as error:
            # Keras raises whatever the damaged part happens to cause.
            reason = str(error).strip().splitlines() or [type(error).__name__]
            raise UserError(f"{self.model_path} is damaged: {reason[0]}") from error
        given = {"recipe": self.settings["recipe"], "arguments": self.settings["arguments"]}
        origin, own = recipes.Origin.of(given), getattr(model, "origin", None)
        if own is not None and (own.recipe, dict(own.arguments)) != (
            origin.recipe,
            dict(origin.arguments),
        ):
            raise UserError(
                f"{self.model_path} is not the model of its run.json: it was built by "
                f"{own.recipe} with {_differing(own, origin)}"
            )
        model.origin = own or origin
        return model


def _differing(own: recipes.Origin, other: recipes.Origin) -> str:
    """Which arguments of two origins differ, in words."""
    if own.recipe != other.recipe:
        return f"{len(own.arguments)} arguments of its own"
    pairs = own.arguments.items()
    differing = [f"{k}={v!r}" for k, v in pairs if other.arguments.get(k, own) != v]
    return ", ".join(differing) or "fewer arguments"


@contextlib.contextmanager
def working(path: Path) -> Iterator[None]:
    """Within, no other process works in the run folder `path`.

    Raises:
        UserError: If one does already.
    """
    lock = filelock.FileLock(path / LOCK, timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        try:
            holder = (path / HOLDER).read_text()
        except OSError:
            holder = "another process"
        raise UserError(f"{path} is in use by {holder}: wait until it has ended") from None
    try:
        since = datetime.now().strftime("%H:%M:%S")
        (path / HOLDER).write_text(
            f"process {os.getpid()} on {socket.gethostname()}, since {since}"
        )
        yield
    finally:
        (path / HOLDER).unlink(missing_ok=True)
        lock.release()


def refuse_existing(path: Path, force: bool) -> None:
    """Raise `UserError` if a new run at `path` would overwrite something it must not."""
    if not path.exists():
        return
    if not path.is_dir():
        raise UserError(f"{path} exists and is no run folder: choose another place")
    if {item.name for item in path.iterdir()} <= {LOCK, HOLDER}:
        return
    if not (path / "run.json").is_file():
        raise UserError(f"{path} exists and is no run folder: choose another place")
    if not force:
        raise UserError(
            f"{path} holds a run: go on with it by --resume, or replace it by force (--force)"
        )


def _put_aside(path: Path) -> bool:
    """Move what an earlier run left to a folder of its own; whether there was any."""
    old = [item for item in path.iterdir() if item.name in OWN]
    if not old:
        return False
    last = _put_aside_last(path)
    aside = path / f"{REPLACED}.{int(last.suffix[1:]) + 1 if last else 1}"
    aside.mkdir()
    for item in old:
        os.replace(item, aside / item.name)
    return True


def _put_back(path: Path) -> None:
    """Put what was put aside last where it was, in place of what has been made since."""
    for item in path.iterdir():
        if item.name in OWN:
            remove(item)
    if aside := _put_aside_last(path):
        for item in list(aside.iterdir()):
            os.replace(item, path / item.name)
        aside.rmdir()


def _put_aside_last(path: Path) -> Path | None:
    """The folder to which the last run that was replaced has been moved, if there is any."""
    asides = path.glob(f"{REPLACED}.*")
    return max(asides, key=lambda item: int(item.suffix[1:]), default=None)


def _forget_replaced(path: Path) -> None:
    """Remove what earlier runs left."""
    for aside in path.glob(f"{REPLACED}.*"):
        remove(aside)
