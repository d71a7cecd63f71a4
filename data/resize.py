"""Pictures brought to another size without distortion."""

from __future__ import annotations

import numpy as np


def resize(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Scale `picture` until it just covers `size`, then cut the centre out.

    Args:
        picture: Array (height, width, channels), uint8 or float32 in [0, 1].
        size: Height and width wanted.
    """
    from PIL import Image, ImageOps

    if picture.shape[:2] == size:
        return picture

    def fit(pixels: np.ndarray) -> np.ndarray:
        picture = Image.fromarray(pixels)
        return np.asarray(ImageOps.fit(picture, size[::-1], Image.Resampling.LANCZOS))

    if picture.dtype == np.uint8 and picture.shape[-1] == 3:
        return fit(np.ascontiguousarray(picture))
    # Channel by channel, because Pillow knows no other pictures of several channels.
    scaled = np.stack([fit(channel) for channel in np.moveaxis(picture, -1, 0)], axis=-1)
    # The filter overshoots at edges; Pillow itself clips only uint8.
    return scaled if scaled.dtype == np.uint8 else scaled.clip(0, 1)


def resized(pictures: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The same of several, `(count, height, width, channels)`, were there none."""
    result = np.empty((len(pictures), *size, pictures.shape[-1]), pictures.dtype)
    for picture, into in zip(pictures, result, strict=True):
        into[...] = resize(picture, size)
    return result
