"""Dense and convolutional layers with an equalised learning rate."""

import math

import keras
from keras import initializers, ops

ROOT_2 = math.sqrt(2)


class _Equalized:
    """Kernels from N(0, 1), scaled by He's constant in each call rather than at the beginning.

    Optimizers such as Adam, whose steps do not depend on the size of the gradients, then change all
    layers equally fast.
    """

    def __init__(
        self, *args, gain: float = ROOT_2, learning_rate_multiplier: float = 1.0, **kwargs
    ):
        if not gain > 0:
            raise ValueError(f"gain must be above 0, got {gain!r}")
        if not learning_rate_multiplier > 0:
            raise ValueError(
                f"learning_rate_multiplier must be above 0, got {learning_rate_multiplier!r}"
            )
        spread = initializers.RandomNormal(0.0, 1 / learning_rate_multiplier)
        super().__init__(*args, **{"kernel_initializer": spread, **kwargs})
        self.gain = gain
        self.learning_rate_multiplier = learning_rate_multiplier

    def call(self, inputs):
        inputs_of_a_unit = math.prod(self.kernel.shape[:-1])
        scale = self.gain * self.learning_rate_multiplier / math.sqrt(inputs_of_a_unit)
        outputs = self.product(inputs, scale * self.kernel)
        if self.use_bias:
            outputs = outputs + self.learning_rate_multiplier * self.bias
        return outputs if self.activation is None else self.activation(outputs)

    def get_config(self):
        return {
            **super().get_config(),
            "gain": self.gain,
            "learning_rate_multiplier": self.learning_rate_multiplier,
        }


@keras.saving.register_keras_serializable("amalthea")
class EqualizedDense(_Equalized, keras.layers.Dense):
    """A dense layer with an equalised learning rate: the kernel, from N(0, 1), is scaled in calls.

    Args:
        units: Number of units.
        gain: What the kernel is multiplied with, beside 1/√inputs; above 0.
        learning_rate_multiplier: How fast kernel and biases learn, beside the optimizer; above 0.
            Outputs are the same at first.
        **kwargs: Arguments of `keras.layers.Dense`.

    Call arguments:
        inputs: `(…, inputs)`.

    Returns:
        `(…, units)`.

    Raises:
        ValueError: If `gain` or `learning_rate_multiplier` is not above 0.

    Example:
    >>> import keras
    >>> from amalthea.layers import EqualizedDense
    >>> tuple(EqualizedDense(3)(keras.ops.ones((2, 4))).shape)
    (2, 3)

    Reference:
        Karras et al. 2017, "Progressive Growing of GANs", section 4.1:
        https://arxiv.org/abs/1710.10196
    """

    def __init__(self, units: int, **kwargs):
        super().__init__(units, **kwargs)

    def product(self, inputs, kernel):
        """The linear map itself."""
        return ops.matmul(inputs, kernel)


@keras.saving.register_keras_serializable("amalthea")
class EqualizedConv2D(_Equalized, keras.layers.Conv2D):
    """A convolution with an equalised learning rate: the kernel, from N(0, 1), is scaled in calls.

    Args:
        filters: Number of filters.
        kernel_size: Height and width of the kernel.
        resample: `"up"` to double the images' sides before the convolution, each pixel becoming
            four, `"down"` to halve them after it, each pixel being the mean of four; None for
            neither. Either is one convolution with a larger kernel and fewer products.
        gain: What the kernel is multiplied with, beside 1/√(height · width · channels); above 0.
        learning_rate_multiplier: How fast kernel and biases learn, beside the optimizer; above 0.
            Outputs are the same at first.
        **kwargs: Arguments of `keras.layers.Conv2D`, but for `data_format`; the padding is
            `"same"` if not given.

    Call arguments:
        inputs: `(batch, height, width, channels)`.

    Returns:
        `(batch, new height, new width, filters)`.

    Raises:
        ValueError: If `gain` or `learning_rate_multiplier` is not above 0, or `resample` is neither
            `"up"`, `"down"` nor None or comes with strides or another padding than `"same"`.

    Example:
    >>> import keras
    >>> from amalthea.layers import EqualizedConv2D
    >>> tuple(EqualizedConv2D(3, 3)(keras.ops.ones((2, 4, 4, 1))).shape)
    (2, 4, 4, 3)

    Reference:
        Karras et al. 2017, "Progressive Growing of GANs", section 4.1:
        https://arxiv.org/abs/1710.10196
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        *,
        resample: str | None = None,
        **kwargs,
    ):
        kwargs = {"padding": "same", **kwargs, "data_format": "channels_last"}
        super().__init__(filters, kernel_size, **kwargs)
        if resample not in (None, "up", "down"):
            raise ValueError(f"resample must be 'up', 'down' or None, got {resample!r}")
        if resample and (self.padding != "same" or {*self.strides, *self.dilation_rate} != {1}):
            raise ValueError(
                "resample goes with padding 'same', strides of 1 and no dilation, got "
                f"padding {self.padding!r}, strides {self.strides}, dilation {self.dilation_rate}"
            )
        self.resample = resample

    def product(self, inputs, kernel):
        """The linear map itself."""
        if self.resample is None:
            return self.convolution_op(inputs, kernel)
        settings = {"strides": 2, "padding": "same", "data_format": "channels_last"}
        if self.resample == "up":
            kernel = _spread(ops.transpose(ops.flip(kernel, (0, 1)), (0, 1, 3, 2)))
            return ops.conv_transpose(inputs, kernel, **settings)
        return ops.conv(inputs, _spread(kernel) / 4, **settings)

    def compute_output_shape(self, input_shape):
        shape = super().compute_output_shape(input_shape)
        if self.resample is None:
            return shape
        batch, *sides, filters = shape
        new = (side and (2 * side if self.resample == "up" else side // 2) for side in sides)
        return (batch, *new, filters)

    def get_config(self):
        return {**super().get_config(), "resample": self.resample}


def _spread(kernel):
    """The sum of a kernel and its copies that are moved by a pixel down, right, and both."""
    for axis in range(2):
        rest = [(0, 0)] * 3
        padded = (ops.pad(kernel, [*rest[:axis], ends, *rest[axis:]]) for ends in ((0, 1), (1, 0)))
        kernel = sum(padded)
    return kernel
