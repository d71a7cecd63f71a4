"""An optimizer around another one."""

import keras


class WrappedOptimizer(keras.optimizers.Optimizer):
    """Base of those that decide which steps another optimizer takes: an `apply` of their own.

    Args:
        optimizer: The optimizer whose steps are taken.
    """

    def __init__(self, optimizer: keras.optimizers.Optimizer):
        super().__init__(learning_rate=0.0, name=optimizer.name)
        self.optimizer = optimizer

    @property
    def learning_rate(self):
        """That of the steps that are taken, which callbacks read and change."""
        return self.optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate):
        self.optimizer.learning_rate = learning_rate

    @property
    def variables(self):
        return [*super().variables, *self.optimizer.variables]

    def build(self, variables):
        super().build(variables)
        self.optimizer.build(variables)

    def finalize_variable_values(self, var_list):
        self.optimizer.finalize_variable_values(var_list)
