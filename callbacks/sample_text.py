"""Texts that a language model writes as it learns."""

from collections.abc import Callable, Sequence
from pathlib import Path

import keras


class SampleText(keras.callbacks.Callback):
    """Has a model write texts after each epoch, one file an epoch.

    Args:
        write: From the model to texts, always by one seed.
        directory: Folder for `epoch-00001.txt`, `epoch-00002.txt`, …
    """

    def __init__(self, write: Callable[[keras.Model], Sequence[str]], directory: str | Path):
        super().__init__()
        self.write = write
        self.directory = Path(directory)

    def on_epoch_end(self, epoch, logs=None):
        self.directory.mkdir(parents=True, exist_ok=True)
        texts = "\n\n".join(self.write(self.model))
        (self.directory / f"epoch-{epoch + 1:05d}.txt").write_text(texts + "\n", "utf-8")
