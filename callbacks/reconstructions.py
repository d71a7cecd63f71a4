"""Pictures of a model's inputs above its outputs."""

from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
from matplotlib.figure import Figure


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


def draw_rows(rows: Mapping[str, np.ndarray], path: str | Path, title: str = "") -> None:
    """Draw rows of images, each with its label on the left, as a PNG file.

    Args:
        rows: Label to images, `(count, height, width, channels)` with values in [0, 1], or
            `(count, height, width)`; equal counts and sizes. Three channels are red, green and
            blue; of any other number the mean is drawn.
        path: The file.
        title: A line above the rows.
    """
    count = len(next(iter(rows.values())))
    figure = Figure(
        figsize=(0.8 * count + 1.2, 0.85 * len(rows) + (0.4 if title else 0.1)), dpi=120
    )
    axes = figure.subplots(len(rows), squeeze=False)[:, 0]
    for axis, (label, images) in zip(axes, rows.items(), strict=True):
        axis.imshow(_strip(np.asarray(images, "float32")), cmap="gray", vmin=0, vmax=1)
        axis.set_ylabel(label, rotation=0, ha="right", va="center")
        axis.set(xticks=[], yticks=[], frame_on=False)
    if title:
        figure.suptitle(title)
    figure.tight_layout(pad=0.3)
    figure.savefig(path, format="png", bbox_inches="tight", pad_inches=0.05)


def _strip(images: np.ndarray) -> np.ndarray:
    """The images side by side, with a white gap of a twelfth of their width between them."""
    images = np.clip(images.reshape(*images.shape[:3], -1), 0, 1)
    if images.shape[-1] != 3:
        images = images.mean(axis=-1, keepdims=True)
    gap = max(1, images.shape[2] // 12)
    padded = np.pad(images, ((0, 0), (0, 0), (0, gap), (0, 0)), constant_values=1)
    strip = np.concatenate(list(padded), axis=1)[:, :-gap]
    return strip[..., 0] if strip.shape[-1] == 1 else strip
