"""A bias by itself, for where a layer has to come between it and a product."""

import keras


@keras.saving.register_keras_serializable("amalthea")
class Bias(keras.layers.Layer):
    """Adds a learned number to each channel, 0 at first.

    Args:
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, …, channels)`.

    Returns:
        The same shape.

    Raises:
        ValueError: If the number of channels is undefined.

    Example:
    >>> import keras
    >>> from amalthea.layers import Bias
    >>> keras.ops.convert_to_numpy(Bias()(keras.ops.ones((1, 2)))).tolist()
    [[1.0, 1.0]]

    Reference:
        Karras et al. 2018, "A Style-Based Generator Architecture for GANs", section 2, where the
        biases follow the noise: https://arxiv.org/abs/1812.04948
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def build(self, input_shape):
        if input_shape[-1] is None:
            raise ValueError(f"{self.name} needs a defined last axis, got {input_shape}")
        self.bias = self.add_weight(name="bias", shape=(input_shape[-1],), initializer="zeros")

    def call(self, inputs):
        return inputs + self.bias

    def compute_output_shape(self, input_shape):
        return input_shape
