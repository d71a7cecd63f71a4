"""An optimizer for each of several networks, which callbacks see as one."""

from collections.abc import Callable, Sequence

import keras


class OneForEach(keras.optimizers.MultiOptimizer):
    """Keras' optimizer of several, with a learning rate, and with all of them from the beginning.

    Its learning rate is that of the first; to change it changes all in proportion. Callbacks that
    know of several optimizers change each by itself, others, and a loss scale, need one number.

    Args:
        optimizers: The optimizers.
        optimizer_of: From a weight to the number of its optimizer, from 0.
    """

    _ratios = None

    def __init__(
        self,
        optimizers: Sequence[keras.optimizers.Optimizer],
        optimizer_of: Callable[[keras.Variable], int],
    ):
        super().__init__(_Map(optimizers, optimizer_of))

    @property
    def learning_rate(self):
        return self.optimizers[0].learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate):
        if self._ratios is None:  # kept, for after a rate of 0 they could not be told
            rates = [float(optimizer.learning_rate) for optimizer in self.optimizers]
            self._ratios = [rate / rates[0] for rate in rates]
        for optimizer, ratio in zip(self.optimizers, self._ratios, strict=True):
            optimizer.learning_rate = learning_rate * ratio


class _Map:
    """What Keras asks for the optimizer of a weight, and for all that there are."""

    def __init__(self, optimizers, optimizer_of):
        self.optimizers = optimizers
        self.optimizer_of = optimizer_of

    def __call__(self, weight):
        return self.optimizers[self.optimizer_of(weight)]

    def values(self):
        return self.optimizers
