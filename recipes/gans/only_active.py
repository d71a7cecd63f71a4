"""An optimizer for a network of which only a part is in use."""

from collections.abc import Callable, Container

import keras

from .wrapped_optimizer import WrappedOptimizer


class OnlyActive(WrappedOptimizer):
    """Steps of another optimizer, for the variables that are in use.

    Those of blocks that a network will grow into have no gradients, or zeros, by backend; they cost
    no time here and rest where they are.

    Args:
        optimizer: The optimizer whose steps are taken.
        active: Gives the identities, `id(variable)`, of the variables that are in use.
    """

    def __init__(self, optimizer: keras.optimizers.Optimizer, active: Callable[[], Container[int]]):
        super().__init__(optimizer)
        self.active = active

    def apply(self, grads, trainable_variables=None):
        self.optimizer.loss_scale_factor = self.loss_scale_factor
        active = self.active()
        pairs = zip(grads, trainable_variables, strict=True)
        self.optimizer.apply(*zip(*(pair for pair in pairs if id(pair[1]) in active), strict=True))
