"""Which data a set was cut from, by hashes of all that they hold."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .on_disk import OnDisk

if TYPE_CHECKING:
    from .examples import Examples

BYTES_OF_A_HASH = 16
# The part of data that are one whole before they are cut.
WHOLE = "whole"


class Origin(NamedTuple):
    """A whole set of examples, or a split that is stored by itself.

    Attributes:
        part: `WHOLE`, or the name of the stored split.
        count: How many examples it has.
        columns: Hashes of its columns as they are stored, by name; of those on disk of sizes and
            times.
    """

    part: str
    count: int
    columns: dict[str, str]


def origin_of(*sets: Examples, part: str = WHOLE) -> Origin:
    """The origin whose examples are those of `sets`, one after the other."""
    hashes = {
        name: _hash(sets[0].features[name].arrays(each.columns[name]) for each in sets)
        for name in sets[0].columns
    }
    return Origin(part, sum(map(len, sets)), hashes)


def _hash(columns) -> str:
    hasher = hashlib.blake2b(digest_size=BYTES_OF_A_HASH)
    for arrays in columns:
        for array in arrays:
            if isinstance(array, OnDisk):
                hasher.update(array.told.encode())
                continue
            hasher.update(f"{array.dtype.str}{array.shape}".encode())
            hasher.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return hasher.hexdigest()
