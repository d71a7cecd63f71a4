"""Scenes: the embedded digits among clutter, with masks, boxes and classes."""

from __future__ import annotations

import numpy as np

from . import digits
from .examples import Examples
from .features import Boxes, Image, Label, Mask
from .origin import origin_of
from .resize import resize

# Height and width of a scene; sides of a digit as shares of its smaller one; pieces of clutter.
SIZE = (32, 32)
SIDES = (0.3, 0.6)
CLUTTER = 4


def read(split: str, size: tuple[int, int] | None = None) -> Examples:
    """A scene for each digit of the split, always the same.

    A digit stands somewhere on a dark canvas in one of many sizes, beside quarters of other digits
    of its size, and noise lies over all, as in the cluttered digits of Mnih et al. 2014
    (https://arxiv.org/abs/1406.6247).

    Args:
        split: One of `SPLITS`.
        size: Height and width; 32×32 if not given.

    Returns:
        Examples with the columns `image`, `mask` (0 background, 1 digit), `boxes` (one, with the
        digit as its class) and `label`.
    """
    source, size = digits.read(split), size or SIZE
    pictures = np.round(255 * source.images).astype(np.uint8)
    random = np.random.default_rng(len(source))
    scenes = [_scene(pictures, digit, size, random) for digit in range(len(source))]
    images, masks, edges = (np.stack(parts) for parts in zip(*scenes, strict=True))
    boxes = np.concatenate([edges, source.labels[:, None]], axis=1, dtype="float32")[:, None]
    names = source.class_names
    examples = Examples(
        f"scenes, split {split}",
        {"image": images, "mask": masks, "boxes": boxes, "label": source.labels},
        {
            "image": Image((*size, 1), value_range=(0, 255)),
            "mask": Mask(2, size, ("background", "digit")),
            "boxes": Boxes(len(names), 1, names),
            "label": Label(len(names), names=names),
        },
    )
    return examples.replaced(origin=origin_of(examples, part=split))


def _scene(pictures, digit: int, size: tuple[int, int], random: np.random.Generator):
    """An image, its mask, and the edges of the box."""
    canvas, mask = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
    side = max(8, round(min(size) * random.uniform(*SIDES)))
    for other in random.integers(0, len(pictures), CLUTTER):
        whole = resize(pictures[other], (side, side))[..., 0]
        half = side // 2
        top, left = random.integers(0, 2, 2) * (side - half)
        _put(canvas, whole[top : top + half, left : left + half], random)
    picture = resize(pictures[digit], (side, side))[..., 0]
    top, left = _put(canvas, picture, random)
    inside = picture > 64
    mask[top : top + side, left : left + side] = inside
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    height, width = size
    edges = (
        (top + rows[0]) / height,
        (left + columns[0]) / width,
        (top + rows[-1] + 1) / height,
        (left + columns[-1] + 1) / width,
    )
    noisy = canvas * random.uniform(0.7, 1.0) + 20 * random.standard_normal(size)
    return noisy.clip(0, 255).astype(np.uint8)[..., None], mask, np.array(edges, "float32")


def _put(canvas: np.ndarray, picture: np.ndarray, random: np.random.Generator) -> tuple[int, int]:
    """Put a picture somewhere on a canvas, over what is there; where it is then."""
    height, width = picture.shape
    top = random.integers(0, canvas.shape[0] - height + 1)
    left = random.integers(0, canvas.shape[1] - width + 1)
    part = canvas[top : top + height, left : left + width]
    np.maximum(part, picture, out=part)
    return top, left
