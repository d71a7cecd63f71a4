"""The splits that every source of images has, and how a source without them is cut."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import UserError
from .image_set import ImageSet
from .labels import numbered

SPLITS = ("train", "validation", "test", "train+validation")


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
    if not len(chosen):
        raise UserError(
            f"{name} has {count} images to cut splits from, too few for a {split} split"
        )
    return np.sort(chosen)


def take(whole: ImageSet, split: str, *, test: float = 0.1) -> ImageSet:
    """The part of `whole` that `indices` chooses for `split`.

    Classes without names are named by their numbers, so that all splits agree on their
    number.
    """
    chosen = indices(whole.name, split, len(whole), whole.labels, test=test)
    if whole.labels is None:
        return replace(whole, images=whole.images[chosen])
    return replace(
        whole,
        images=whole.images[chosen],
        labels=whole.labels[chosen],
        class_names=whole.class_names or numbered(whole.labels),
    )
