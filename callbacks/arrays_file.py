"""Arrays in a file that is either whole or not there."""

import os
import zipfile
import zlib
from pathlib import Path

import numpy as np

from ..errors import UserError


def write_arrays(path: Path, *arrays: np.ndarray, **named: np.ndarray) -> None:
    """Write arrays beside `path`, then let them take its place by one rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name("partial")
    try:
        with partial.open("wb") as file:
            np.savez(file, *arrays, **named)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file by name, in the order in which they were given.

    Raises:
        UserError: If the file is damaged.
    """
    try:
        with path.open("rb") as file, np.load(file) as saved:
            return {name: saved[name] for name in saved.files}
    except (EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{path} is damaged: {error}") from error


def numbered(directory: Path, name: str) -> dict[int, Path]:
    """The files `NAME-00001.npz`, … of a folder by their numbers, in order."""
    numbers = {path.stem.removeprefix(f"{name}-"): path for path in directory.glob(f"{name}-*.npz")}
    return dict(sorted((int(n), path) for n, path in numbers.items() if n.isdecimal()))
