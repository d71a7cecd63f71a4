"""Pictures of what a generative model draws as it learns."""

from pathlib import Path

import keras
from PIL import Image

from .drawing import Drawing
from .pictures import draw_samples

# Of the moving picture: how long an epoch is seen, and the last one, in milliseconds; how large it
# is at most, in pixels a side.
SHOWN, LAST_SHOWN = 200, 2000
SIDE = 512


class SampleGrid(keras.callbacks.Callback):
    """Draws images from a model after each epoch, from one seed, one PNG file an epoch.

    At the end of training all of them become `training.gif`, a moving picture of how the same
    images change.

    Args:
        sampler: From the model to another that gives `images`, `(n, height, width, channels)`, or
            `points`, `(n, dimensions)`, from `seed`, other inputs being given by name: the `bind`
            of a recipe's endpoint `sample`.
        directory: Folder for `epoch-00001.png`, `epoch-00002.png`, …, and `training.gif`.
        **inputs: The inputs, such as `n=64, steps=100, seed=0`.
    """

    def __init__(self, sampler, directory: str | Path, **inputs):
        super().__init__()
        self.sampler = sampler
        self.directory = Path(directory)
        self.inputs = inputs

    def on_train_begin(self, logs=None):
        self._drawing = Drawing(self.sampler, self.model, self.inputs)

    def on_epoch_end(self, epoch, logs=None):
        self.directory.mkdir(parents=True, exist_ok=True)
        draw_samples(self._drawing.images(), self.directory / f"epoch-{epoch + 1:05d}.png")

    def on_train_end(self, logs=None):
        frames = []
        for path in sorted(self.directory.glob("epoch-*.png")):
            with Image.open(path) as picture:
                frame = picture.convert("L" if picture.mode == "L" else "RGB")
            frame.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
            frames.append(frame)
        if frames:
            # Those of a growing model's stages differ a little in size.
            frames = [frame.resize(frames[-1].size, Image.Resampling.NEAREST) for frame in frames]
            durations = [*[SHOWN] * (len(frames) - 1), LAST_SHOWN]
            first, *others = frames
            first.save(
                self.directory / "training.gif",
                save_all=True,
                append_images=others,
                duration=durations,
                loop=0,
            )
