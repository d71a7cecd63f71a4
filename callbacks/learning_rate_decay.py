"""A learning rate that falls in the course of a training, however long that is."""

from collections.abc import Callable

from .schedule import Schedule


class LearningRateDecay(Schedule):
    """Sets the learning rate before each epoch, by how much of the training is done.

    A published schedule, such as "divided by 10 after half and after three quarters", is kept in a
    training of any number of epochs, and in one that is resumed.

    Args:
        learning_rate: The learning rate at first.
        multiplier: From the share of the training that is done, at least 0 and below 1, to what
            the learning rate is multiplied by: `steps`, or any other function.

    Example:
    >>> import keras, numpy as np
    >>> from amalthea.callbacks import LearningRateDecay, steps
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mean_squared_error")
    >>> decay = LearningRateDecay(0.1, steps(0.5, 0.75))
    >>> data = np.ones((4, 1)), np.ones(4)
    >>> history = model.fit(*data, epochs=4, callbacks=[decay], verbose=0).history
    >>> [round(rate, 4) for rate in history["learning_rate"]]
    [0.1, 0.1, 0.01, 0.001]
    """

    comparable_early = True

    def __init__(self, learning_rate: float, multiplier: Callable[[float], float]):
        super().__init__()
        self.learning_rate = learning_rate
        self.multiplier = multiplier

    def on_epoch_begin(self, epoch, logs=None):
        rate = self.learning_rate * self.multiplier(epoch / self.params["epochs"])
        self.model.optimizer.learning_rate = rate

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)


def steps(*at: float, factor: float = 0.1) -> Callable[[float], float]:
    """A learning rate that is multiplied by a factor at each of some shares of a training.

    Args:
        *at: The shares, between 0 and 1.
        factor: The factor.

    Returns:
        The multiplier, for `LearningRateDecay`.
    """
    return lambda share: factor ** sum(share >= step for step in at)
