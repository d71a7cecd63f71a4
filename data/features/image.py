"""Images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import UserError
from .feature import Feature, shown


@dataclass(frozen=True)
class Image(Feature):
    """Images, stored as bytes or as float32 in [0, 1]; models get float32 in [0, 1].

    Attributes:
        shape: Height, width and channels; None for any number.
        padding: A value beyond [0, 1] that fills up what is shorter than the rest, or None.
    """

    shape: tuple[int | None, int | None, int | None]
    padding: float | None = None

    def given(self, column):
        if column.dtype == np.uint8:
            return column.astype(np.float32) / np.float32(255)
        return column

    def given_tensor(self, rows):
        import tensorflow as tf

        return tf.cast(rows, tf.float32) / 255.0 if rows.dtype == tf.uint8 else rows

    def complete(self, values):
        """Grey images, `(count, height, width)`, with an axis for their one channel."""
        grey = self.shape[-1] == 1 and len(values.shape) == len(self.shape)
        return values[..., None] if grey else values

    def check(self, model, values, count=None, *, what="images"):
        wanted = f"{model} takes {what} of shape {shown(self.shape)} with values in [0, 1]"
        values = np.asarray(values)
        found = values.shape[1:]
        if len(found) != len(self.shape) or any(
            n not in (None, m) for n, m in zip(self.shape, found, strict=True)
        ):
            raise UserError(f"{wanted}, got some of shape {shown(found)}")
        if values.dtype.kind not in "buif" and values.dtype.name != "bfloat16":
            raise UserError(f"{wanted}, got values of type {values.dtype}")
        if not values.size:
            return
        low, high = values.min(), values.max()
        if low >= 0 and high <= 1:  # false for NaN
            return
        wrong = ~((values >= 0) & (values <= 1))
        if self.padding is not None:
            wrong &= values != self.padding
        if not wrong.any():
            return
        known = values[~np.isnan(values)] if values.dtype.kind == "f" else values
        if known.size < values.size:
            raise UserError(f"{wanted}, got {values.size - known.size} values that are NaN")
        raise UserError(
            f"{wanted}, got values from {low:g} to {high:g} of type {values.dtype}: scale or "
            "clip them first, or have amalthea.data read them"
        )
