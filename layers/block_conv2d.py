"""Convolutions of images of few channels, over blocks of pixels."""

import keras
from keras import ops


def _check(layer):
    same = (layer.kernel_size, layer.strides, layer.padding) == ((4, 4), (2, 2), "same")
    if not same or getattr(layer, "groups", 1) != 1 or {*layer.dilation_rate} != {1}:
        raise ValueError(
            f"{type(layer).__name__} takes a kernel_size of 4, strides of 2 and padding 'same' "
            f"alone, got {layer.kernel_size}, {layer.strides} and {layer.padding!r}"
        )


def _blocks(kernel):
    """A 4×4 kernel over pixels as one of 2×2 over blocks of 2×2 pixels."""
    *_, inputs, outputs = kernel.shape
    kernel = ops.reshape(kernel, (2, 2, 2, 2, inputs, outputs))
    return ops.reshape(ops.transpose(kernel, (0, 2, 1, 3, 4, 5)), (2, 2, 4 * inputs, outputs))


@keras.saving.register_keras_serializable("amalthea")
class BlockConv2D(keras.layers.Conv2D):
    """Keras' convolution by 4×4 kernels with strides of 2, faster where channels are few.

    Blocks of 2×2 pixels become one with four times the channels, which a 2×2 kernel then goes over.
    The results are the same to rounding; the gradient with respect to images of one channel takes
    less than half the time on a CPU.

    Args:
        filters: Number of filters.
        **kwargs: Arguments of `keras.layers.Conv2D`; the kernel has 4×4 pixels, strides are 2 and
            the padding is `"same"`.

    Call arguments:
        inputs: `(batch, height, width, channels)`, height and width even.

    Returns:
        `(batch, height / 2, width / 2, filters)`.

    Raises:
        ValueError: If kernel, strides or padding are others, or a side of the images is odd.

    Example:
    >>> import keras
    >>> from amalthea.layers import BlockConv2D
    >>> tuple(BlockConv2D(3)(keras.ops.ones((2, 6, 4, 1))).shape)
    (2, 3, 2, 3)

    Reference:
        Shi et al. 2016, "Is the Deconvolution Layer the Same as a Convolutional Layer?":
        https://arxiv.org/abs/1609.07009
    """

    def __init__(self, filters: int, **kwargs):
        settings = {"kernel_size": 4, "strides": 2, "padding": "same", **kwargs}
        super().__init__(filters, **{**settings, "data_format": "channels_last"})
        _check(self)

    def build(self, input_shape):
        if any(side is None or side % 2 for side in input_shape[1:3]):
            raise ValueError(f"{self.name} takes images of even sides, got shape {input_shape}")
        super().build(input_shape)

    def convolution_op(self, inputs, kernel):
        blocks = ops.space_to_depth(ops.pad(inputs, [(0, 0), (1, 1), (1, 1), (0, 0)]), 2)
        return ops.conv(blocks, _blocks(kernel), data_format="channels_last")


@keras.saving.register_keras_serializable("amalthea")
class BlockConv2DTranspose(keras.layers.Conv2DTranspose):
    """Keras' transposed convolution by 4×4 kernels with strides of 2, faster for few filters.

    A 2×2 kernel makes blocks of 2×2 pixels of each pixel and its neighbours. The results are the
    same to rounding.

    Args:
        filters: Number of filters.
        **kwargs: Arguments of `keras.layers.Conv2DTranspose`; the kernel has 4×4 pixels, strides
            are 2 and the padding is `"same"`.

    Call arguments:
        inputs: `(batch, height, width, channels)`.

    Returns:
        `(batch, 2 · height, 2 · width, filters)`.

    Raises:
        ValueError: If kernel, strides or padding are others.

    Example:
    >>> import keras
    >>> from amalthea.layers import BlockConv2DTranspose
    >>> tuple(BlockConv2DTranspose(1)(keras.ops.ones((2, 3, 2, 5))).shape)
    (2, 6, 4, 1)

    Reference:
        Shi et al. 2016, "Is the Deconvolution Layer the Same as a Convolutional Layer?":
        https://arxiv.org/abs/1609.07009
    """

    def __init__(self, filters: int, **kwargs):
        settings = {"kernel_size": 4, "strides": 2, "padding": "same", **kwargs}
        super().__init__(filters, **{**settings, "data_format": "channels_last"})
        _check(self)

    def call(self, inputs):
        blocks = ops.conv_transpose(inputs, _blocks(self.kernel), data_format="channels_last")
        outputs = ops.depth_to_space(blocks, 2)[:, 1:-1, 1:-1]
        if self.use_bias:
            outputs = ops.add(outputs, self.bias)
        return self.activation(outputs)
