"""Pictures of what a generative model draws as it learns."""

from pathlib import Path

import keras
import numpy as np
from keras import ops

from .pictures import draw_grid


class SampleGrid(keras.callbacks.Callback):
    """Draws images from a model after each epoch, from one seed, one PNG file an epoch.

    Args:
        sampler: From the model to another that gives `images`, `(n, height, width, channels)`, from
            scalars by name: the `bind` of a recipe's endpoint `sample`.
        directory: Folder for `epoch-00001.png`, `epoch-00002.png`, …
        **inputs: The scalars, such as `n=64, steps=100, seed=0`.
    """

    def __init__(self, sampler, directory: str | Path, **inputs: int):
        super().__init__()
        self.sampler = sampler
        self.directory = Path(directory)
        self.inputs = inputs

    def on_train_begin(self, logs=None):
        # Compiled once, as a prediction is: chains are long loops of tiny steps.
        fixed = {name: value for name, value in self.inputs.items() if name != "seed"}
        self._draw = self.sampler(self.model, **fixed).predict_on_batch

    def on_epoch_end(self, epoch, logs=None):
        self.directory.mkdir(parents=True, exist_ok=True)
        seed = ops.convert_to_tensor(self.inputs["seed"], "int32")
        images = self._draw({"seed": seed})["images"]
        draw_grid(np.clip(images, 0, 1), self.directory / f"epoch-{epoch + 1:05d}.png")
