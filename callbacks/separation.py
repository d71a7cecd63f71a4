"""Ends a training when the classes are separated, or says that they are not."""

from .schedule import Schedule


class Separation(Schedule):
    """Ends a training after an epoch without a mistake, and says so if there was none.

    Needs the number of `mistakes` of each epoch in the logs, each of which has moved the weights:
    an epoch without one has moved nothing, nor would any further one.

    Example:
    >>> from amalthea.callbacks import Separation
    >>> callback = Separation()
    """

    comparable_early = True

    def __init__(self):
        super().__init__()
        self._mistakes = 0

    def on_epoch_end(self, epoch, logs=None):
        self._mistakes = int((logs or {}).get("mistakes", 0))
        if self._mistakes == 0:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        if self._mistakes:
            print(
                f"the classes are not separated: the last epoch had {self._mistakes:,} mistakes. "
                "Either no planes separate them, or it takes more epochs"
            )
