"""The user's own arrays in an .npz file."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import UserError
from .as_array import as_images
from .columns import column_of, examples_of
from .examples import Examples
from .image_set import ImageSet
from .labels import label_array, numbered, read_labels
from .on_disk import OnDisk, fits_in_memory, rows_of
from .origin import origin_of
from .splits import take
from .value_range import decide

_IMAGES = {"image", "images", "x_train", "x_test"}
_KEYS = "images and optionally labels, or other columns, or x_train, y_train, x_test and y_test"


def read(
    path: Path,
    split: str,
    value_range: tuple[float, float] | None = None,
    in_memory: bool | None = None,
) -> Examples:
    """The split of the images in `path`.

    Arrays `images` and, optionally, `labels` are cut 80/10/10, and so are others that are named as
    the columns of `FEATURES` are, that which models are called with before the others. In a file
    with `x_train`, `y_train`, `x_test` and `y_test`, as Keras stores MNIST (labels optional here
    too), the test split is the file's own and a tenth of the others is for validation. What pixels
    and labels mean is decided by all that the file holds.
    """
    name = f"arrays:{path}"
    contents = _contents(name, path, in_memory)
    columns = {column: contents[key] for key in contents if (column := column_of(key))}
    if columns.keys() - {"label"}:
        return take(examples_of(name, columns, value_range=value_range), split)
    if not {"x_train", "x_test"} <= contents.keys():
        keys = ", ".join(contents) or "none"
        raise UserError(f"{name} must have the keys {_KEYS}, but its keys are: {keys}")
    train, test = _parts(name, contents, value_range)
    origin = origin_of(train, test)
    train, test = (replace(part, origin=origin) for part in (train, test))
    return test if split == "test" else take(train, split, test=0)


def _contents(name: str, path: Path, in_memory: bool | None) -> dict[str, np.ndarray | OnDisk]:
    """The arrays of a file, by name: images stay on disk if asked for, or where they do not fit."""
    if not path.is_file():
        raise UserError(f"{name} is {'a folder, not a file' if path.exists() else 'no file'}")
    if not zipfile.is_zipfile(path):
        raise UserError(f"{name} is no .npz file, as numpy.savez writes it")
    try:
        on_disk = None
        if in_memory is False or (in_memory is None and not fits_in_memory(path.stat().st_size)):
            on_disk = rows_of(path)
        if on_disk is None and in_memory is False:
            raise UserError(
                f"{name} must be written by numpy.savez, uncompressed and row by row, to be left "
                "on disk"
            )
        large = {key for key in on_disk or () if key in _IMAGES and on_disk[key].shape[0]}
        if in_memory is False and not large:
            raise UserError(f"{name} has no images, which alone can be left on disk")
        with np.load(path, allow_pickle=False) as file:
            return {k: OnDisk(on_disk[k]) if k in large else file[k] for k in file.files}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{name} must hold undamaged numeric arrays: {error}") from error


def _parts(
    name: str, contents: dict[str, np.ndarray], value_range: tuple[float, float] | None
) -> tuple[ImageSet, ImageSet]:
    """The images to train with and those to test with, of a file in the form of Keras' MNIST."""
    x_train, x_test = (as_images(f"{name}, {key}", contents[key]) for key in ("x_train", "x_test"))
    if x_train.shape[1:] != x_test.shape[1:]:
        raise UserError(
            f"{name}: x_train has images of shape {x_train.shape[1:]} and x_test of "
            f"{x_test.shape[1:]}, but they must agree"
        )
    if ("y_train" in contents) != ("y_test" in contents):
        raise UserError(f"{name} has only one of y_train and y_test, but needs both or neither")
    value_range = value_range or decide(name, [x_train, x_test])
    train = ImageSet(f"{name}, x_train", x_train, value_range=value_range)
    test = ImageSet(f"{name}, x_test", x_test, value_range=value_range)
    if "y_train" not in contents:
        return replace(train, name=name), test
    y_train, y_test = (
        label_array(f"{name}, {x} and {y}", contents[y], len(images))
        for x, y, images in (("x_train", "y_train", train), ("x_test", "y_test", test))
    )
    if y_train.shape[1:] != y_test.shape[1:] or _is_text(y_train) != _is_text(y_test):
        raise UserError(
            f"{name}: y_train, of shape {y_train.shape} and type {y_train.dtype}, and y_test, of "
            f"shape {y_test.shape} and type {y_test.dtype}, must be of one kind"
        )
    # Together, since a class may be in one of them only.
    labels, names = read_labels(
        f"{name}, y_train and then y_test",
        np.concatenate([y_train, y_test]),
        len(train) + len(test),
    )
    names = names or numbered(labels)
    return (
        replace(train, name=name, labels=labels[: len(train)], class_names=names),
        replace(test, labels=labels[len(train) :], class_names=names),
    )


def _is_text(labels: np.ndarray) -> bool:
    return labels.dtype.kind in "US"
