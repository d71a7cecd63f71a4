"""Files that are either whole or not there: written aside, then renamed."""

import contextlib
import json
import os
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import UserError

_NEW = ".amalthea-new-"


def check_replaceable(path: Path, force: bool, what: str, holding: str | None = None) -> None:
    """Raise `UserError` if there is something at `path` that may not be replaced.

    Args:
        path: A file or a folder.
        force: Whether an earlier one of its kind may be replaced.
        what: Its kind, in words.
        holding: Name of a file by which a folder of the kind is known; None where it is a file.
    """
    if not path.exists():
        return
    if not ((path / holding).is_file() if holding else path.is_file()):
        raise UserError(f"{path} exists and is no earlier {what}: choose another place")
    if not force:
        raise UserError(f"{path} exists: choose another place, or replace it by force (--force)")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write a file or a folder to, which then takes its place.

    If the block fails, what it wrote is removed and `path` is as it was. What a kill leaves behind
    is removed, or put back, the next time.
    """
    # Hidden, and named so that nobody else's file is called like it; the suffix stays the same.
    aside = path.with_name(f"{_NEW}{path.name}")
    old = path.with_name(f".amalthea-old-{path.name}")
    if old.exists() and not path.exists():
        os.replace(old, path)
    remove(aside)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield aside
        if path.is_dir():  # a folder cannot be replaced in one move
            remove(old)
            os.replace(path, old)
        os.replace(aside, path)
        remove(old)
    finally:
        remove(aside)


@contextlib.contextmanager
def kept_if_possible(path: Path) -> Iterator[None]:
    """Within, what cannot be written to `path` is said and does not end the job."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error
        warnings.warn(f"{path} could not be written: {reason}", stacklevel=3)


def plain_path(text: str) -> str:
    """`text` with the paths as a user knows them, not as `replacing` calls them for a while."""
    return text.replace(_NEW, "")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON."""
    with replacing(path) as aside:
        aside.write_text(json.dumps(value, indent=2) + "\n")


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
