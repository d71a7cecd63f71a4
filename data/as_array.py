"""What users give for images and labels, brought into the form of an array."""

from __future__ import annotations

import numpy as np

from ..errors import UserError
from .on_disk import OnDisk, Rows, fits_in_memory, mapped


def as_array(name: str, what: str, values: object) -> np.ndarray:
    """`values` as an array; `UserError` if they are lists of unequal lengths."""
    try:
        return np.asarray(values)
    except ValueError as error:
        raise UserError(f"{name}: the {what} do not form an array, as they must") from error


def as_images(name: str, values: object) -> np.ndarray | OnDisk:
    """`values` as an array (count, height, width, channels) of numbers, not copied.

    Memory-mapped arrays that would take too much of the memory stay on disk.
    """
    if isinstance(values, np.memmap) and (rows := Rows.of(values)) is not None:
        values = values if fits_in_memory(values.nbytes) else OnDisk(rows)
    images = values if isinstance(values, OnDisk) else as_array(name, "images", values)
    if images.ndim == 3:
        images = mapped(images, lambda rows: rows[..., np.newaxis])
    if images.ndim != 4:
        raise UserError(
            f"{name}: the images have shape {images.shape}, but must be "
            "(count, height, width) or (count, height, width, channels)"
        )
    if 0 in images.shape:
        raise UserError(f"{name}: there are no pixels in images of shape {images.shape}")
    if images.dtype.kind not in "buif":
        raise UserError(
            f"{name}: the images are of type {images.dtype}, but must be whole numbers, "
            "floating-point numbers in [0, 1], or true and false"
        )
    return images
