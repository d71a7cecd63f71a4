"""Images that a user has in Python: arrays, a `tf.data.Dataset` or a `keras.utils.PyDataset`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import UserError
from . import splits
from . import value_range as ranges
from .as_array import as_array
from .examples import Examples
from .image_set import ImageSet
from .read import MOST_PIXELS

_ACCEPTED = (
    "an ImageSet, an array of images, (images, labels), a dict of images and labels, a batched or "
    "unbatched tf.data.Dataset of such, or a keras.utils.PyDataset"
)
_KEYS = {"image": "images", "images": "images", "label": "labels", "labels": "labels"}


def from_python(
    data: Any,
    *,
    name: str = "the data given",
    class_names: Sequence[str] = (),
    value_range: tuple[float, float] | None = None,
) -> ImageSet:
    """All images, and labels if there are any, of what a user has in Python.

    Arrays are not copied where an `ImageSet` can keep them as they are: who changes them later
    changes the set. Datasets are read once, from beginning to end, in the order in which they give
    their elements. An element of rank 4 is a batch, one of rank 2 an image; one of rank 3 is an
    image with channels, unless it comes with as many labels as it has rows: it is a batch of images
    without channels then.

    Args:
        data: An `ImageSet`, which is returned as it is; an array of images; a tuple `(images,)` or
            `(images, labels)`; a dict with the key "images" or "image" and optionally "labels" or
            "label"; a finite `tf.data.Dataset` whose elements have one of these forms; or a
            `keras.utils.PyDataset`, whose batches do. Labels as `ImageSet` takes them.
        name: What messages call the images.
        class_names: The classes' names in the order of their numbers.
        value_range: The values of black and white; decided by type and contents if not given.

    Raises:
        UserError: If `data` is something else, is infinite, or does not form a set of images.
    """
    class_names = tuple(class_names)
    if isinstance(data, ImageSet):
        for argument, given, has in (
            ("class_names", class_names, data.class_names),
            ("value_range", value_range and ranges.checked(value_range), data.value_range),
        ):
            if given and given != has:
                raise UserError(f"{name} is an ImageSet of {argument} {has}, not {given}")
        return data
    if _is_a(data, "tensorflow", "data.Dataset"):
        images, labels = _of_dataset(name, data)
    elif _is_a(data, "keras", "utils.PyDataset"):
        images, labels = _of_py_dataset(name, data)
    else:
        images, labels = _columns(name, data)
    return ImageSet(name, images, labels, class_names, value_range)


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


def _columns(name: str, data: Any) -> tuple[Any, Any]:
    """Images and labels, or None, of one of the forms that arrays and elements may have."""
    if isinstance(data, Mapping):
        columns: dict[str, Any] = {}
        for key, values in data.items():
            if _KEYS.get(key) is None or _KEYS[key] in columns:
                raise UserError(
                    f"{name} has the keys {', '.join(map(str, data))}, but must have images and "
                    "optionally labels"
                )
            columns[_KEYS[key]] = values
        if "images" not in columns:
            raise UserError(f"{name} has no key images, only {', '.join(map(str, data)) or 'none'}")
        return columns["images"], columns.get("labels")
    if isinstance(data, tuple):
        if len(data) not in (1, 2):
            weights = ": sample weights are not taken" if len(data) == 3 else ""
            raise UserError(
                f"{name} is a tuple of {len(data)}, but must be (images,) or (images, labels)"
                f"{weights}"
            )
        return data[0], data[1] if len(data) == 2 else None
    if isinstance(data, list) or hasattr(data, "__array__"):
        return data, None
    raise UserError(f"{name} is of type {type(data).__name__}, but must be {_ACCEPTED}")


def _of_dataset(name: str, data: Any) -> tuple[np.ndarray, np.ndarray | None]:
    import tensorflow as tf

    if int(data.cardinality()) == tf.data.INFINITE_CARDINALITY:
        raise UserError(f"{name} is an infinite tf.data.Dataset: leave out its repeat()")
    images, labels = _gathered(name, data.as_numpy_iterator())
    if _is_batched(name, images, labels):
        return _joined(name, images, labels)
    return _joined(name, [x[np.newaxis] for x in images], [y[np.newaxis] for y in labels])


def _of_py_dataset(name: str, data: Any) -> tuple[np.ndarray, np.ndarray | None]:
    if data.num_batches is None:
        raise UserError(f"{name} is an infinite PyDataset, but must have a number of batches")
    return _joined(name, *_gathered(name, (data[i] for i in range(data.num_batches))))


def _gathered(name: str, elements: Iterable) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The images and the labels of all elements; no labels if no element has some."""
    images: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    pixels = 0
    for some, classes in _each(name, elements):
        pixels += some.size
        if pixels > MOST_PIXELS:  # an endless one would else fill the memory
            raise UserError(
                f"{name} has more than {MOST_PIXELS:,} pixels and does not fit in memory"
            )
        images.append(some)
        if classes is not None:
            labels.append(classes)
        if labels and len(labels) < len(images):
            raise UserError(f"{name} has labels in some of its elements only")
    if not images:
        raise UserError(f"{name} has no elements")
    return images, labels


def _each(name: str, elements: Iterable) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    for element in elements:
        images, labels = _columns(name, element)
        yield (
            as_array(name, "images", images),
            None if labels is None else as_array(name, "labels", labels),
        )


def _is_batched(name: str, images: list[np.ndarray], labels: list[np.ndarray]) -> bool:
    """Whether the elements of a dataset are batches."""
    rank = images[0].ndim
    if rank not in (2, 3, 4):
        raise UserError(
            f"{name} has elements of shape {images[0].shape}, but they must be images (height, "
            "width) or (height, width, channels), or batches of them"
        )
    if rank != 3 or not labels or labels[0].ndim != 1:
        return rank == 4 or (rank == 3 and bool(labels) and labels[0].ndim == 2)
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


def _joined(
    name: str, images: list[np.ndarray], labels: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray | None]:
    """The batches as one array of images and one of labels."""
    shapes = sorted({batch.shape[1:] for batch in images})
    if len(shapes) > 1:
        raise UserError(
            f"{name} has images of {len(shapes)} shapes, such as {shapes[0]} and {shapes[-1]}, but "
            "they must agree"
        )
    if len({batch.shape[1:] for batch in labels}) > 1:
        raise UserError(f"{name} has labels of several shapes, but they must agree")
    return np.concatenate(images), np.concatenate(labels) if labels else None
