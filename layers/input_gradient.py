"""Gradients with respect to inputs: the one place with a branch for each backend."""

import keras
from keras import ops


def values_and_gradient(function, inputs):
    """Values of a function of rows, and what gives their gradients with respect to the rows.

    Args:
        function: From `inputs` to a pair: values, the first axis of which is the batch, and
            anything else that it computes. It must not change any weights.
        inputs: A tensor, `(batch, …)`.

    Returns:
        The values, the rest, and a function from weights of the values, in their shape, to the
        gradient of the weighted sum, in the shape of `inputs`. Gradients flow through all of it to
        whatever `function` uses.

    Raises:
        NotImplementedError: On another backend than TensorFlow and JAX.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(inputs)
            values, rest = function(inputs)
        return values, rest, lambda weights: tape.gradient(values, inputs, weights)
    if keras.backend.backend() == "jax":
        import jax

        values, pull, rest = jax.vjp(function, inputs, has_aux=True)
        return values, rest, lambda weights: pull(weights)[0]
    raise NotImplementedError(f"no gradients by inputs on {keras.backend.backend()}")


def input_gradient(function, inputs):
    """Gradient of the sum of a function's values with respect to its inputs.

    Args:
        function: From `inputs` to values; it must not change any weights.
        inputs: A tensor, `(batch, …)`.

    Returns:
        A tensor in the shape of `inputs`, through which gradients flow to whatever `function` uses.

    Raises:
        NotImplementedError: On another backend than TensorFlow and JAX.
    """
    values, _, gradient = values_and_gradient(lambda rows: (function(rows), ()), inputs)
    return gradient(ops.ones_like(values))
