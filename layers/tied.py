"""Layers that run in both directions with one kernel."""

import keras
from keras import activations, constraints, initializers, ops, regularizers

from ..checks import check_count
from .both_ways import check_features, output_spec


class _Tied(keras.layers.Layer):
    """What both share: the kernel, a bias and an activation for each direction."""

    def __init__(
        self,
        units: int,
        activation=None,
        reverse_activation=None,
        use_bias: bool = True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        kernel_constraint=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        setattr(self, self.counts, check_count(self.counts, units))
        self.activation = activations.get(activation)
        self.reverse_activation = activations.get(reverse_activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def build(self, input_shape):
        features = input_shape[-1]
        if features is None:
            raise ValueError(
                f"{self.name} needs a defined last axis, got inputs of shape {input_shape}"
            )
        units = getattr(self, self.counts)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*self.window, features, units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=(units,), initializer=self.bias_initializer
            )
            self.reverse_bias = self.add_weight(
                name="reverse_bias", shape=(features,), initializer=self.bias_initializer
            )

    def call(self, inputs, reverse=False):
        check_features(self, inputs, reverse)
        outputs = self.linear(inputs, reverse)
        return (self.reverse_activation if reverse else self.activation)(outputs)

    def linear(self, inputs, reverse=False):
        """What the activation is of."""
        outputs = self.product(inputs, reverse)
        if self.use_bias:
            outputs = ops.add(outputs, self.reverse_bias if reverse else self.bias)
        return outputs

    def compute_output_spec(self, inputs, reverse=False, training=False):
        return output_spec(self, inputs, reverse, getattr(self, self.counts))

    def get_config(self):
        return {
            **super().get_config(),
            self.counts: getattr(self, self.counts),
            "activation": activations.serialize(self.activation),
            "reverse_activation": activations.serialize(self.reverse_activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
        }


@keras.saving.register_keras_serializable("amalthea")
class TiedDense(_Tied):
    """Dense layer whose transpose is its own decoder.

    Forward it computes `activation(x · W + b)`; with `reverse=True` it computes
    `reverse_activation(h · Wᵀ + c)`: the kernel `W` is shared, the two biases are not. Calling one
    layer twice in one functional model, forward first, ties an encoder to its decoder in a way that
    survives saving, loading and cloning.

    Args:
        units: Size of the forward output, at least 1.
        activation: Activation of the forward direction.
        reverse_activation: Activation of the reverse direction.
        use_bias: Whether both directions have a bias.
        kernel_initializer: Initializer of the shared kernel.
        bias_initializer: Initializer of both biases.
        kernel_regularizer: Regularizer of the shared kernel, counted once.
        kernel_constraint: Constraint of the shared kernel.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(..., features)` forward, `(..., units)` in reverse.
        reverse: Whether to run from the units back to the features.

    Returns:
        `(..., units)` forward, `(..., features)` in reverse.

    Raises:
        ValueError: If `units` is below 1, the last axis is undefined, or the last axis of the input
            does not fit the direction.

    Example:
    >>> import keras
    >>> from amalthea.layers import TiedDense
    >>> tied = TiedDense(2)
    >>> code = tied(keras.ops.ones((3, 5)))
    >>> tuple(code.shape)
    (3, 2)
    >>> tuple(tied(code, reverse=True).shape)
    (3, 5)

    Reference:
        Vincent et al. 2010, "Stacked Denoising Autoencoders", JMLR 11, section 2.2:
        https://jmlr.org/papers/v11/vincent10a.html
    """

    counts = "units"
    window = ()

    def product(self, inputs, reverse):
        """The linear map, or its transpose."""
        return ops.matmul(inputs, ops.transpose(self.kernel) if reverse else self.kernel)


@keras.saving.register_keras_serializable("amalthea")
class TiedConv2D(_Tied):
    """Convolution whose transposed convolution is its own decoder, with one kernel.

    The images keep their size in both directions, being padded with zeros. As with `TiedDense` the
    two biases are not shared, and one layer called twice ties a decoder to its encoder.

    Args:
        filters: Channels of the forward output, at least 1.
        kernel_size: Height and width of the kernel, at least 1.
        activation: Activation of the forward direction.
        reverse_activation: Activation of the reverse direction.
        use_bias: Whether both directions have a bias.
        kernel_initializer: Initializer of the shared kernel.
        bias_initializer: Initializer of both biases.
        kernel_regularizer: Regularizer of the shared kernel, counted once.
        kernel_constraint: Constraint of the shared kernel.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, height, width, channels)` forward, `(batch, height, width, filters)` in
            reverse.
        reverse: Whether to run from the filters back to the channels.

    Returns:
        `(batch, height, width, filters)` forward, `(batch, height, width, channels)` in reverse.

    Raises:
        ValueError: If `filters` or `kernel_size` is below 1, the last axis is undefined, or the
            last axis of the input does not fit the direction.

    Example:
    >>> import keras
    >>> from amalthea.layers import TiedConv2D
    >>> tied = TiedConv2D(4, 3)
    >>> maps = tied(keras.ops.ones((2, 5, 7, 1)))
    >>> tuple(maps.shape), tuple(tied(maps, reverse=True).shape)
    ((2, 5, 7, 4), (2, 5, 7, 1))

    Reference:
        Masci, Meier, Cireşan & Schmidhuber 2011, "Stacked Convolutional Auto-Encoders for
        Hierarchical Feature Extraction": https://doi.org/10.1007/978-3-642-21735-7_7
    """

    counts = "filters"

    def __init__(self, filters: int, kernel_size: int, *args, **kwargs):
        super().__init__(filters, *args, **kwargs)
        self.kernel_size = check_count("kernel_size", kernel_size)

    @property
    def window(self):
        return (self.kernel_size, self.kernel_size)

    def product(self, inputs, reverse):
        """The convolution, or its transpose."""
        product = ops.conv_transpose if reverse else ops.conv
        return product(inputs, self.kernel, 1, padding="same", data_format="channels_last")

    def get_config(self):
        return {**super().get_config(), "kernel_size": self.kernel_size}
