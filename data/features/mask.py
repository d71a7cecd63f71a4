"""Masks: the class of each pixel of an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...errors import UserError
from ..as_array import as_array
from .feature import Feature, is_of, not_classes, shown

# As many as a byte can tell apart.
MOST_CLASSES = 256


@dataclass(frozen=True)
class Mask(Feature):
    """The class of each pixel, stored as uint8, `(count, height, width)`; models get int32.

    Attributes:
        count: Number of classes; 0 is usually the background.
        shape: Height and width; None for any number.
        names: The classes' names in the order of their numbers; may be empty.
    """

    noun: ClassVar[str] = "masks"
    axes: ClassVar[int] = 2

    count: int
    shape: tuple[int | None, int | None] = (None, None)
    names: tuple[str, ...] = ()

    @classmethod
    def read(cls, name, values):
        masks = as_array(name, "masks", values)
        if masks.ndim == 4 and masks.shape[-1] == 1:
            masks = masks[..., 0]
        count = int(masks.max()) + 1 if masks.size and masks.dtype.kind in "bui" else 1
        feature = cls(max(count, 2), masks.shape[1:3])
        got = str(count - 1) if count > MOST_CLASSES else feature.refused(masks)
        if got is not None:
            raise UserError(
                f"{name}: masks must be (count, height, width), whole numbers from 0 to "
                f"{MOST_CLASSES - 1}, got {got}"
            )
        return feature, masks.astype(np.uint8)

    def facts(self):
        return {"mask_names": list(self.names)}

    def unlike(self, other):
        if other.count <= self.count:
            return None
        return f"knows {self.count} classes of pixels", str(other.count)

    def given(self, column):
        return column.astype(np.int32)

    def given_tensor(self, rows):
        import tensorflow as tf

        return tf.cast(rows, tf.int32)

    def random(self, random, count):
        return random.integers(0, self.count, (count, *self.shape), dtype="int32")

    def wanted(self, model, what):
        return (
            f"{model} learns from {what or 'masks'} of shape {shown(self.shape)}, whole numbers "
            f"from 0 to {self.count - 1}"
        )

    def fits(self, shape):
        return is_of(shape, self.shape)

    def wrong(self, values):
        return not_classes(values, self.count)
