"""The user's own arrays in an .npz file."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import UserError
from .image_set import ImageSet
from .splits import take

_KEYS = "images and optionally labels, or x_train, y_train, x_test and y_test"


def read(path: Path, split: str) -> ImageSet:
    """The split of the images in `path`.

    Arrays `images` and, optionally, `labels` are cut 80/10/10. In a file with `x_train`, `y_train`,
    `x_test` and `y_test`, as Keras stores MNIST (labels optional here too), the test split is the
    file's own and a tenth of the others is for validation.
    """
    name = f"arrays:{path}"
    if not path.is_file():
        raise UserError(f"{name} is {'a folder, not a file' if path.exists() else 'no file'}")
    if not zipfile.is_zipfile(path):
        raise UserError(f"{name} is no .npz file, as numpy.savez writes it")
    try:
        with np.load(path, allow_pickle=False) as file:
            contents = dict(file)
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{name} must hold undamaged numeric arrays: {error}") from error

    if "images" in contents:
        return take(_image_set(name, contents, "images", "labels"), split)
    if not {"x_train", "x_test"} <= contents.keys():
        keys = ", ".join(contents) or "none"
        raise UserError(f"{name} must have the keys {_KEYS}, but its keys are: {keys}")
    train = _image_set(f"{name}, x_train and y_train", contents, "x_train", "y_train")
    test = _image_set(f"{name}, x_test and y_test", contents, "x_test", "y_test")
    if train.image_shape != test.image_shape:
        raise UserError(
            f"{name}: x_train has images of shape {train.image_shape} and x_test of "
            f"{test.image_shape}, but they must agree"
        )
    if (train.labels is None) != (test.labels is None):
        raise UserError(f"{name} has only one of y_train and y_test, but needs both or neither")
    names = max(train.class_names, test.class_names, key=len)
    if split == "test":
        return replace(test, class_names=names)
    return take(replace(train, name=name, class_names=names), split, test=0)


def _image_set(name: str, contents: dict[str, np.ndarray], images: str, labels: str) -> ImageSet:
    column = contents.get(labels)
    if column is not None and column.ndim == 2 and column.shape[1] == 1:
        column = column[:, 0]  # as in Keras' CIFAR-10
    checked = ImageSet(name, contents[images], column)
    # Named, so that all splits agree on the number of classes.
    return replace(checked, class_names=tuple(map(str, range(checked.num_classes))))
