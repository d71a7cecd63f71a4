"""Pictures of what a model does as it learns."""

from collections.abc import Callable
from pathlib import Path

import keras


class EpochPictures(keras.callbacks.Callback):
    """Has a picture drawn after each epoch, one PNG file an epoch.

    Args:
        draw: Takes the model and the path of the file to write.
        directory: Folder for `epoch-00001.png`, `epoch-00002.png`, …
    """

    def __init__(self, draw: Callable[[keras.Model, Path], None], directory: str | Path):
        super().__init__()
        self.draw = draw
        self.directory = Path(directory)

    def on_epoch_end(self, epoch, logs=None):
        self.directory.mkdir(parents=True, exist_ok=True)
        self.draw(self.model, self.directory / f"epoch-{epoch + 1:05d}.png")
