"""The gradient of Boltzmann machines, from statistics of their units, as a loss."""

from keras import backend, ops

# How much of the running means of the units a training step keeps.
KEPT = 0.9


def boltzmann_gradient(data, model, offsets=None):
    """Gradient of minus the log-likelihood of a machine whose layers of units form a chain.

    Args:
        data: States or means of each layer in the data, `(rows, units)` each.
        model: The same in the model; the number of rows may be another.
        offsets: Running mean of each layer, `(units,)` each, for the centred gradient; None for
            the plain one.

    Returns:
        Gradients of the kernels, `(units, units of the next layer)` each, and of the biases of the
        layers, `(units,)` each.
    """
    biases = [ops.mean(m, axis=0) - ops.mean(d, axis=0) for d, m in zip(data, model, strict=True)]
    if offsets:
        data = [units - offset for units, offset in zip(data, offsets, strict=True)]
        model = [units - offset for units, offset in zip(model, offsets, strict=True)]
    kernels = [
        _correlation(model[i], model[i + 1]) - _correlation(data[i], data[i + 1])
        for i in range(len(data) - 1)
    ]
    if offsets:
        for i, kernel in enumerate(kernels):
            biases[i] -= ops.matmul(kernel, offsets[i + 1])
            biases[i + 1] -= ops.matmul(offsets[i], kernel)
    return kernels, biases


def _correlation(below, above):
    """`⟨below aboveᵀ⟩` over the rows."""
    rows = ops.cast(ops.shape(below)[0], above.dtype)
    return ops.matmul(ops.transpose(below), above / rows)  # a kernel is larger than a batch


def moved(offset, mean):
    """A running mean after a step in which the mean was `mean`."""
    return KEPT * offset + (1 - KEPT) * mean


def prior_for(units, data):
    """The total input at which units without any other have the means of the data.

    It is as if one more row had every unit as likely on as off, so that no unit is certain.

    Args:
        units: The kind of the units.
        data: `(rows, units)`.
    """
    rows = ops.cast(ops.shape(data)[0], data.dtype)
    return units.input_for((ops.sum(data, axis=0) + units.unknown) / (rows + 1))


def descent(weights, gradients, reported):
    """A scalar of the value `reported` that has the given gradients with respect to `weights`.

    Args:
        weights: Keras variables.
        gradients: A tensor for each; no gradient flows through them.
        reported: A scalar; no gradient flows through it.
    """
    kind = gradients[0].dtype
    return _sloped(
        ops.stop_gradient(ops.cast(reported, kind)),
        *(ops.cast(weight, kind) for weight in weights),
        *(ops.stop_gradient(gradient) for gradient in gradients),
    )


@ops.custom_gradient
def _sloped(reported, *weights_and_gradients):
    """`reported`, with gradients of its own choice with respect to the weights."""
    gradients = weights_and_gradients[len(weights_and_gradients) // 2 :]

    def backward(upstream):
        return (
            ops.zeros_like(reported),
            *(upstream * gradient for gradient in gradients),
            *(ops.zeros_like(gradient) for gradient in gradients),
        )

    return reported, backward


def frozen(weights):
    """A loss of 0 that gives `weights` a gradient of 0, where optimizers expect one."""
    return 0.0 * sum(ops.cast(ops.sum(weight), backend.floatx()) for weight in weights)
