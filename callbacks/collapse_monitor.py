"""Notices that a generator makes all images alike, or has lost against its discriminator."""

import warnings
from pathlib import Path
from typing import Literal

import keras
import numpy as np
from keras import ops
from scipy.spatial.distance import pdist

from ..errors import UserError
from .backup import Backup
from .drawing import Drawing

ACTIONS = ("warn", "stop", "roll back")


class CollapseMonitor(keras.callbacks.Callback):
    """Watches the variety of samples, and by how much the discriminator wins.

    After each epoch it logs `sample_spread`, the mean distance between two samples as a share of
    that between two images of the data in their size, and `score_margin`, by how much the
    discriminator scores real images above generated ones in the mean. It warns when the spread
    becomes too small, as the generator has collapsed then, and when the margin becomes too large,
    as it learns little then.

    Args:
        sampler: From the model to another that gives `images`, `(n, height, width, channels)`, or
            `points`, `(n, dimensions)`, from scalars by name: the `bind` of a recipe's endpoint
            `sample`.
        images: Some images, or points, of the data, at least 2.
        least_spread: The spread below which the samples have collapsed, above 0.
        most_margin: The margin above which the discriminator has won, above 0; that of a
            Wasserstein critic has the scale of the images.
        patience: Epochs at the beginning in which samples may be alike, as those of a generator
            that has learnt nothing are, unless they have differed before.
        action: What to do about collapsed samples beside warning: `"warn"` for nothing, `"stop"` to
            end the training, `"roll back"` to put weights, optimizer and random state back to what
            they were after the last good epoch.
        directory: Folder for the state of the last good epoch, with `"roll back"`.
        **inputs: What `sampler` takes beside `n`, which is the number of images; `seed` at least.

    Raises:
        ValueError: If an argument is out of its range, `"roll back"` has no directory, or the
            images are all equal.
    """

    def __init__(
        self,
        sampler,
        images: np.ndarray,
        *,
        least_spread: float = 0.3,
        most_margin: float = 20.0,
        patience: int = 5,
        action: Literal["warn", "stop", "roll back"] = "warn",
        directory: str | Path | None = None,
        **inputs,
    ):
        super().__init__()
        if action not in ACTIONS:
            raise ValueError(f"action must be one of {', '.join(ACTIONS)}, got {action!r}")
        if action == "roll back" and directory is None:
            raise ValueError("action 'roll back' needs a directory, got None")
        for name, value in (("least_spread", least_spread), ("most_margin", most_margin)):
            if not value > 0:
                raise ValueError(f"{name} must be above 0, got {value!r}")
        if len(images) < 2:
            raise ValueError(f"images must be at least 2, got {len(images)}")
        self.sampler = sampler
        self.images = np.asarray(images, "float32")
        if not np.ptp(self.images, axis=0).any():
            raise UserError(
                f"images must differ, for samples to be compared with, got {len(images)} equal ones"
            )
        self.least_spread = least_spread
        self.most_margin = most_margin
        self.patience = patience
        self.action = action
        self.good = Backup(directory) if directory is not None else None
        self.inputs = inputs
        self._differed = False

    def on_train_begin(self, logs=None):
        inputs = self.inputs if "labels" in self.inputs else {"n": len(self.images), **self.inputs}
        self._drawing = Drawing(self.sampler, self.model, inputs)
        self._spreads = {}
        if self.good is not None:
            self.good.set_model(self.model)
        self._told = set()

    def on_epoch_end(self, epoch, logs=None):
        logs = {} if logs is None else logs
        samples = self._drawing.images()
        spread = _mean_distance(samples) / self._spread(samples.shape[1])
        logs["sample_spread"] = spread
        if {"real_score", "fake_score"} <= logs.keys():
            logs["score_margin"] = margin = logs["real_score"] - logs["fake_score"]
            self._tell(
                margin > self.most_margin,
                f"after epoch {epoch + 1} the discriminator scores real images {margin:.3g} above "
                "generated ones: it has won, and the generator learns little; weaken it, by noise "
                "on its images, smoothed labels, or a smaller learning rate",
                "margin",
            )
        alike = spread < self.least_spread
        self._differed = self._differed or not alike
        collapsed = alike and (self._differed or epoch >= self.patience)
        done = "" if alike and not collapsed else self._act(epoch, collapsed)
        self._tell(
            collapsed,
            f"after epoch {epoch + 1} two samples differ {spread:.2g} times as much as two images "
            "of the data do: the generator has collapsed; minibatch discrimination, replay, or a "
            f"Wasserstein critic would help{done}",
            "spread",
        )

    def _spread(self, height: int) -> float:
        """Mean distance between two images of the data, in the size of the samples."""
        if height not in self._spreads:
            images, size = self.images, self.images.shape[1] // height
            if size > 1:
                images = ops.average_pool(images, size, size, data_format="channels_last")
            self._spreads[height] = _mean_distance(images)
        return self._spreads[height]

    def _act(self, epoch: int, collapsed: bool) -> str:
        """Stop or roll back, or keep what is good; what was done, in words."""
        if self.action == "roll back" and not collapsed:
            self.good.on_epoch_end(epoch)
        if self.action == "roll back" and collapsed:
            epochs = self.good.restore(self.model)
            return f"; back to epoch {epochs}" if epochs else "; there was no good epoch before"
        if self.action == "stop" and collapsed:
            self.model.stop_training = True
            return "; the training ends"
        return ""

    def _tell(self, wrong: bool, words: str, what: str) -> None:
        """Warn when something has become wrong, not in every epoch in which it still is."""
        if wrong and what not in self._told:
            warnings.warn(words, stacklevel=3)
        (self._told.add if wrong else self._told.discard)(what)


def _mean_distance(images) -> float:
    """Mean Euclidean distance between two of the images."""
    return float(pdist(np.asarray(images).reshape(len(images), -1)).mean())
