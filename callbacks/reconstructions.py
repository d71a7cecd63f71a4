"""Pictures of a model's inputs above its outputs."""

from pathlib import Path

import keras
import numpy as np

from .pictures import draw_rows


class Reconstructions(keras.callbacks.Callback):
    """Draws fixed images above what the model makes of them, one PNG file an epoch.

    Args:
        images: `(count, height, width, channels)`, values in [0, 1].
        directory: Folder for `epoch-00001.png`, `epoch-00002.png`, …
    """

    def __init__(self, images: np.ndarray, directory: str | Path):
        super().__init__()
        self.images = np.asarray(images, "float32")
        self.directory = Path(directory)

    def on_epoch_end(self, epoch, logs=None):
        self.directory.mkdir(parents=True, exist_ok=True)
        outputs = self.model.predict_on_batch(self.images)
        rows = {"input": self.images, "output": outputs}
        draw_rows(rows, self.directory / f"epoch-{epoch + 1:05d}.png")
