"""Early stopping that goes on exactly after an interruption."""

from pathlib import Path
from typing import Literal

import keras
import numpy as np

from ..checks import check_count
from ..errors import UserError
from .arrays_file import numbered, read_arrays, write_arrays


class EarlyStopping(keras.callbacks.Callback):
    """Ends a training that has not become better for some epochs; the best weights are kept.

    Unlike those of `keras.callbacks.EarlyStopping` its memory and the best weights are on disk, so
    that a training which was interrupted stops where it would have stopped.

    Args:
        monitor: The logged metric that is to become better.
        direction: Whether small values are better, `"min"`, or large ones, `"max"`.
        patience: Epochs without a better value after which the training ends, at least 1.
        directory: Folder for the best weights; made when first needed.
        start_from_epoch: Epochs, from 0, before which nothing counts.

    Raises:
        UserError: When an epoch ends without such a metric, or the best weights are read from a
            damaged file.

    Example:
        >>> import tempfile, numpy as np
        >>> from amalthea.callbacks import EarlyStopping
        >>> from amalthea.recipes import tied_autoencoder
        >>> model = tied_autoencoder((4, 4, 1), hidden_units=(), latent_dim=2)
        >>> stopping = EarlyStopping("loss", "max", 2, tempfile.mkdtemp())  # it falls
        >>> images = np.ones((8, 4, 4, 1))
        >>> history = model.fit(images, epochs=9, callbacks=[stopping], verbose=0)
        >>> len(history.epoch), stopping.best_epoch
        (3, 1)
    """

    def __init__(
        self,
        monitor: str,
        direction: Literal["min", "max"],
        patience: int,
        directory: str | Path,
        start_from_epoch: int = 0,
    ):
        super().__init__()
        if direction not in ("min", "max"):
            raise ValueError(f"direction must be 'min' or 'max', got {direction!r}")
        self.monitor = monitor
        self.direction = direction
        self.patience = check_count("patience", patience)
        self.directory = Path(directory)
        self.start_from_epoch = start_from_epoch
        self.best_epoch, self.best = start_from_epoch, None

    def restore(self, done: int) -> None:
        """Remember the best of the first `done` epochs of a training that is gone on with."""
        found = {n: file for n, file in numbered(self.directory, "best").items() if n <= done}
        if found:
            self.best_epoch, file = list(found.items())[-1]
            self.best = float(read_arrays(file)["value"])

    def is_over(self, done: int) -> bool:
        """Whether so many epochs are enough."""
        return done - self.best_epoch >= self.patience

    def bring_back(self, model: keras.Model) -> None:
        """Give `model` the best weights."""
        if self.best is not None:
            _, *weights = read_arrays(self._file(self.best_epoch)).values()
            model.set_weights(weights)

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        if epoch < self.start_from_epoch:
            return
        if self.monitor not in logs:
            raise UserError(
                f"there is no metric {self.monitor!r} to stop by; training logs {', '.join(logs)}"
            )
        value = float(logs[self.monitor])
        better = np.less if self.direction == "min" else np.greater
        if np.isfinite(value) and (self.best is None or better(value, self.best)):
            self._keep(epoch + 1, value)
        self.model.stop_training |= self.is_over(epoch + 1)

    def _keep(self, epoch: int, value: float) -> None:
        self.best_epoch, self.best = epoch, value
        write_arrays(self._file(epoch), value=value, **_named(self.model.get_weights()))
        # The one before is still needed if the epoch has to be done again.
        for old in list(numbered(self.directory, "best").values())[:-2]:
            old.unlink()

    def _file(self, epoch: int) -> Path:
        return self.directory / f"best-{epoch:05d}.npz"


def _named(weights: list[np.ndarray]) -> dict[str, np.ndarray]:
    return {f"weight_{number}": weight for number, weight in enumerate(weights)}
