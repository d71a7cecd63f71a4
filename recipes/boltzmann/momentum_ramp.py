"""Gradient descent whose momentum grows, as Boltzmann machines are trained."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("amalthea")
class MomentumRamp(keras.optimizers.SGD):
    """Gradient descent with a momentum that grows from one value to another.

    In the first steps gradients are large and change fast, so that little momentum is best; later
    much of it is (Hinton 2010, section 9).

    Args:
        learning_rate: Step size.
        momentum: Momentum after the ramp, in [0, 1).
        initial_momentum: Momentum in the first step, in [0, 1).
        ramp_steps: Number of steps in which it grows linearly.
        **kwargs: Arguments of `keras.optimizers.SGD`.
    """

    def __init__(
        self,
        learning_rate: float = 0.05,
        momentum: float = 0.9,
        initial_momentum: float = 0.5,
        ramp_steps: int = 5000,
        **kwargs,
    ):
        super().__init__(learning_rate, momentum, **kwargs)
        self.initial_momentum = initial_momentum
        self.ramp_steps = ramp_steps

    def update_step(self, gradient, variable, learning_rate):
        if self.momentum == 0:
            super().update_step(gradient, variable, learning_rate)
            return
        first = min(self.initial_momentum, self.momentum)
        share = ops.minimum(ops.cast(self.iterations, variable.dtype) / self.ramp_steps, 1)
        momentum = first + share * (self.momentum - first)
        velocity = self.momentums[self._get_variable_index(variable)]
        step = ops.cast(learning_rate, variable.dtype) * ops.cast(gradient, variable.dtype)
        self.assign(velocity, momentum * velocity - step)
        self.assign_add(variable, velocity)

    def get_config(self):
        return {
            **super().get_config(),
            "initial_momentum": self.initial_momentum,
            "ramp_steps": self.ramp_steps,
        }
