"""Normalisation of each image's channels, to a scale and an offset that a style decides."""

import keras
from keras import ops

from .equalized import EqualizedDense


@keras.saving.register_keras_serializable("amalthea")
class AdaptiveInstanceNormalization(keras.layers.Layer):
    """Gives each channel of an image the mean and the deviation that a style asks for.

    The channels of each image are normalised to mean 0 and variance 1, then multiplied with 1 + y_s
    and moved by y_b, both linear in the style.

    Args:
        epsilon: Added to the variance, above 0.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: A pair: images, `(batch, height, width, channels)`, and styles, `(batch, features)`.

    Returns:
        The shape of the images.

    Raises:
        ValueError: If `epsilon` is not above 0.

    Example:
    >>> import keras
    >>> from amalthea.layers import AdaptiveInstanceNormalization
    >>> images, styles = keras.ops.ones((2, 4, 4, 3)), keras.ops.ones((2, 5))
    >>> tuple(AdaptiveInstanceNormalization()([images, styles]).shape)
    (2, 4, 4, 3)

    Reference:
        Karras et al. 2018, "A Style-Based Generator Architecture for GANs", section 2:
        https://arxiv.org/abs/1812.04948; Huang & Belongie 2017: https://arxiv.org/abs/1703.06868
    """

    def __init__(self, epsilon: float = 1e-8, **kwargs):
        super().__init__(**kwargs)
        if not epsilon > 0:
            raise ValueError(f"epsilon must be above 0, got {epsilon!r}")
        self.epsilon = epsilon

    def build(self, input_shape):
        images, styles = input_shape
        self.affine = EqualizedDense(2 * images[-1], gain=1.0, dtype=self.dtype_policy)
        self.affine.build(styles)

    def call(self, inputs):
        images, styles = inputs
        precise = ops.cast(images, keras.backend.result_type(images.dtype, "float32"))
        mean, variance = ops.moments(precise, axes=(1, 2), keepdims=True)
        normalized = (precise - mean) * ops.rsqrt(variance + self.epsilon)
        scale, offset = ops.split(self.affine(styles)[:, None, None], 2, axis=-1)
        return (1 + scale) * ops.cast(normalized, self.compute_dtype) + offset

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}
