"""An optimizer that stands still in steps without any gradient."""

import keras
from keras import ops

from .wrapped_optimizer import WrappedOptimizer


class SkipZeroGradients(WrappedOptimizer):
    """Steps of another optimizer, but none where all gradients are zero.

    A network that is updated in every fifth step only would otherwise be moved by momentum in the
    other four, and they would count.

    Args:
        optimizer: The optimizer whose steps are taken.
    """

    def apply(self, grads, trainable_variables=None):
        self.optimizer.loss_scale_factor = self.loss_scale_factor
        # Run eagerly, a branch without gradients gives none at all.
        pairs = zip(grads, trainable_variables, strict=True)
        grads = [ops.zeros_like(weight) if grad is None else grad for grad, weight in pairs]
        if keras.backend.backend() == "tensorflow":
            self._apply_in_a_branch(grads, trainable_variables)
        else:
            # Other backends have no branches that assign.
            touched = [*self.optimizer.variables, *trainable_variables]
            before = [variable.value for variable in touched]
            self.optimizer.apply(grads, trainable_variables)
            some = _some(grads)
            for variable, value in zip(touched, before, strict=True):
                variable.assign(ops.where(some, variable.value, value))

    def _apply_in_a_branch(self, grads, trainable_variables):
        import tensorflow as tf

        def apply():
            self.optimizer.apply(grads, trainable_variables)

        def apply_on_all(strategy, grads, some):
            # A branch in one replica could not wait for the others' gradients.
            some = strategy.reduce("SUM", some, axis=None) > 0
            args = (grads, trainable_variables)
            tf.cond(
                some,
                lambda: strategy.extended.call_for_each_replica(self.optimizer.apply, args),
                lambda: None,
            )

        if tf.distribute.has_strategy():
            context = tf.distribute.get_replica_context()
            context.merge_call(apply_on_all, (grads, tf.cast(_some(grads), "int32")))
        else:
            tf.cond(_some(grads), apply, lambda: None)


def _some(gradients):
    """Whether any gradient is not zero."""
    return ops.any(ops.stack([ops.any(gradient != 0) for gradient in gradients]))
