"""A fingerprint of data: what tells them from others, small enough to be kept with a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..checks import is_number, is_whole
from ..errors import UserError
from .examples import Examples
from .features.words import RULES
from .manifest import File, Manifest, hash_of, manifest_of
from .origin import Origin, origin_of

BY_FILE, BY_ORDER = "file", "order"
# What may stand before the name of a data set: of a text how its words were written, among others.
WRITTEN = "written"
PREFIXES = ("padded", "rows", "pixels", *RULES, WRITTEN)


@dataclass(frozen=True)
class Folder:
    """What tells a folder of pictures: how many files of how many bytes, and a hash of them all."""

    files: int
    bytes: int
    contents: str


@dataclass(frozen=True)
class Fingerprint:
    """What tells data from others.

    The source is told by its contents as they are before `image_size` or margins are applied;
    `facts` are how they were read.

    Attributes:
        facts: What their features say of themselves, in the types of JSON: of images their
            `image_shape` and `value_range`, of labels their `class_names`.
        split_rule: How the splits are cut: "file", by the names of files, or "order", by the order
            of the examples.
        origins: The whole sets or stored splits that the data were cut from, by their names. None
            for folders of pictures.
        folder: What tells a folder of pictures; None for other data.
        files: The files of such a folder; None if they are not known, as when only a summary is.
    """

    facts: Mapping[str, Any]
    split_rule: str
    origins: Mapping[str, Origin]
    folder: Folder | None = None
    files: Manifest | None = None

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes' names in the order of their numbers, where there are any."""
        return tuple(self.facts.get("class_names", ()))

    def summary(self) -> dict[str, Any]:
        """All but the files, small and ready for JSON."""
        summary = {"facts": dict(self.facts), "split_rule": self.split_rule}
        if self.folder:
            return summary | {"folder": dict(vars(self.folder))}
        origins = {
            name: {"count": origin.count, "columns": dict(origin.columns)}
            for name, origin in self.origins.items()
        }
        return summary | {"origins": origins}

    def manifest(self) -> dict[str, list] | None:
        """The files of a folder of pictures, ready for JSON: [size, time in ns, hash] by path."""
        return None if self.files is None else {path: list(f) for path, f in self.files.items()}

    @classmethod
    def from_json(cls, summary: Any, manifest: Any = None) -> Fingerprint:
        """The fingerprint that gave `summary` and, if there is one, `manifest`.

        Raises:
            UserError: If they are damaged.
        """
        _require(isinstance(summary, dict), "it is no object")
        facts, rule = summary.get("facts"), summary.get("split_rule")
        _require(isinstance(facts, dict), f"facts is {facts!r}")
        for name, is_right in FACTS.items():
            value = facts.get(name)
            _require(name not in facts or is_right(value), f"{name} is {value!r}")
        _require(_is_text(rule), f"split_rule is {rule!r}")
        _require(("folder" in summary) != ("origins" in summary), "it has no folder or origins")
        return cls(
            facts,
            rule,
            _origins_from_json(summary.get("origins", {})),
            _folder_from_json(summary["folder"]) if "folder" in summary else None,
            None if manifest is None else _files_from_json(manifest),
        )


def without_prefixes(name: str) -> str:
    """The name of a data set without what stands before it, such as `padded:`."""
    kind, colon, of = name.partition(":")
    return without_prefixes(of) if kind in PREFIXES and colon else name


def fingerprint(
    sets: Mapping[str, Examples], source: str = "", known: Fingerprint | None = None
) -> Fingerprint:
    """The fingerprint of the data that sets of examples were read from.

    Data that were read whole are told by all that they hold, whichever splits are given, and a
    folder of pictures by all of its files, which are read once for that; what stays on disk by
    sizes and times alone. The splits that
    tensorflow-datasets stores are told one by one, and so are sets that were not cut from others.

    Args:
        sets: The sets that were read, by the names of the splits.
        source: The name that `read` took, with a path that is right from here. Sets that were not
            read by a name are also told by their own contents.
        known: An earlier fingerprint of the same source: files of a folder that have kept size and
            time need not be read again then.
    """
    first = next(iter(sets.values()))
    facts = {k: v for feature in first.features.values() for k, v in feature.facts().items()}
    kind, colon, location = without_prefixes(source).partition(":")
    if kind == "images" and colon:
        contents = not any(part.on_disk for part in sets.values())
        files = manifest_of(Path(location).expanduser(), known and known.files, contents=contents)
        folder = Folder(len(files), sum(file.size for file in files.values()), hash_of(files))
        return Fingerprint(facts, BY_FILE, {}, folder, files)
    origins: dict[str, Origin] = {}
    for split, images in sets.items():
        if images.origin:
            origins[images.origin.part] = images.origin
        if not images.origin or not source:
            origins[split] = origin_of(images, part=split)
    return Fingerprint(facts, BY_ORDER, origins)


def _origins_from_json(origins: Any) -> dict[str, Origin]:
    _require(isinstance(origins, dict), f"origins is {origins!r}")
    for value in origins.values():
        _require(
            isinstance(value, dict)
            and value.keys() == {"count", "columns"}
            and is_whole(value["count"])
            and isinstance(value["columns"], dict)
            and all(map(_is_text, value["columns"].values())),
            f"origins is {origins!r}",
        )
    return {name: Origin(name, **value) for name, value in origins.items()}


def _folder_from_json(folder: Any) -> Folder:
    _require(
        isinstance(folder, dict)
        and folder.keys() == {"files", "bytes", "contents"}
        and is_whole(folder["files"])
        and is_whole(folder["bytes"])
        and _is_text(folder["contents"]),
        f"folder is {folder!r}",
    )
    return Folder(**folder)


def _files_from_json(manifest: Any) -> dict[str, File]:
    _require(isinstance(manifest, dict), "its files are no object")
    for path, file in manifest.items():
        _require(
            _is_list(file, lambda _: True, 3)
            and is_whole(file[0])
            and is_whole(file[1])
            and _is_text(file[2]),
            f"its file {path} is {file!r}",
        )
    return {path: File(*file) for path, file in manifest.items()}


def _is_list(values: Any, is_right: Any, length: int | None = None) -> bool:
    return (
        isinstance(values, list)
        and (length is None or len(values) == length)
        and all(map(is_right, values))
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


FACTS = {
    "image_shape": lambda shape: _is_list(shape, is_whole, 3),
    "value_range": lambda values: _is_list(values, is_number, 2),
    "class_names": lambda names: _is_list(names, _is_text),
}


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise UserError(f"the fingerprint of the data is damaged: {what}")
