"""Files that are either whole or not there: written aside, then renamed."""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write a file or a folder to, which then takes its place.

    If the block fails, what it wrote is removed and `path` is as it was.
    """
    aside = path.with_name(f"partial-{path.name}")
    _remove(aside)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield aside
        if path.is_dir():
            _remove(path)
        os.replace(aside, path)
    finally:
        _remove(aside)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON."""
    with replacing(path) as aside:
        aside.write_text(json.dumps(value, indent=2) + "\n")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
