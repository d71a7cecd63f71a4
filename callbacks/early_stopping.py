"""Early stopping that goes on exactly after an interruption."""

from pathlib import Path
from typing import Literal

import keras
import numpy as np

from ..checks import check_count
from ..errors import UserError


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
        UserError: When an epoch ends without such a metric.

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
        if found := [file for file in self._files() if _epoch(file) <= done]:
            self.best_epoch = _epoch(found[-1])
            with np.load(found[-1]) as saved:
                self.best = float(saved["value"])

    def is_over(self, done: int) -> bool:
        """Whether so many epochs are enough."""
        return done - self.best_epoch >= self.patience

    def bring_back(self, model: keras.Model) -> None:
        """Give `model` the best weights."""
        if self.best is not None:
            with np.load(self._file(self.best_epoch)) as saved:
                model.set_weights([saved[f"weight_{i}"] for i in range(len(saved.files) - 1)])

    def on_epoch_end(self, epoch, logs=None):
        if epoch < self.start_from_epoch:
            return
        if self.monitor not in (logs or {}):
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
        self.directory.mkdir(parents=True, exist_ok=True)
        partial = self.directory / "partial-best"
        weights = {f"weight_{i}": weight for i, weight in enumerate(self.model.get_weights())}
        try:
            with partial.open("wb") as file:
                np.savez(file, value=value, **weights)
            partial.replace(self._file(epoch))
        finally:
            partial.unlink(missing_ok=True)
        # The one before is still needed if the epoch has to be done again.
        for old in self._files()[:-2]:
            old.unlink()

    def _file(self, epoch: int) -> Path:
        return self.directory / f"best-{epoch:05d}.npz"

    def _files(self) -> list[Path]:
        return sorted(self.directory.glob("best-*.npz"), key=_epoch)


def _epoch(file: Path) -> int:
    return int(file.stem.removeprefix("best-"))
