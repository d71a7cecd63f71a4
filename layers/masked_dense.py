"""A dense layer whose units keep to the order of an image's channels."""

import keras
from keras import ops

from ..checks import check_count
from .raster import channel_mask


@keras.saving.register_keras_serializable("amalthea")
class MaskedDense(keras.layers.Dense):
    """A 1×1 convolution of which no output sees a later channel of the pixel.

    Features are of the channels of the image by turns, from the first on; those of a channel see
    those of it and of earlier ones. With one channel it is `keras.layers.Dense`.

    Args:
        units: Number of output features.
        channels: Channels of the image, at least 1.
        **kwargs: Arguments of `keras.layers.Dense`.

    Call arguments:
        inputs: `(…, features)`.

    Returns:
        `(…, units)`.

    Raises:
        ValueError: If a number is not at least 1.

    Example:
    >>> import keras
    >>> from amalthea.layers import MaskedDense
    >>> tuple(MaskedDense(6, channels=3)(keras.ops.ones((1, 4, 4, 3))).shape)
    (1, 4, 4, 6)

    Reference:
        van den Oord, Kalchbrenner & Kavukcuoglu 2016, "Pixel Recurrent Neural Networks", section
        3.4: https://arxiv.org/abs/1601.06759
    """

    def __init__(self, units: int, channels: int = 1, **kwargs):
        super().__init__(units, **kwargs)
        self.channels = check_count("channels", channels)

    def call(self, inputs, training=None):
        kernel, shape = self.kernel, inputs.shape
        if self.channels > 1:
            seen = channel_mask(shape[-1], self.units, self.channels, strict=False)
            kernel = kernel * ops.convert_to_tensor(seen, self.compute_dtype)
        # Keras' product of tensors costs several times what that of matrices does.
        x = inputs if len(shape) == 2 else ops.reshape(inputs, (-1, shape[-1]))
        x = ops.matmul(x, kernel)
        if self.use_bias:
            x = ops.add(x, self.bias)
        x = self.activation(x)
        if len(shape) == 2:
            return x
        outer = ops.shape(inputs)[:-1] if None in shape[1:-1] else (-1, *shape[1:-1])
        return ops.reshape(x, (*outer, self.units))

    def get_config(self):
        return {**super().get_config(), "channels": self.channels}
