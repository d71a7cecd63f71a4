"""The splits that every source of images has, and how a source without them is cut."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from ..errors import UserError
from .examples import Examples
from .origin import origin_of

SPLITS = ("train", "validation", "test", "train+validation")
# Of so many files on, a class has some in every split.
_BORROWING = 10


def check_split(split: object) -> None:
    """`UserError` unless `split` is one of `SPLITS`."""
    if split not in SPLITS:
        raise UserError(f"the split is {split!r}, but must be one of {', '.join(SPLITS)}")


def indices(
    name: str, split: str, count: int, labels: np.ndarray | None = None, *, test: float = 0.1
) -> np.ndarray:
    """Ascending indices of the images in `split`, the same in every run.

    A tenth is for validation and the share `test` for the test; with labels every class is spread
    over the splits in proportion. With `test=0`, for sources that have a test split of their own,
    only the others are cut.
    """
    order = np.random.default_rng(0).permutation(count)
    if labels is not None:
        # Sorted by relative rank within their class, the classes are interleaved evenly, so any
        # stretch of the order holds all of them in proportion.
        rank = np.empty(count)
        for label in np.unique(labels):
            members = order[labels[order] == label]
            rank[members] = (np.arange(len(members)) + 0.5) / len(members)
        order = order[np.argsort(rank[order], kind="stable")]
    for_test, for_validation = round(test * count), round(0.1 * count)
    for_training = count - for_validation - for_test
    chosen = {
        "train": order[:for_training],
        "validation": order[for_training : for_training + for_validation],
        "test": order[for_training + for_validation :],
        "train+validation": order[: for_training + for_validation],
    }[split]
    return _not_empty(name, split, count, np.sort(chosen))


def indices_by_file(
    name: str, split: str, files: Sequence[str], labels: np.ndarray | None = None
) -> np.ndarray:
    """Ascending indices of the files in `split`, which depend on the names of the files.

    Each name has a hash in [0, 1): below 0.1 the file is to test, below 0.2 to validate and else to
    train with, in every class by itself. Files that come or go so leave all others in their splits,
    and a class may get another name. The shares of a class are near these, not equal to them.

    A class of ten or more files has some in every split: where there would be none, the nearest one
    beyond the threshold is borrowed, and given back when there are others. Files that are added
    never make a file to train with one of another split, but the tenth of a class may.

    Args:
        name: What messages call the images.
        split: One of `SPLITS`.
        files: The path of each file within the folder of its class.
        labels: The classes of the files; all are of one class if not given.
    """
    hashes = np.array([_hash(file) for file in files])
    of_class = np.zeros(len(files), int) if labels is None else labels
    chosen = []
    for label in np.unique(of_class):
        members = np.flatnonzero(of_class == label)
        members = members[np.argsort(hashes[members], kind="stable")]
        to_validate, to_train = np.searchsorted(hashes[members], (0.1, 0.2))
        if len(members) >= _BORROWING:
            to_validate = max(to_validate, 1)
            to_train = min(max(to_train, to_validate + 1), len(members) - 1)
            to_validate = min(to_validate, to_train - 1)
        part = {
            "test": slice(to_validate),
            "validation": slice(to_validate, to_train),
            "train": slice(to_train, None),
            "train+validation": slice(to_validate, None),
        }[split]
        chosen.append(members[part])
    return _not_empty(name, split, len(files), np.sort(np.concatenate(chosen)))


def _hash(file: str) -> float:
    """A number in [0, 1) that is evenly distributed over names, and the same everywhere."""
    digest = hashlib.blake2b(file.encode(errors="surrogateescape"), digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) / 2**53  # as many bits as a float has


def _not_empty(name: str, split: str, count: int, chosen: np.ndarray) -> np.ndarray:
    if not len(chosen):
        raise UserError(
            f"{name} has {count} images to cut splits from, too few for a {split} split"
        )
    return chosen


def take(whole: Examples, split: str, *, test: float = 0.1) -> Examples:
    """The part of `whole` that `indices` chooses for `split`, as features fit it."""

    def rows(split):
        return indices(whole.name, split, len(whole), whole.columns.get("label"), test=test)

    part = whole.take(rows(split)).replaced(origin=whole.origin or origin_of(whole))
    if not any(feature.learns for feature in whole.features.values()):
        return part
    to_learn = rows("train")
    fitted = {
        name: feature.fitted(whole.columns[name][to_learn]) if feature.learns else feature
        for name, feature in part.features.items()
    }
    return part.replaced(features=fitted)
