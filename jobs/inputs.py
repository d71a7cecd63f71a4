"""What a job learns from: data by name or from Python, and whether they are those of before."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import data as data_package
from ..data import Examples, Fingerprint
from ..data.features import FEATURES, Feature
from ..errors import UserError
from ..recipes import Recipe
from .run import READ, Run


class Source:
    """Data to read splits of.

    Args:
        data: The name of a data set, as `amalthea.data.read` takes it; the path of a folder of
            pictures or of an `.npz` file; or data from Python, as `amalthea.data.from_python` takes
            them, or a mapping from the names of splits to such.
        columns: What arrays from Python without names are, in order.
        **reading: How data are read by name: those of `READ`, as `amalthea.data.read` takes them.

    Attributes:
        name: The name with absolute paths; None for data from Python.
        reading: How the data are read, by all names of `READ`.
    """

    def __init__(
        self,
        data: Any,
        columns: Sequence[str] = (),
        **reading: Any,
    ):
        self.columns = columns
        self.reading = dict.fromkeys(READ) | reading
        self.name, self._sets, self._whole = None, None, None
        if isinstance(data, Path):
            data = f"{'images' if data.is_dir() else 'arrays'}:{data}"
        if isinstance(data, str):
            self.name = data_package.absolute(data)
            return
        for argument, value in self.reading.items():
            if value is not None and argument != "value_range":
                raise UserError(
                    f"{argument} is of data that are read by name, got {value!r} beside others"
                )
        if isinstance(data, Mapping) and data.keys() & set(data_package.SPLITS):
            if unknown := data.keys() - set(data_package.SPLITS):
                splits = ", ".join(data_package.SPLITS)
                raise UserError(f"splits must be of {splits}, got {', '.join(sorted(unknown))}")
            self._sets = {split: self._gathered(part, split) for split, part in data.items()}
        else:
            self._whole = self._gathered(data, "the data")

    def _gathered(self, data: Any, name: str) -> Examples:
        how = {"columns": self.columns, "value_range": self.reading["value_range"]}
        return data_package.from_python(data, name=name, **how)

    @property
    def whole(self) -> Examples | None:
        """All the data, where they come from Python in one piece."""
        return self._whole

    def read(self, split: str) -> Examples:
        """A split of the data."""
        if self.name is not None:
            said = {key: value for key, value in self.reading.items() if value is not None}
            examples = data_package.read(self.name, split, **said)
            if data_package.takes(self.name, "in_memory"):
                # The other splits, and a training that goes on, are to do the same.
                self.reading["in_memory"] = not examples.on_disk
            return examples
        if self._whole is not None:
            return data_package.split(self._whole, split)
        if split not in self._sets:
            raise UserError(
                f"there is no split {split!r} among those given: {', '.join(self._sets)}"
            )
        return self._sets[split]

    def settings(self) -> dict[str, Any]:
        """What `run.json` says of where the data are and how they are read."""
        values = self.reading["value_range"]
        as_list = None if values is None else list(values)
        return {"data": self.name, **self.reading, "value_range": as_list}

    def fingerprint(
        self, sets: Mapping[str, Examples], known: Fingerprint | None = None
    ) -> Fingerprint:
        """The fingerprint of the data that `sets` were read from."""
        return data_package.fingerprint(sets, self.name or "", known)


def read_sets(recipe: Recipe, source: Source) -> dict[str, Examples]:
    """The training and validation examples of a data set that `recipe` can learn from.

    Raises:
        UserError: If it lacks what the recipe learns from.
    """
    sets = {split: source.read(split) for split in ("train", "validation")}
    name = source.name or "the data"
    for column in (*recipe.task.inputs, *recipe.task.targets):
        feature = sets["train"].features.get(column)
        if feature is None:
            raise UserError(
                f"{recipe.name} learns from {FEATURES[column].noun}, and {name} has none"
            )
        feature.check_to_learn(recipe.name, name, sets["train"].columns[column])
    return sets


def adopted(features: Mapping[str, Feature], examples: Examples) -> Examples:
    """Examples whose columns are in the numbers of a model that takes these features.

    Those of a text follow from its vocabulary, which another text has not.
    """
    columns, taken = dict(examples.columns), dict(examples.features)
    for name, feature in features.items():
        taken[name], columns[name] = feature.adopted(columns[name], taken[name])
    if taken == examples.features:
        return examples
    return examples.replaced(columns=columns, features=taken)


def features_of(sets: Mapping[str, Examples]) -> dict[str, dict[str, Any]]:
    """What `run.json` says of the features of its data, by the names of their columns."""
    return {name: feature.config() for name, feature in sets["train"].features.items()}


def source_of(run: Run, recipe: Recipe, data: Any = None) -> Source:
    """The data of a run, or others that are given in their place."""
    settings = run.settings
    if data is None and settings["data"] is None:
        raise UserError(f"{run.path} is of data that came from Python: give them again as data=")
    data = settings["data"] if data is None else data
    reading = run.reading
    if not isinstance(data, str | Path):
        reading = {"value_range": reading["value_range"]}
    return Source(data, recipe.task.columns, **reading)


def check_unchanged(
    run: Run, source: Source, sets: Mapping[str, Examples], accept: bool
) -> tuple[Fingerprint, bool]:
    """The fingerprint of the data of a run, and whether they have changed.

    Raises:
        UserError: If anything has, unless that is accepted.
    """
    known = run.fingerprint
    new = source.fingerprint(sets, known)
    changes = data_package.changes(known, new)
    if changes is None:
        return new, False
    if not accept:
        raise UserError(
            f"the data of {run.path} are not those of before: {changes}; to take them all the same "
            "say --accept-changed-data (accept_changed_data=True)"
        )
    warnings.warn(f"the data of {run.path} are not those of before: {changes}", stacklevel=3)
    return new, True
