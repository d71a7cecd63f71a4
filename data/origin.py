"""Which data a set was cut from, by hashes of all that they hold."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from .image_set import ImageSet

BYTES_OF_A_HASH = 16
# The part of data that are one whole before they are cut.
WHOLE = "whole"


class Origin(NamedTuple):
    """A whole set of images, or a split that is stored by itself.

    Attributes:
        part: `WHOLE`, or the name of the stored split.
        count: How many images it has.
        pixels: Hash of the images as an `ImageSet` stores them.
        labels: Hash of the class numbers; empty without labels.
    """

    part: str
    count: int
    pixels: str
    labels: str


def origin_of(*sets: ImageSet, part: str = WHOLE) -> Origin:
    """The origin whose images are those of `sets`, one after the other."""
    return Origin(
        part,
        sum(map(len, sets)),
        _hash(images.images for images in sets),
        "" if sets[0].labels is None else _hash(images.labels for images in sets),
    )


def _hash(arrays) -> str:
    hasher = hashlib.blake2b(digest_size=BYTES_OF_A_HASH)
    for array in arrays:
        hasher.update(f"{array.dtype.str}{array.shape}".encode())
        hasher.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return hasher.hexdigest()
