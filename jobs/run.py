"""A run folder: what one training or tuning job was asked for, and everything it left."""

import json
import shlex
import sys
import zipfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from .files import remove, replacing, write_json

if TYPE_CHECKING:
    import keras

REQUIRED = {
    "train": ("image_size", "epochs", "batch_size", "seed", "tensorboard"),
    "tune": ("image_size", "epochs", "trials", "strategy", "top", "fixed", "objective", "seed"),
}
VERSIONED = ("amalthea", "keras", "tensorflow", "keras-tuner", "numpy")


class Run:
    """A run folder.

    It holds `run.json` (recipe, arguments, data, seed, versions, command), `model.keras`, and what
    its job adds: `log.csv`, `backup/`, `samples/` and `curves.png` for a training; `trials/`,
    `trials.csv`, `best.json` and `curves.png` for a search; `evaluation.json` and `export/` later.

    Attributes:
        path: The folder.
        settings: The contents of `run.json`.
    """

    def __init__(self, path: str | Path, settings: Mapping[str, Any]):
        self.path = Path(path)
        self.settings = dict(settings)

    @classmethod
    def create(cls, path: str | Path, settings: Mapping[str, Any], *, force: bool = False) -> "Run":
        """Make the folder and its `run.json`.

        Args:
            path: The folder.
            settings: What the job was asked for.
            force: Whether an earlier run at `path` is replaced.

        Raises:
            UserError: If something is at `path` other than an empty folder, or a run with `force`.
        """
        path = Path(path)
        refuse_existing(path, force)
        versions = {name: version(name) for name in VERSIONED}
        versions["python"] = sys.version.split()[0]
        run = cls(path, {**settings, "versions": versions, "command": sys.argv})
        json.dumps(run.settings)  # what cannot be written must not cost an earlier run
        for old in path.iterdir() if path.is_dir() else ():
            remove(old)
        run.save()
        return run

    @classmethod
    def open(cls, path: str | Path, kind: str | None = None) -> "Run":
        """The run at `path`.

        Args:
            path: The folder.
            kind: "train" or "tune", where only that will do.

        Raises:
            UserError: If there is no run, its `run.json` is damaged, or it is of another kind.
        """
        path = Path(path)
        if not (path / "run.json").is_file():
            what = "holds no run.json" if path.is_dir() else "is no folder"
            raise UserError(f"{path} is no run folder: it {what}")
        try:
            settings = json.loads((path / "run.json").read_text())
            for key in ("recipe", "arguments", "data", *REQUIRED[settings["kind"]]):
                settings[key]
        except KeyError as error:
            raise UserError(f"{path / 'run.json'} is damaged: {error} is not in it") from None
        except (ValueError, TypeError) as error:
            raise UserError(f"{path / 'run.json'} is damaged: {error}") from None
        if kind and settings["kind"] != kind:
            raise UserError(f"{path} is a run of 'amalthea {settings['kind']}', not of {kind!r}")
        return cls(path, settings)

    def save(self) -> None:
        """Write the settings to `run.json`."""
        write_json(self.path / "run.json", self.settings)

    @property
    def model_path(self) -> Path:
        """`model.keras`."""
        return self.path / "model.keras"

    def save_model(self, model: "keras.Model") -> None:
        """Write `model.keras`."""
        with replacing(self.model_path) as aside:
            model.save(aside)

    def load_model(self) -> "keras.Model":
        """The trained model, its `origin` set.

        Raises:
            UserError: If the job has not finished, or the file is damaged.
        """
        import keras

        from .. import recipes

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
        model.origin = recipes.Origin(self.settings["recipe"], self.settings["arguments"])
        return model


def refuse_existing(path: Path, force: bool) -> None:
    """Raise `UserError` if a new run at `path` would overwrite something it must not."""
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return
    if not (path / "run.json").is_file():
        raise UserError(f"{path} exists and is no run folder: choose another place")
    if not force:
        raise UserError(
            f"{path} holds a run: go on with it by --resume, or replace it by force (--force)"
        )
