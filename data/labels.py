"""The classes of images: class numbers, one-hot rows or texts, all brought to class numbers."""

from __future__ import annotations

import numpy as np

from ..errors import UserError, nearest
from .as_array import as_array

# Labels beyond this are surely identifiers, for which no model could have an output each.
MOST_CLASSES = 100_000


def read_labels(
    name: str, labels: object, count: int, class_names: tuple[str, ...] = ()
) -> tuple[np.ndarray, tuple[str, ...]]:
    """The class numbers of a whole set as int32, and the names of its classes, if it has some.

    Args:
        name: What messages call the images.
        labels: Class numbers (count,) or (count, 1) from 0 on; or one-hot rows (count, classes); or
            texts, each of them one of `class_names`. Without those the distinct texts, sorted, are
            the classes. Class numbers without names must begin at 0, since a model would otherwise
            learn a class that has no image.
        count: How many images there are.
        class_names: The names of the classes in the order of their numbers.
    """
    labels = label_array(name, labels, count)
    if labels.ndim == 2:
        return _of_one_hot(name, labels, class_names)
    if labels.dtype.kind in "USO":
        return _of_texts(name, labels, class_names)
    numbers = class_numbers(name, labels, count, class_names)
    if not class_names and (least := numbers.min()) > 0:
        largest = numbers.max()
        raise UserError(
            f"{name}: the labels go from 1 to {largest} and none is 0, so they seem to begin at 1, "
            "but class numbers begin at 0: subtract 1, or give class_names if class 0 is to be "
            "empty"
            if least == 1
            else f"{name}: the labels go from {least} to {largest}, so that the classes below "
            f"{least} have no images: number the classes from 0, or give class_names"
        )
    return numbers, class_names


def label_array(name: str, labels: object, count: int) -> np.ndarray:
    """`labels` as an array of shape (count,) or, with two columns or more, (count, columns)."""
    labels = as_array(name, "labels", labels)
    if labels.ndim not in (1, 2) or len(labels) != count:
        raise UserError(
            f"{name}: the labels have shape {labels.shape}, but must be ({count},), "
            f"one class number per image, or ({count}, classes), one-hot"
        )
    return labels[:, 0] if labels.shape[1:] == (1,) else labels  # as in Keras' CIFAR-10


def numbered(labels: np.ndarray) -> tuple[str, ...]:
    """Their numbers as the names of classes without others."""
    return tuple(map(str, range(int(labels.max()) + 1)))


def class_numbers(
    name: str, labels: np.ndarray, count: int, class_names: tuple[str, ...] = ()
) -> np.ndarray:
    """`labels` as int32; `UserError` unless they are `count` class numbers."""
    if labels.shape != (count,):
        raise UserError(
            f"{name}: the labels have shape {labels.shape}, but must be ({count},), "
            "one class number per image"
        )
    if labels.dtype.kind not in "buif":
        raise UserError(
            f"{name}: the labels, of type {labels.dtype}, must be class numbers, "
            "whole numbers from 0 on"
        )
    limit = len(class_names) or MOST_CLASSES
    with np.errstate(invalid="ignore"):
        wrong = ~((labels >= 0) & (labels < limit) & (labels == np.floor(labels)))
    if not wrong.any():
        return labels.astype(np.int32, copy=False)
    least, largest = labels.min(), labels.max()
    first = int(wrong.argmax())
    if (least, largest) == (1, limit) and (labels[wrong] == limit).all():
        hint = "; they seem to begin at 1: subtract 1"
    else:
        hint = ""
    raise UserError(
        f"{name}: labels must be class numbers from 0 to {limit - 1}, but {int(wrong.sum())} of "
        f"{count} are not (first label {first}: {labels[first]}; they go from {least} to "
        f"{largest}){hint}"
    )


def _of_one_hot(
    name: str, labels: np.ndarray, class_names: tuple[str, ...]
) -> tuple[np.ndarray, tuple[str, ...]]:
    count, classes = labels.shape
    if class_names and classes != len(class_names):
        raise UserError(
            f"{name}: the one-hot labels have {classes} columns, but there are "
            f"{len(class_names)} classes"
        )
    if labels.dtype.kind in "buif":
        right = ((labels == 0) | (labels == 1)).all(axis=1) & ((labels == 1).sum(axis=1) == 1)
    else:
        right = np.zeros(count, bool)
    if not right.all():
        first = int((~right).argmax())
        raise UserError(
            f"{name}: labels of shape {labels.shape} must be one-hot, a single 1 and else 0 in "
            f"each row, but {int((~right).sum())} rows are not (first row {first}: "
            f"{np.array2string(labels[first], threshold=10)})"
        )
    # Named, since a last class without images would otherwise get lost.
    names = class_names or tuple(map(str, range(classes)))
    return labels.argmax(axis=1).astype(np.int32), names


def _of_texts(
    name: str, labels: np.ndarray, class_names: tuple[str, ...]
) -> tuple[np.ndarray, tuple[str, ...]]:
    texts = [_text(name, position, label) for position, label in enumerate(labels.tolist())]
    names = class_names or tuple(sorted(set(texts)))
    numbers = {text: number for number, text in enumerate(names)}
    if len(numbers) < len(names):
        raise UserError(f"{name}: labels that are texts need class names that all differ")
    if len(names) > MOST_CLASSES:
        raise UserError(f"{name}: the labels are {len(names):,} different texts, no classes")
    for position, text in enumerate(texts):
        if text not in numbers:
            raise UserError(
                f"{name}: label {position}, {text!r}, is no class{nearest(text, names)}"
            )
    return np.array([numbers[text] for text in texts], np.int32), names


def _text(name: str, position: int, label: object) -> str:
    if isinstance(label, bytes):
        try:
            label = label.decode()
        except UnicodeDecodeError:
            raise UserError(f"{name}: label {position}, {label!r}, is no text in UTF-8") from None
    if not isinstance(label, str) or not label:
        raise UserError(
            f"{name}: label {position} is {label!r}, but must be a class number or the name of a "
            "class, as all labels"
        )
    return label
