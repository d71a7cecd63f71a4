"""Gradient descent whose momentum grows and whose steps shrink, for Boltzmann machines."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("amalthea")
class MomentumRamp(keras.optimizers.SGD):
    """Gradient descent with a momentum that grows, and a step size that falls.

    In the first steps gradients are large and change fast, so that little momentum is best; later
    much of it is (Hinton 2010, section 9). As the gradients are noisy, the weights settle only if
    the steps become smaller.

    Args:
        learning_rate: Step size in the first step.
        momentum: Momentum after the ramp, in [0, 1).
        initial_momentum: Momentum in the first step, in [0, 1).
        ramp_steps: Number of steps in which it grows linearly.
        decay: After n thousand steps the step size is divided by 1 + n times this, at least 0.
        **kwargs: Arguments of `keras.optimizers.SGD`.
    """

    def __init__(
        self,
        learning_rate: float = 0.05,
        momentum: float = 0.9,
        initial_momentum: float = 0.5,
        ramp_steps: int = 5000,
        decay: float = 0.0,
        **kwargs,
    ):
        super().__init__(learning_rate, momentum, **kwargs)
        self.initial_momentum = initial_momentum
        self.ramp_steps = ramp_steps
        self.decay = decay

    def update_step(self, gradient, variable, learning_rate):
        steps = ops.cast(self.iterations, variable.dtype)
        learning_rate = ops.cast(learning_rate, variable.dtype)
        if self.decay:
            learning_rate = learning_rate / (1 + self.decay * steps / 1000)
        if self.momentum == 0:
            super().update_step(gradient, variable, learning_rate)
            return
        first = min(self.initial_momentum, self.momentum)
        share = ops.minimum(steps / self.ramp_steps, 1)
        momentum = first + share * (self.momentum - first)
        velocity = self.momentums[self._get_variable_index(variable)]
        step = learning_rate * ops.cast(gradient, variable.dtype)
        self.assign(velocity, momentum * velocity - step)
        self.assign_add(variable, velocity)

    def get_config(self):
        return {
            **super().get_config(),
            "initial_momentum": self.initial_momentum,
            "ramp_steps": self.ramp_steps,
            "decay": self.decay,
        }
