"""A backup of the whole state of a training after every epoch, from which it goes on exactly."""

import json
import os
import shutil
from pathlib import Path

import keras

WEIGHTS = "state.weights.h5"
RANDOM = "random.json"


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
            OSError: If the backup cannot be read.
            ValueError: If the backup is that of another model.
        """
        states = self._states()
        if not states:
            return 0
        model.optimizer.build(model.trainable_variables)
        model.load_weights(states[-1] / WEIGHTS)
        saved = json.loads((states[-1] / RANDOM).read_text())
        for variable, state in zip(_random_states(model), saved, strict=True):
            variable.assign(state)
        return _epochs(states[-1])

    def on_epoch_end(self, epoch, logs=None):
        earlier = self._states()
        state = self.directory / f"epoch-{epoch + 1:05d}"
        partial = self.directory / "partial"
        shutil.rmtree(partial, ignore_errors=True)
        try:
            partial.mkdir(parents=True)
            self.model.save_weights(partial / WEIGHTS)
            states = [keras.ops.convert_to_numpy(v).tolist() for v in _random_states(self.model)]
            (partial / RANDOM).write_text(json.dumps(states))
            shutil.rmtree(state, ignore_errors=True)
            os.replace(partial, state)
        except OSError:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        for path in earlier:
            if path != state:
                shutil.rmtree(path)

    def _states(self) -> list[Path]:
        return sorted(self.directory.glob("epoch-*"), key=_epochs)


def _epochs(state: Path) -> int:
    return int(state.name.removeprefix("epoch-"))


def _random_states(model: keras.Model) -> list[keras.Variable]:
    return [v for v in model.variables if v.name == "seed_generator_state"]
