"""Which files a folder of pictures holds, and in words how they differ from those of before."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from . import folder as folders
from .origin import BYTES_OF_A_HASH

# How many files or classes a sentence names.
_NAMED = 3


class File(NamedTuple):
    """Size in bytes, time of modification in nanoseconds, and a hash of the contents.

    The hash is empty where a file cannot be read, or was not: size and time tell it then.
    """

    size: int
    time: int
    contents: str

    @property
    def told(self) -> str:
        """What tells it from others."""
        return self.contents or f"{self.size} {self.time}"


Manifest = Mapping[str, File]


def manifest_of(
    folder: Path, known: Manifest | None = None, *, contents: bool = True
) -> dict[str, File]:
    """The pictures in `folder` by their paths in it, such as `cats/x.png`.

    Args:
        folder: A folder that `images:` can read.
        known: An earlier manifest. Files that have the size and time that it says are not read
            again: their contents are taken to be the same.
        contents: Whether files are read to know what they hold.
    """
    known = known or {}
    classes = folders.pictures(f"images:{folder}", folder)

    def file_of(path: Path) -> File:
        status = path.stat()
        before = known.get(path.relative_to(folder).as_posix())
        if before and before[:2] == (status.st_size, status.st_mtime_ns) and before.contents:
            return before
        return File(status.st_size, status.st_mtime_ns, _contents(path) if contents else "")

    paths = [path for paths in classes.values() for path in paths]
    with ThreadPoolExecutor() as pool:
        files = pool.map(file_of, paths)
        return {
            p.relative_to(folder).as_posix(): file for p, file in zip(paths, files, strict=True)
        }


def hash_of(manifest: Manifest) -> str:
    """One hash of all paths and contents; the times do not matter."""
    hasher = hashlib.blake2b(digest_size=BYTES_OF_A_HASH)
    for path, file in sorted(manifest.items()):
        hasher.update(f"{path}\0{file.told}\0".encode(errors="surrogateescape"))
    return hasher.hexdigest()


def differences(old: Manifest, new: Manifest) -> list[str]:
    """In words, how the files of `new` differ from those of `old`; nothing if they do not.

    A class whose folder got another name is told as such if its files are the same; so are classes
    that exchanged their names.
    """
    renamed = _renamed_classes(old, new)
    words = [f"class {before} is renamed {after}" for before, after in renamed.items()]
    old = {
        f"{renamed.get(_class(path), _class(path))}/{_name(path)}": file
        for path, file in old.items()
    }
    new = {f"{_class(path)}/{_name(path)}": file for path, file in new.items()}
    for changed, text in (
        (new.keys() - old.keys(), "new"),
        (old.keys() - new.keys(), "gone"),
        ({p for p in old.keys() & new.keys() if old[p].told != new[p].told}, "changed"),
    ):
        if changed:
            pictures = "1 picture is" if len(changed) == 1 else f"{len(changed)} pictures are"
            words.append(f"{pictures} {text} ({few(p.lstrip('/') for p in sorted(changed))})")
    return words


def few(names: Iterable[str]) -> str:
    """The first of the names, as a sentence has them."""
    names = list(names)
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _contents(path: Path) -> str:
    try:
        with path.open("rb") as file:
            hasher = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=BYTES_OF_A_HASH))
    except OSError:  # such pictures are skipped
        return ""
    return hasher.hexdigest()


def _renamed_classes(old: Manifest, new: Manifest) -> dict[str, str]:
    """The new names of classes all of whose files are in a class of another name now."""
    before, after = _classes(old), _classes(new)
    names = {}
    for name, files in before.items():
        if after.get(name) != files:
            same = [other for other, others in after.items() if others == files]
            # Classes of equal files cannot be told apart, nor from one that is unchanged.
            if len(same) == 1 and before.get(same[0]) != files:
                names[name] = same[0]
    # Two folders of equal files cannot both have become the same one.
    return {n: m for n, m in names.items() if list(names.values()).count(m) == 1}


def _classes(manifest: Manifest) -> dict[str, dict[str, str]]:
    """The contents of the files of each class by their names in it."""
    classes: dict[str, dict[str, str]] = {}
    for path, file in manifest.items():
        if _class(path):
            classes.setdefault(_class(path), {})[_name(path)] = file.told
    return classes


def _class(path: str) -> str:
    return path.rpartition("/")[0]


def _name(path: str) -> str:
    return path.rpartition("/")[2]
