"""Inputs and outputs of the layers that run in both directions with one kernel."""

import keras


def check_features(layer, inputs, reverse):
    """Raise unless inputs have as many features as the kernel takes in this direction."""
    expected = layer.kernel.shape[-1 if reverse else -2]
    if inputs.shape[-1] != expected:
        direction = "in reverse" if reverse else "forward"
        raise ValueError(
            f"{layer.name} takes inputs of {expected} features {direction}, "
            f"got shape {inputs.shape}"
        )


def output_spec(layer, inputs, reverse, units):
    """The symbolic output, for `compute_output_spec`.

    Without one Keras traces `call` by itself. It casts weights in `__call__` alone, so that under
    mixed precision such a trace has another dtype or fails; and `compute_output_shape` is not told
    of `reverse`.

    Args:
        layer: The layer, built if it is to run in reverse.
        inputs: Symbolic inputs, `(..., features)`.
        reverse: Whether it runs in reverse.
        units: Number of features that it has forward.

    Returns:
        A `keras.KerasTensor`.
    """
    if layer.built:
        check_features(layer, inputs, reverse)
    features = layer.kernel.shape[-2] if reverse else units
    return keras.KerasTensor((*inputs.shape[:-1], features), dtype=layer.compute_dtype)
