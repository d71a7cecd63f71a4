"""A convolution in which each output map sees only the input maps that a table names."""

import keras
import numpy as np
from keras import activations, initializers, ops

from ..checks import check_count


@keras.saving.register_keras_serializable("amalthea")
class PartialConv2D(keras.layers.Layer):
    """Valid 2D convolution with a connection table between input and output maps.

    Only the connections that the table names have weights: the kernel is stored as
    `(height, width, connections)` and laid out as a sparse full kernel at each call.

    Args:
        connections: For each output map, the indices of the input maps it is connected to, for
            example `((0, 1), (1, 2))`: two output maps over three input maps.
        kernel_size: Side of the square kernel in pixels, at least 1.
        activation: Activation of the output.
        kernel_initializer: Initializer of the kernel, `(height, width, connections)`; Glorot's
            uniform one, by the mean number of connections of a map, where not given.
        bias_initializer: Initializer of the bias, one for each output map.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, height, width, input maps)`.

    Returns:
        `(batch, height - kernel_size + 1, width - kernel_size + 1, output maps)`.

    Raises:
        ValueError: If the table is empty, has an empty row, names an input map twice in a row, or
            names one that the inputs do not have; or if `kernel_size` is below 1.

    Example:
    >>> import keras
    >>> from amalthea.layers import PartialConv2D
    >>> layer = PartialConv2D(((0, 1), (1, 2)), kernel_size=3)
    >>> tuple(layer(keras.ops.ones((1, 5, 5, 3))).shape)
    (1, 3, 3, 2)
    >>> layer.count_params()  # 4 connections of 3x3 weights, 2 biases
    38

    Reference:
        LeCun et al. 1998, "Gradient-Based Learning Applied to Document Recognition", table I:
        https://doi.org/10.1109/5.726791
    """

    def __init__(
        self,
        connections,
        kernel_size: int = 5,
        activation=None,
        kernel_initializer=None,
        bias_initializer="zeros",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not connections or not all(row and len(set(row)) == len(row) for row in connections):
            raise ValueError(
                "connections must name, for each output map, one or more different input maps, "
                f"got {connections!r}"
            )
        self.connections = tuple(tuple(row) for row in connections)
        self.kernel_size = check_count("kernel_size", kernel_size)
        self.activation = activations.get(activation)
        self.kernel_initializer = kernel_initializer and initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)

    def build(self, input_shape):
        maps = input_shape[-1]
        named = [index for row in self.connections for index in row]
        if min(named) < 0 or max(named) >= maps:
            raise ValueError(
                f"{self.name} connects input maps {min(named)} to {max(named)}, "
                f"but the inputs of shape {input_shape} have maps 0 to {maps - 1}"
            )
        size = self.kernel_size
        fans = size**2 * len(named) * (1 / len(self.connections) + 1 / maps)
        glorot_uniform = initializers.RandomUniform(-((6 / fans) ** 0.5), (6 / fans) ** 0.5)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(size, size, len(named)),
            initializer=self.kernel_initializer or glorot_uniform,
        )
        self.bias = self.add_weight(
            name="bias", shape=(len(self.connections),), initializer=self.bias_initializer
        )
        # Row c of the layout says which (input map, output map) pair connection c is.
        self._layout = np.zeros((len(named), maps, len(self.connections)), "float32")
        pairs = ((i, o) for o, row in enumerate(self.connections) for i in row)
        for connection, (i, o) in enumerate(pairs):
            self._layout[connection, i, o] = 1

    def call(self, inputs):
        layout = ops.convert_to_tensor(self._layout, self.compute_dtype)
        kernel = ops.tensordot(self.kernel, layout, axes=1)  # (size, size, inputs, outputs)
        outputs = ops.conv(inputs, kernel, padding="valid", data_format="channels_last")
        return self.activation(ops.add(outputs, self.bias))

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        border = self.kernel_size - 1
        return (
            batch,
            None if height is None else height - border,
            None if width is None else width - border,
            len(self.connections),
        )

    def get_config(self):
        return {
            **super().get_config(),
            "connections": self.connections,
            "kernel_size": self.kernel_size,
            "activation": activations.serialize(self.activation),
            "kernel_initializer": self.kernel_initializer
            and initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
        }
