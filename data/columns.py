"""Examples of named arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import UserError
from .examples import Examples
from .features import FEATURES
from .image_set import ImageSet

# What the columns of images are called in files and in Keras.
_ALSO = {"images": "image", "labels": "label"}


def column_of(key: object) -> str | None:
    """The column that arrays of a name are; None if there is none."""
    column = _ALSO.get(key, key)
    return column if column in FEATURES else None


def examples_of(
    name: str,
    arrays: Mapping[str, Any],
    class_names: tuple[str, ...] = (),
    value_range: tuple[float, float] | None = None,
) -> Examples:
    """Examples of what a user has, each column being read as its feature does.

    Args:
        name: What messages call them.
        arrays: The columns by name, that which models are called with before the others.
        class_names: The classes' names in the order of their numbers.
        value_range: The values of black and white.

    Returns:
        The examples: an `ImageSet` where they are images alone or with labels.
    """
    if arrays.keys() <= {"image", "label"}:
        return ImageSet(name, arrays["image"], arrays.get("label"), class_names, value_range)
    options: dict[str, dict[str, Any]] = {}
    for column, argument, value in (
        ("label", "class_names", class_names),
        ("image", "value_range", value_range),
    ):
        if value and column not in arrays:
            raise UserError(f"{argument} is of {FEATURES[column].noun}, and {name} has none")
        options[column] = {argument: value}
    features, columns = {}, {}
    for column, values in arrays.items():
        read = FEATURES[column].read(name, values, **options.get(column, {}))
        features[column], columns[column] = read
    return Examples(name, columns, features)
