"""Figures of held-out images that no metric of the model gives."""

from collections.abc import Callable, Mapping

import keras
import numpy as np


class Measurement(keras.callbacks.Callback):
    """Measures the model after each epoch, and logs each figure with `val_` before its name.

    The losses of two networks that train against each other do not say how good either is; figures
    such as the distance of samples from held-out images do, and a search can make them small.

    Args:
        measures: Takes the model, images, their labels or None, and a batch size; gives figures by
            name. A recipe's `measures` are such.
        images: Held-out images, `(count, height, width, channels)`.
        labels: Their classes, `(count,)`, or None.
        batch_size: Images at a time.
    """

    def __init__(
        self,
        measures: Callable[..., Mapping[str, float]],
        images: np.ndarray,
        labels: np.ndarray | None = None,
        batch_size: int = 256,
    ):
        super().__init__()
        self.measures = measures
        self.images = np.asarray(images)
        self.labels = labels
        self.batch_size = batch_size

    def on_epoch_end(self, epoch, logs=None):
        figures = self.measures(self.model, self.images, self.labels, self.batch_size)
        if logs is not None:
            logs.update({f"val_{name}": float(value) for name, value in figures.items()})
