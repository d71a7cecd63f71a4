"""Units that are the largest of several linear ones."""

import keras
from keras import constraints, initializers, ops

from ..checks import check_count


@keras.saving.register_keras_serializable("amalthea")
class Maxout(keras.layers.Layer):
    """A dense layer whose activation is the maximum over pieces: each unit has several kernels.

    Args:
        units: Number of units, at least 1.
        pieces: Number of linear pieces of each unit, at least 1.
        kernel_initializer: Initializer of the kernel, `(inputs, units · pieces)`.
        bias_initializer: Initializer of the biases, `(units · pieces,)`.
        kernel_constraint: What the kernel is kept to, such as `keras.constraints.MaxNorm(2)`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(…, inputs)`.

    Returns:
        `(…, units)`.

    Raises:
        ValueError: If an argument is out of its range, or the last axis of the input is undefined.

    Example:
    >>> import keras
    >>> from amalthea.layers import Maxout
    >>> tuple(Maxout(3, pieces=5)(keras.ops.ones((2, 4))).shape)
    (2, 3)

    Reference:
        Goodfellow et al. 2013, "Maxout Networks": https://arxiv.org/abs/1302.4389
    """

    def __init__(
        self,
        units: int,
        pieces: int = 5,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_constraint=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = check_count("units", units)
        self.pieces = check_count("pieces", pieces)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def build(self, input_shape):
        if input_shape[-1] is None:
            raise ValueError(
                f"{self.name} needs a defined last axis, got inputs of shape {input_shape}"
            )
        size = self.units * self.pieces
        self.kernel = self.add_weight(
            name="kernel",
            shape=(input_shape[-1], size),
            initializer=self.kernel_initializer,
            constraint=self.kernel_constraint,
        )
        self.bias = self.add_weight(name="bias", shape=(size,), initializer=self.bias_initializer)

    def call(self, inputs):
        linear = ops.matmul(inputs, self.kernel) + self.bias
        return ops.max(
            ops.reshape(linear, (*ops.shape(linear)[:-1], self.units, self.pieces)), axis=-1
        )

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "pieces": self.pieces,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
        }
