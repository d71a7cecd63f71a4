"""The activation of the gated PixelCNN."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("amalthea")
class GatedActivation(keras.layers.Layer):
    """Hyperbolic tangents of half of the features, each times the sigmoid of one of the others.

    Args:
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(…, 2 · features)`.

    Returns:
        `(…, features)`, in (-1, 1).

    Raises:
        ValueError: If the number of input features is odd.

    Example:
    >>> import keras
    >>> from amalthea.layers import GatedActivation
    >>> tuple(GatedActivation()(keras.ops.ones((1, 4, 4, 6))).shape)
    (1, 4, 4, 3)

    Reference:
        van den Oord et al. 2016, "Conditional Image Generation with PixelCNN Decoders", equation 2:
        https://arxiv.org/abs/1606.05328
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def build(self, input_shape):
        if input_shape[-1] % 2:
            raise ValueError(
                f"{self.name} takes an even number of features, got inputs of shape {input_shape}"
            )

    def call(self, inputs):
        features, gates = ops.split(inputs, 2, axis=-1)
        return ops.tanh(features) * ops.sigmoid(gates)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] // 2)
