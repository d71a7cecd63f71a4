"""Noise from which a generator makes what is random in an image."""

import keras


@keras.saving.register_keras_serializable("amalthea")
class NoiseInjection(keras.layers.Layer):
    """Adds one image of noise to all channels, in each with a learned strength.

    Strengths are 0 at first.

    Args:
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: A pair: images, `(batch, height, width, channels)`, and noise, `(batch, height,
            width, 1)`, such as `NormalNoise` gives.

    Returns:
        The shape of the images.

    Raises:
        ValueError: If the number of channels is undefined.

    Example:
    >>> import keras
    >>> from amalthea.layers import NoiseInjection
    >>> images, noise = keras.ops.ones((1, 2, 2, 3)), keras.ops.ones((1, 2, 2, 1))
    >>> tuple(NoiseInjection()([images, noise]).shape)
    (1, 2, 2, 3)

    Reference:
        Karras et al. 2018, "A Style-Based Generator Architecture for GANs", section 2.1:
        https://arxiv.org/abs/1812.04948
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def build(self, input_shape):
        images, _ = input_shape
        if images[-1] is None:
            raise ValueError(f"{self.name} needs a defined last axis, got {images}")
        self.strength = self.add_weight(name="strength", shape=(images[-1],), initializer="zeros")

    def call(self, inputs):
        images, noise = inputs
        return images + self.strength * noise

    def compute_output_shape(self, input_shape):
        return input_shape[0]
