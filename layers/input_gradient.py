"""Gradients with respect to inputs: the one place with a branch for each backend."""

import keras
from keras import ops


def input_gradient(function, inputs):
    """Gradient of a function of rows with respect to the rows.

    Args:
        function: From `inputs` to values, the first axis of which is the batch; each row's values
            are added up. Layers that it calls must not change their weights.
        inputs: A tensor, `(batch, …)`.

    Returns:
        A tensor in the shape of `inputs`, through which gradients flow to whatever `function` uses.

    Raises:
        NotImplementedError: On another backend than TensorFlow and JAX.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(inputs)
            total = ops.sum(function(inputs))
        return tape.gradient(total, inputs)
    if keras.backend.backend() == "jax":
        import jax

        return jax.grad(lambda rows: ops.sum(function(rows)))(inputs)
    raise NotImplementedError(f"no gradients by inputs on {keras.backend.backend()}")
