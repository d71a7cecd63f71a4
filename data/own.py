"""What a user has in Python: arrays, a `tf.data.Dataset` or a `keras.utils.PyDataset`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import UserError, nearest
from . import splits
from . import value_range as ranges
from .as_array import as_array
from .columns import column_of, examples_of
from .examples import Examples
from .features import FEATURES
from .read import MOST_PIXELS

# What arrays without names are.
PAIR = ("image", "label")


def from_python(
    data: Any,
    *,
    name: str = "the data given",
    columns: Sequence[str] = (),
    class_names: Sequence[str] = (),
    value_range: tuple[float, float] | None = None,
) -> Examples:
    """All examples of what a user has in Python.

    Arrays are not copied where they can be kept as they are: who changes them later changes the
    examples. Datasets are read once, from beginning to end, in the order in which they give their
    elements, which are single examples or batches. An element of rank 3 whose first column are
    images is an image with channels, unless it comes with as many labels as it has rows: it is a
    batch of images without channels then.

    Args:
        data: `Examples`, which are returned as they are; a dict of arrays by the names of their
            columns, those of `FEATURES` ("images" and "labels" are understood, too); an array, of
            the first of `columns`; a tuple of arrays, of all of them or the first few; a finite
            `tf.data.Dataset` whose elements have one of these forms; or a `keras.utils.PyDataset`,
            whose batches do. Images and labels as `ImageSet` takes them.
        name: What messages call the data.
        columns: What arrays without names are, in order: images and labels if not given. The first
            must be there; any may be first in a dict if they are not given.
        class_names: The classes' names in the order of their numbers.
        value_range: The values of black and white; decided by type and contents if not given.

    Returns:
        The examples: an `ImageSet` where they are images alone or with labels.

    Raises:
        UserError: If `data` is something else, is infinite, or does not form such columns.
    """
    class_names = tuple(class_names)
    if isinstance(data, Examples):
        has = data.features
        for argument, given, known in (
            ("class_names", class_names, has["label"].names if "label" in has else ()),
            (
                "value_range",
                value_range and ranges.checked(value_range),
                has["image"].value_range if "image" in has else None,
            ),
        ):
            if given and given != known:
                kind = type(data).__name__
                raise UserError(f"{name} is an {kind} of {argument} {known}, not {given}")
        return data
    if _is_a(data, "tensorflow", "data.Dataset"):
        arrays = _of_dataset(name, data, columns)
    elif _is_a(data, "keras", "utils.PyDataset"):
        arrays = _of_py_dataset(name, data, columns)
    else:
        arrays = _columns(name, data, columns)
    return examples_of(name, arrays, class_names, value_range)


def split(whole: Examples, split: str) -> Examples:
    """The part of a whole set that is for `split`, as `read` cuts arrays: 80/10/10.

    Every class is spread over the splits in proportion, and the cut is the same in every run; it
    depends on the number of images and on their labels.

    Args:
        whole: All examples.
        split: "train", "validation", "test" or "train+validation".
    """
    splits.check_split(split)
    part = splits.take(whole, split)
    return part.replaced(name=f"{whole.name}, split {split}")


def _is_a(data: Any, module: str, name: str) -> bool:
    """Whether `data` is of a class of a module, which must be imported if there is an instance."""
    found = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found is not None and isinstance(data, found)


def _columns(name: str, data: Any, columns: Sequence[str]) -> dict[str, Any]:
    """What arrays and elements hold, by the names of their columns, those of `columns` first."""
    if isinstance(data, Mapping):
        named: dict[str, Any] = {}
        for key, values in data.items():
            column = column_of(key)
            if column is None or column in named:
                raise UserError(
                    f"{name} has the keys {', '.join(map(str, data))}, but they must be of "
                    f"{', '.join(FEATURES)}{nearest(str(key), FEATURES)}"
                )
            named[column] = values
        first = (columns or PAIR)[0]
        if first in named:
            return {first: named.pop(first), **named}
        if columns or not named.keys() - {"label"}:
            listed = ", ".join(map(str, data)) or "none"
            raise UserError(f"{name} has no key {first}, only {listed}")
        return named
    columns = columns or PAIR
    if isinstance(data, tuple):
        if not 1 <= len(data) <= len(columns):
            forms = f"({columns[0]},) or ({', '.join(columns)})"
            weights = ": sample weights are not taken" if len(data) == 3 else ""
            raise UserError(f"{name} is a tuple of {len(data)}, but must be {forms}{weights}")
        return dict(zip(columns, data, strict=False))
    if isinstance(data, list) or hasattr(data, "__array__"):
        return {columns[0]: data}
    nouns = [FEATURES[column].noun for column in columns]
    raise UserError(
        f"{name} is of type {type(data).__name__}, but must be an array of {nouns[0]}, "
        f"({', '.join(nouns)}), a dict of columns, a batched or unbatched tf.data.Dataset of such, "
        "a keras.utils.PyDataset, or Examples"
    )


def _of_dataset(name: str, data: Any, columns: Sequence[str]) -> dict[str, np.ndarray]:
    import tensorflow as tf

    if int(data.cardinality()) == tf.data.INFINITE_CARDINALITY:
        raise UserError(f"{name} is an infinite tf.data.Dataset: leave out its repeat()")
    gathered = _gathered(name, data.as_numpy_iterator(), columns)
    if not _is_batched(name, gathered):
        gathered = {c: [row[np.newaxis] for row in rows] for c, rows in gathered.items()}
    return _joined(name, gathered)


def _of_py_dataset(name: str, data: Any, columns: Sequence[str]) -> dict[str, np.ndarray]:
    if data.num_batches is None:
        raise UserError(f"{name} is an infinite PyDataset, but must have a number of batches")
    return _joined(name, _gathered(name, (data[i] for i in range(data.num_batches)), columns))


def _gathered(name: str, elements: Iterable, columns: Sequence[str]) -> dict[str, list[np.ndarray]]:
    """The columns of all elements, which must be the same in each."""
    gathered: dict[str, list[np.ndarray]] = {}
    numbers = 0
    for count, element in enumerate(elements, 1):
        for column, values in _columns(name, element, columns).items():
            array = as_array(name, FEATURES[column].noun, values)
            gathered.setdefault(column, []).append(array)
            numbers += array.size
        if numbers > MOST_PIXELS:  # an endless one would else fill the memory
            raise UserError(
                f"{name} has more than {MOST_PIXELS:,} numbers and does not fit in memory"
            )
        for column, arrays in gathered.items():
            if len(arrays) < count:
                raise UserError(f"{name} has {FEATURES[column].noun} in some of its elements only")
    if not gathered:
        raise UserError(f"{name} has no elements")
    return gathered


def _is_batched(name: str, gathered: Mapping[str, list[np.ndarray]]) -> bool:
    """Whether the elements of a dataset are batches."""
    first = next(iter(gathered))
    shape, axes = gathered[first][0].shape, FEATURES[first].axes
    if first == "image" and len(shape) == 3:
        return _without_channels(name, gathered)
    if len(shape) not in ((2, 4) if first == "image" else (axes, axes + 1)):
        form = "(height, width) or (height, width, channels)" if first == "image" else ""
        raise UserError(
            f"{name} has elements of shape {shape}, but they must be {FEATURES[first].noun} "
            f"{form or f'of {axes} axes'}, or batches of them"
        )
    return len(shape) > axes


def _without_channels(name: str, gathered: Mapping[str, list[np.ndarray]]) -> bool:
    """Whether elements of rank 3 are batches of images without channels."""
    images, labels = gathered["image"], gathered.get("label")
    others = {c: rows for c, rows in gathered.items() if c not in ("image", "label")}
    if others:
        return any(rows[0].ndim > FEATURES[column].axes for column, rows in others.items())
    if not labels or labels[0].ndim != 1:
        return bool(labels) and labels[0].ndim == 2
    # Labels of rank 1 are those of a batch, or one row of one-hot ones.
    if any(len(y) != len(x) for x, y in zip(images, labels, strict=True)):
        return False
    like_one_hot = all(
        len(y) == len(labels[0]) > 1 and y.dtype.kind in "buif" and sorted(y)[-2:] == [0, 1]
        for y in labels
    )
    if like_one_hot:
        raise UserError(
            f"{name} has elements of shape {images[0].shape} with labels of shape "
            f"{labels[0].shape}, which may be images with one-hot labels or batches of images: "
            "batch it, or give the images a channel axis"
        )
    return True


def _joined(name: str, gathered: Mapping[str, list[np.ndarray]]) -> dict[str, np.ndarray]:
    """The batches as one array a column."""
    for column, batches in gathered.items():
        shapes = sorted({batch.shape[1:] for batch in batches})
        if len(shapes) > 1:
            raise UserError(
                f"{name} has {FEATURES[column].noun} of {len(shapes)} shapes, such as {shapes[0]} "
                f"and {shapes[-1]}, but they must agree"
            )
    return {column: np.concatenate(batches) for column, batches in gathered.items()}
