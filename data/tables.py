"""Tables of numbers."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from ..errors import UserError
from .examples import Examples
from .features import Targets, Values
from .splits import take

# What may stand between the cells of a row.
DELIMITERS = (",", ";", "\t")


def read(path: Path, split: str) -> Examples:
    """The split of a table, as `read_table` reads it: the last column is to be predicted.

    Args:
        path: The file.
        split: One of `SPLITS`.

    Returns:
        Examples with the columns `values` and `targets`, a row of the table each.
    """
    name = f"table:{path}"
    names, numbers = read_table(path)
    if numbers.shape[1] < 2:
        raise UserError(
            f"{name} has one column, but must have at least two: the last one is to be predicted"
        )
    return of_columns(name, numbers[:, :-1], numbers[:, -1:], names, split)


def diabetes(split: str) -> Examples:
    """The split of scikit-learn's 442 patients: ten measurements, and how the disease went on."""
    from sklearn.datasets import load_diabetes

    table = load_diabetes(scaled=False)
    names = (*table.feature_names, "progression")
    return of_columns("diabetes", table.data, table.target[:, None], names, split)


def of_columns(name: str, values, targets, names: tuple[str, ...], split: str) -> Examples:
    """The split of numbers, with the names of their columns if there are any."""
    count = values.shape[1]
    columns = {"values": np.float32(values), "targets": np.float32(targets)}
    features = {
        "values": Values(count, names[:count]),
        "targets": Targets(targets.shape[1], names[count:]),
    }
    return take(Examples(name, columns, features), split)


def read_table(path: Path) -> tuple[tuple[str, ...], np.ndarray]:
    """The names of the columns, if the first row has some, and the numbers, `(rows, columns)`.

    Cells are separated by commas, semicolons or tabs.

    Args:
        path: The file, in UTF-8.

    Raises:
        UserError: If it is no table of numbers; which cell is none is said.
    """
    name = f"table:{path}"
    if not path.is_file():
        raise UserError(f"{name} is {'a folder, not a file' if path.exists() else 'no file'}")
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{name} is no text in UTF-8: {error.reason}") from None
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    rows = csv.reader(text.splitlines(), delimiter=delimiter)
    numbered = [(line, row) for line, row in enumerate(rows, 1) if any(map(str.strip, row))]
    names: tuple[str, ...] = ()
    if numbered and not all(map(_is_number, numbered[0][1])):
        names = tuple(cell.strip() for cell in numbered.pop(0)[1])
    if not numbered:
        raise UserError(f"{name} has no rows of numbers")
    width = len(names) or len(numbered[0][1])
    for line, row in numbered:
        if len(row) != width:
            raise UserError(f"{name}: line {line} has {len(row)} cells, the others have {width}")
        for column, cell in enumerate(row):
            if not _is_number(cell):
                which = names[column] if names else f"column {column + 1}"
                raise UserError(
                    f"{name}: each cell must be a finite number, got {cell!r} in line {line}, "
                    f"{which}"
                )
    return names, np.array([row for _, row in numbered], np.float64)


def _is_number(cell: str) -> bool:
    try:
        return bool(np.isfinite(float(cell)))
    except ValueError:
        return False
