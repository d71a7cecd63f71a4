"""What a recipe's model learns from, and how data are checked against it before the first step."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import UserError


@dataclass(frozen=True)
class Takes:
    """What a model learns from: images in a range, and labels or captions beside them.

    Attributes:
        low: The least value of a pixel.
        high: The largest value of a pixel.
        padding: A value beyond these that fills up what is shorter than the rest, or None.
        classes: Number of classes of the labels, or of words; None for images alone.
        length: Words of a caption; None where each image has one label.
        unlabelled: Whether a label of −1 stands for none.
        weighed: Whether examples can have weights.
    """

    low: float = 0.0
    high: float = 1.0
    padding: float | None = None
    classes: int | None = None
    length: int | None = None
    unlabelled: bool = False
    weighed: bool = True

    def check_images(self, name: str, shape: tuple, images: Any, what: str = "images") -> None:
        """Raise `UserError` unless `images` are such as the model `name` takes.

        Args:
            name: What the sentence calls the model.
            shape: Height, width and channels; None for any number.
            images: An array, `(count, height, width, channels)`.
            what: What the sentence calls the images.
        """
        wanted = f"{name} takes {what} of shape {_shown(shape)} with values in [{self}]"
        images = np.asarray(images)
        found = images.shape[1:]
        if len(found) != len(shape) or any(
            n not in (None, m) for n, m in zip(shape, found, strict=True)
        ):
            raise UserError(f"{wanted}, got some of shape {_shown(found)}")
        if images.dtype.kind not in "buif" and images.dtype.name != "bfloat16":
            raise UserError(f"{wanted}, got values of type {images.dtype}")
        if not images.size:
            return
        low, high = images.min(), images.max()
        if low >= self.low and high <= self.high:  # false for NaN
            return
        wrong = ~((images >= self.low) & (images <= self.high))
        if self.padding is not None:
            wrong &= images != self.padding
        if not wrong.any():
            return
        known = images[~np.isnan(images)] if images.dtype.kind == "f" else images
        if known.size < images.size:
            raise UserError(f"{wanted}, got {images.size - known.size} values that are NaN")
        raise UserError(
            f"{wanted}, got values from {low:g} to {high:g} of type {images.dtype}: scale or "
            "clip them first, or have amalthea.data read them"
        )

    def check_labels(self, name: str, labels: Any, count: int | None = None) -> None:
        """Raise `UserError` unless `labels` are class numbers that the model `name` knows.

        Args:
            name: What the sentence calls the model.
            labels: An array, `(count,)`, or of captions `(count, length)`; None if there is none.
            count: Number of images.
        """
        word, each = ("words", "captions") if self.length else ("classes", "labels")
        least = -1 if self.unlabelled else 0
        wanted = (
            f"{name} learns from {each} of {self.classes} {word}, whole numbers from {least} to "
            f"{self.classes - 1}"
        )
        if labels is None:
            raise UserError(f"{wanted}, got none")
        labels = np.asarray(labels)
        if labels.dtype.kind not in "buif":
            raise UserError(f"{wanted}, got values of type {labels.dtype}")
        shapes = {(self.length,)} if self.length else set()
        shapes |= {(), (1,)} if self.length in (None, 1) else set()
        if labels.shape[1:] not in shapes:
            hint = ""
            if labels.ndim == 2 and np.isin(labels, (0, 1)).all() and (labels.sum(1) == 1).all():
                hint = ": of one-hot rows take the argmax"
            raise UserError(f"{wanted}, got an array of shape {_shown(labels.shape)}{hint}")
        if count is not None and len(labels) != count:
            raise UserError(f"{wanted}, one for each of {count} images, got {len(labels)}")
        wrong = ~((labels >= least) & (labels < self.classes) & (labels == np.floor(labels)))
        if not wrong.any():
            return
        hint = ""
        if labels.min() >= 1 and labels.max() == self.classes:
            hint = ": they seem to begin at 1, so subtract 1"
        raise UserError(f"{wanted}, got {labels[wrong].flat[0]}{hint}")

    def __str__(self) -> str:
        return f"{self.low:g}, {self.high:g}"


def takes_images(arguments: Mapping[str, Any]) -> Takes:
    """Images in [0, 1]; and labels where the recipe has an argument `num_classes`."""
    return Takes(classes=arguments.get("num_classes"))


def _shown(shape: tuple) -> str:
    return str(tuple(shape)).replace("None", "any")
