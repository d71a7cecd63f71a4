"""Columns whose rows lie on disk, and are read when they are asked for."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..errors import UserError

if TYPE_CHECKING:
    import tensorflow as tf

# Data are read into memory where they take at most this share of what is free.
SHARE = 0.25
# Of a column that is looked at whole, about so many bytes are in memory at a time.
_AT_ONCE = 2**24


def fits_in_memory(size: int) -> bool:
    """Whether so many bytes are at most `SHARE` of the free memory."""
    import psutil

    return size <= SHARE * psutil.virtual_memory().available


class Stored(Protocol):
    """Rows that lie on disk.

    Attributes:
        shape: That of the array that all of them would be.
        dtype: Its type.
        told: What tells them from others, without reading them all.
        skips: Whether those that cannot be read are left out.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    told: str
    skips: bool

    def read(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Those of some rows that can be read, and whether each can.

        Raises:
            UserError: If one cannot that must.
        """

    def report(self) -> None:
        """Warn of those that were left out since the last report, if any; where some may be."""


class OnDisk:
    """A column on disk, which looks as an array does.

    Indexing by a slice, or by numbers of rows, reads nothing; by one number, and `numpy.asarray`,
    reads.

    Args:
        stored: Where the rows are.
        rows: Which of them the column has, in order; all if not given.
        change: What is made of the rows as they are read, `(rows, …)` to `(rows, …)`, were there
            none.
    """

    def __init__(
        self,
        stored: Stored,
        rows: np.ndarray | None = None,
        change: Callable[[np.ndarray], np.ndarray] | None = None,
    ):
        self.stored = stored
        self.rows = np.arange(stored.shape[0]) if rows is None else rows
        self.change = change
        row, dtype = stored.shape[1:], stored.dtype
        if change:
            changed = change(np.empty((0, *row), dtype))
            row, dtype = changed.shape[1:], changed.dtype
        self.shape = (len(self.rows), *row)
        self.dtype = np.dtype(dtype)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: Any) -> OnDisk | np.ndarray:
        if isinstance(rows, Integral):
            return np.asarray(OnDisk(self.stored, self.rows[[rows]], self.change))[0]
        return OnDisk(self.stored, self.rows[rows], self.change)

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        values, found = self.read(np.arange(len(self)))
        if not found.all():
            raise UserError(f"{(~found).sum()} of {len(self)} rows cannot be read")
        return values.astype(dtype or values.dtype, copy=False)

    @property
    def skips(self) -> bool:
        """Whether rows that cannot be read are left out."""
        return self.stored.skips

    def report(self) -> None:
        """Warn of rows that were left out because they cannot be read, if any."""
        if self.skips:
            self.stored.report()

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def told(self) -> str:
        """What tells the column from others, without reading it."""
        return f"{self.stored.told} {self.dtype.str}{self.shape}"

    def map(self, change: Callable[[np.ndarray], np.ndarray]) -> OnDisk:
        """The column with something made of its rows as they are read."""
        before = self.change
        after = change if before is None else lambda rows: change(before(rows))
        return OnDisk(self.stored, self.rows, after)

    def read(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Those of some rows that can be read, and whether each can."""
        values, found = self.stored.read(self.rows[rows])
        return (self.change(values) if self.change else values), found

    def blocks(self):
        """The rows, some after others, as arrays of a moderate size."""
        row = max(1, int(np.prod(self.shape[1:])) * self.dtype.itemsize)
        step = max(1, _AT_ONCE // row)
        for start in range(0, len(self), step):
            yield np.asarray(self[start : start + step])

    def tensor(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The same as `read`, in an input pipeline."""
        import tensorflow as tf

        values, found = tf.numpy_function(self.read, [rows], [self.dtype, tf.bool])
        return tf.ensure_shape(values, (None, *self.shape[1:])), tf.ensure_shape(found, (None,))


def mapped(column: Any, change: Callable[[np.ndarray], np.ndarray]) -> Any:
    """What is made of the rows of a column: of an array now, of one on disk when they are read."""
    return column.map(change) if isinstance(column, OnDisk) else change(column)


class Rows:
    """The rows of an array in a file, uncompressed.

    They are read, not memory-mapped: mapped pages would count as memory of the process until the
    system wants them back.

    Args:
        path: The file.
        offset: Where in it the array begins, in bytes.
        shape: Its shape.
        dtype: Its type.
    """

    skips = False

    def __init__(self, path: str | Path, offset: int, shape: tuple[int, ...], dtype: np.dtype):
        self.path, self.offset = Path(path), offset
        self.shape, self.dtype = tuple(shape), np.dtype(dtype)
        status = self.path.stat()
        self.told = f"{status.st_size} {status.st_mtime_ns} {offset}"

    @classmethod
    def of(cls, array: np.memmap) -> Rows | None:
        """Those of a memory-mapped array; None if it is only a part of what is mapped."""
        import mmap

        whole = isinstance(array.base, mmap.mmap) and array.flags.c_contiguous
        if not whole or array.filename is None:
            return None
        return cls(array.filename, array.offset, array.shape, array.dtype)

    def read(self, rows):
        values = np.empty((len(rows), *self.shape[1:]), self.dtype)
        size = values[:1].nbytes if len(rows) else 0
        memory = memoryview(values.reshape(-1).view(np.uint8))
        try:
            with self.path.open("rb", buffering=0) as file:
                at, count = 0, len(rows)
                while at < count:
                    # Rows that follow one another are read at once.
                    end = at + 1
                    while end < count and rows[end] == rows[end - 1] + 1:
                        end += 1
                    start = self.offset + int(rows[at]) * size
                    done = os.preadv(file.fileno(), [memory[at * size : end * size]], start)
                    if done < (end - at) * size:
                        raise OSError("it is shorter than before")
                    at = end
        except OSError as error:
            raise UserError(f"{self.path} can no longer be read: {error}") from None
        return values, np.ones(len(rows), bool)


def rows_of(path: Path) -> dict[str, Rows] | None:
    """The arrays of an `.npz` file, by name, as rows; None where some are compressed."""
    found = {}
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        for member in archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED:
                return None
            # A local header is 30 bytes, a name and what is called extra; the array follows.
            file.seek(member.header_offset)
            header = file.read(30)
            lengths = (int.from_bytes(header[i : i + 2], "little") for i in (26, 28))
            file.seek(sum(lengths), os.SEEK_CUR)
            shape, in_fortran_order, dtype = _header(file)
            if in_fortran_order or dtype.hasobject or not shape:
                return None
            name = member.filename.removesuffix(".npy")
            found[name] = Rows(path, file.tell(), shape, dtype)
    return found


def _header(file) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, order and type of the array that follows in a file."""
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    version = np.lib.format.read_magic(file)
    if version not in read:
        raise ValueError(f"its arrays are of version {version}")
    return read[version](file)
