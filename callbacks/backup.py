"""A backup of the whole state of a training after every epoch, from which it goes on exactly."""

from pathlib import Path

import keras

from ..errors import UserError
from .arrays_file import numbered, read_arrays, write_arrays


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
        if not (states := numbered(self.directory, "epoch")):
            return 0
        epochs, newest = list(states.items())[-1]
        if not model.optimizer.built:  # one that scales the loss would have its variables twice
            model.optimizer.build(model.trainable_variables)
        variables = _state(model)
        values = list(read_arrays(newest).values())
        shapes = [tuple(variable.shape) for variable in variables]
        if shapes != [value.shape for value in values]:
            raise UserError(f"{newest} is the backup of another model")
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        # A growing model keeps the number of its stage in Python, too.
        getattr(model, "restored", lambda: None)()
        return epochs

    def on_epoch_end(self, epoch, logs=None):
        earlier = numbered(self.directory, "epoch")
        state = self.directory / f"epoch-{epoch + 1:05d}.npz"
        write_arrays(state, *[keras.ops.convert_to_numpy(v) for v in _state(self.model)])
        for path in earlier.values():
            if path != state:
                path.unlink()


def _state(model: keras.Model) -> list[keras.Variable]:
    """All that training changes: weights, optimizer, and the states of random generators."""
    random = [v for v in model.variables if v.name == "seed_generator_state"]
    return [*model.weights, *model.optimizer.variables, *random]
