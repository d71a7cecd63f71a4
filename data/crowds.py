"""Crowds: several of the embedded digits in one image, tagged by which there are."""

from __future__ import annotations

import numpy as np

from . import digits
from .examples import Examples
from .features import Image, Tags
from .origin import origin_of
from .resize import resize

# Height and width of an image; digits in one; their sides as shares of the quarter's smaller one.
SIZE = (32, 32)
MOST = 4
SIDES = (0.6, 1.0)


def read(split: str, size: tuple[int, int] | None = None) -> Examples:
    """An image for each digit of the split, always the same, with up to three others of the split.

    Each digit stands somewhere in a quarter of a dark canvas, in one of many sizes, and noise lies
    over all.

    Args:
        split: One of `SPLITS`.
        size: Height and width; 32×32 if not given.

    Returns:
        Examples with the columns `image` and `tags`, one for each of the ten digits.
    """
    source, size = digits.read(split), size or SIZE
    pictures = np.round(255 * source.images).astype(np.uint8)
    random = np.random.default_rng(len(source))
    images = np.zeros((len(source), *size, 1), np.uint8)
    names = source.class_names
    tags = np.zeros((len(source), len(names)), np.uint8)
    for number in range(len(source)):
        others = random.integers(0, len(source), random.integers(0, MOST))
        shown = [number, *others]
        tags[number, source.labels[shown]] = 1
        images[number, ..., 0] = _crowd([pictures[digit] for digit in shown], size, random)
    examples = Examples(
        f"crowds, split {split}",
        {"image": images, "tags": tags},
        {"image": Image((*size, 1), value_range=(0, 255)), "tags": Tags(len(names), names)},
    )
    return examples.replaced(origin=origin_of(examples, part=split))


def _crowd(pictures, size: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """An image, `(height, width)`, with each picture in a quarter of its own."""
    height, width = size[0] // 2, size[1] // 2
    canvas = np.zeros(size, np.uint8)
    for picture, quarter in zip(pictures, random.permutation(4), strict=False):
        side = max(1, round(min(height, width) * random.uniform(*SIDES)))
        top = quarter // 2 * height + random.integers(0, height - side + 1)
        left = quarter % 2 * width + random.integers(0, width - side + 1)
        canvas[top : top + side, left : left + side] = resize(picture, (side, side))[..., 0]
    noisy = canvas * random.uniform(0.7, 1.0) + 20 * random.standard_normal(size)
    return noisy.clip(0, 255).astype(np.uint8)
