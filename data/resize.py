"""Pictures brought to another size without distortion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image


def resize(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Scale `picture` until it just covers `size`, then cut the centre out.

    Args:
        picture: Array (height, width, channels), uint8 or float32 in [0, 1].
        size: Height and width wanted.
    """
    from PIL import Image

    if picture.shape[:2] == size:
        return picture
    # Channel by channel, because Pillow knows no floating-point pictures of several channels.
    channels = [
        np.asarray(fitted(Image.fromarray(channel), size))
        for channel in np.moveaxis(picture, -1, 0)
    ]
    scaled = np.stack(channels, axis=-1)
    # The filter overshoots at edges; Pillow itself clips only uint8.
    return scaled if scaled.dtype == np.uint8 else scaled.clip(0, 1)


def fitted(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The same of a picture of Pillow's."""
    from PIL import Image, ImageOps

    if picture.size == size[::-1]:
        return picture
    return ImageOps.fit(picture, size[::-1], Image.Resampling.LANCZOS)


def resized(pictures: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The same of several, `(count, height, width, channels)`, were there none."""
    result = np.empty((len(pictures), *size, pictures.shape[-1]), pictures.dtype)
    for picture, into in zip(pictures, result, strict=True):
        into[...] = resize(picture, size)
    return result
