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
    # Channel by channel, because Pillow knows no floating-point pictures of several channels.
    channels = [
        np.asarray(
            ImageOps.fit(Image.fromarray(channel), size[::-1], Image.Resampling.LANCZOS),
        )
        for channel in np.moveaxis(picture, -1, 0)
    ]
    scaled = np.stack(channels, axis=-1)
    # The filter overshoots at edges; Pillow itself clips only uint8.
    return scaled if scaled.dtype == np.uint8 else scaled.clip(0, 1)
