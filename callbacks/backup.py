"""A backup of the whole state of a training after every epoch, from which it goes on exactly."""

import os
import zipfile
import zlib
from pathlib import Path

import keras
import numpy as np

from ..errors import UserError


class Backup(keras.callbacks.Callback):
    """Saves weights, optimizer and random state after each epoch, safe against a kill.

    A state is written beside the last one and takes its place by one rename, so there is always a
    whole one. `keras.callbacks.BackupAndRestore` differs in two ways: it loses the state of random
    generators (those of dropout or noise), and a kill while it writes leaves a damaged backup.

    Args:
        directory: Folder for the backups; made when first needed.

    Example:
        >>> import tempfile, numpy as np
        >>> from amalthea.callbacks import Backup
        >>> from amalthea.recipes import tied_autoencoder
        >>> model = tied_autoencoder((4, 4, 1), hidden_units=(), latent_dim=2)
        >>> backup = Backup(tempfile.mkdtemp())
        >>> epochs = {"initial_epoch": backup.restore(model), "epochs": 2}
        >>> _ = model.fit(np.ones((8, 4, 4, 1)), callbacks=[backup], verbose=0, **epochs)
        >>> backup.restore(model)
        2
    """

    def __init__(self, directory: str | Path):
        super().__init__()
        self.directory = Path(directory)

    def restore(self, model: keras.Model) -> int:
        """Put the newest state into `model`.

        Args:
            model: A compiled model, built as it was when the state was saved.

        Returns:
            The number of finished epochs, the `initial_epoch` of `fit`; 0 without a backup.

        Raises:
            UserError: If the backup is damaged, or that of another model.
        """
        states = self._states()
        if not states:
            return 0
        model.optimizer.build(model.trainable_variables)
        variables = _state(model)
        try:
            with states[-1].open("rb") as file, np.load(file) as saved:
                values = [saved[name] for name in saved.files]
        except (EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            raise UserError(f"{states[-1]} is damaged: {error}") from error
        shapes = [tuple(variable.shape) for variable in variables]
        if shapes != [value.shape for value in values]:
            raise UserError(f"{states[-1]} is the backup of another model")
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        # A growing model keeps the number of its stage in Python, too.
        getattr(model, "restored", lambda: None)()
        return _epochs(states[-1])

    def on_epoch_end(self, epoch, logs=None):
        earlier = self._states()
        state = self.directory / f"epoch-{epoch + 1:05d}.npz"
        partial = self.directory / "partial"
        self.directory.mkdir(parents=True, exist_ok=True)
        try:
            with partial.open("wb") as file:
                np.savez(file, *[np.asarray(variable.value) for variable in _state(self.model)])
            os.replace(partial, state)
        finally:
            partial.unlink(missing_ok=True)
        for path in earlier:
            if path != state:
                path.unlink()

    def _states(self) -> list[Path]:
        return sorted(self.directory.glob("epoch-*.npz"), key=_epochs)


def _epochs(state: Path) -> int:
    return int(state.stem.removeprefix("epoch-"))


def _state(model: keras.Model) -> list[keras.Variable]:
    """All that training changes: weights, optimizer, and the states of random generators."""
    random = [v for v in model.variables if v.name == "seed_generator_state"]
    return [*model.weights, *model.optimizer.variables, *random]
