"""Pictures as a model takes them, of which nothing else is known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import UserError
from . import folder

_MODES = {1: "L", 3: "RGB"}


def read_pictures(
    paths: Sequence[Path], image_shape: tuple[int, int, int]
) -> tuple[list[str], np.ndarray]:
    """The names of picture files, and the pictures brought to one shape.

    Args:
        paths: Picture files, and folders of pictures or of class folders of pictures.
        image_shape: Height, width and channels wanted: one for grey, three for colour.

    Returns:
        The paths of all files, and an array `(count, height, width, channels)` of uint8.
    """
    *size, channels = image_shape
    if channels not in _MODES:
        raise UserError(
            f"pictures have 1 or 3 channels, and images of {channels} are wanted: give arrays in "
            "an .npz file"
        )
    files = []
    for path in paths:
        if path.is_dir():
            classes = folder.pictures(f"images:{path}", path)
            files += [file for group in classes.values() for file in group]
        elif path.is_file():
            files.append(path)
        else:
            raise UserError(f"there is no picture {path}")
    images = []
    for file in files:
        try:
            images.append(folder.pixels_of(file, _MODES[channels], tuple(size)))
        except Exception as error:  # Pillow's decoders raise errors of many unrelated types
            raise UserError(f"{file} is no picture that can be read: {error}") from None
    return [str(file) for file in files], np.stack(images)
