"""An optimizer around another one."""

import keras


class WrappedOptimizer(keras.optimizers.Optimizer):
    """Base of those that decide which steps another optimizer takes: an `apply` of their own.

    Args:
        optimizer: The optimizer whose steps are taken.
    """

    def __init__(self, optimizer: keras.optimizers.Optimizer):
        super().__init__(learning_rate=0.0)
        self.optimizer = optimizer

    @property
    def variables(self):
        return [*super().variables, *self.optimizer.variables]

    def build(self, variables):
        super().build(variables)
        self.optimizer.build(variables)

    def finalize_variable_values(self, var_list):
        self.optimizer.finalize_variable_values(var_list)
