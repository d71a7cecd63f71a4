"""What jobs and searches rely on of a callback that leads a training through stages."""

from collections.abc import Mapping, Sequence

import keras


class Schedule(keras.callbacks.Callback):
    """Base of the callbacks that lead a training: what each says of itself, with what is usual.

    Attributes:
        starts: Epochs, from 0, with which stages begin; 0 alone where all epochs of a training can
            be compared.
        comparable_early: Whether a search may compare models before the last stage.
        batch_sizes: Batch sizes of stages that have their own, by a number of the stage.
    """

    starts: Sequence[int] = (0,)
    comparable_early: bool = False
    batch_sizes: Mapping[int, int] = {}

    def least_epochs(self, images: int) -> int:
        """Epochs, of so many images each, that it takes to reach the last stage."""
        return self.starts[-1] + 1

    def batch_size(self, shown: int, usual: int) -> int:
        """Images of the batch that follows on so many images.

        Args:
            shown: Images shown before.
            usual: The most images of a batch, and as many as it has where nothing else is said.
        """
        return usual
