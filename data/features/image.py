"""Images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .. import value_range as ranges
from ..as_array import as_images
from .feature import Feature, is_of, shown


@dataclass(frozen=True)
class Image(Feature):
    """Images, stored as bytes or as float32 in [0, 1]; models get float32 in [0, 1].

    Attributes:
        shape: Height, width and channels; None for any number.
        padding: A value beyond [0, 1] that fills up what is shorter than the rest, or None.
        value_range: The values that were black and white where they came from; None for models.
        reading: How they were read, in words.
    """

    noun: ClassVar[str] = "images"
    axes: ClassVar[int] = 3

    shape: tuple[int | None, int | None, int | None]
    padding: float | None = None
    value_range: tuple[float, float] | None = None
    reading: str | None = None

    @classmethod
    def read(cls, name, values, value_range=None):
        """The same of images, whose values of black and white may be given."""
        images = as_images(name, values)
        given = ranges.checked(value_range) if value_range else ranges.decide(name, [images])
        reading = ranges.reading(images.dtype, given)
        feature = cls(images.shape[1:], value_range=given, reading=reading)
        return feature, ranges.scaled(name, images, given)

    def facts(self):
        return {"image_shape": list(self.shape), "value_range": list(self.value_range)}

    @property
    def size(self):
        return f"images of {'×'.join(map(str, self.shape))}"

    def unlike(self, other):
        if self.fits(other.shape):
            return None
        return f"takes images of shape {shown(self.shape)}", str(other.shape)

    def given(self, column):
        if column.dtype == np.uint8:
            return column.astype(np.float32) / np.float32(255)
        return column

    def given_tensor(self, rows):
        import tensorflow as tf

        return tf.cast(rows, tf.float32) / 255.0 if rows.dtype == tf.uint8 else rows

    def random(self, random, count):
        return random.random((count, *self.shape), dtype="float32")

    def complete(self, values):
        """Grey images, `(count, height, width)`, with an axis for their one channel."""
        grey = self.shape[-1] == 1 and len(values.shape) == len(self.shape)
        return values[..., None] if grey else values

    def wanted(self, model, what):
        return (
            f"{model} takes {what or 'images'} of shape {shown(self.shape)} with values in [0, 1]"
        )

    def fits(self, shape):
        return is_of(shape, self.shape)

    def wrong(self, values):
        low, high = values.min(), values.max()
        if low >= 0 and high <= 1:  # false for NaN
            return None
        wrong = ~((values >= 0) & (values <= 1))
        if self.padding is not None:
            wrong &= values != self.padding
        if not wrong.any():
            return None
        known = values[~np.isnan(values)] if values.dtype.kind == "f" else values
        if known.size < values.size:
            return f"{values.size - known.size} values that are NaN"
        return (
            f"values from {low:g} to {high:g} of type {values.dtype}: scale or "
            "clip them first, or have amalthea.data read them"
        )
