"""Noise from which a generator makes what is random in an image."""

import keras
from keras import ops, random

from .seeded_layer import SeededLayer


@keras.saving.register_keras_serializable("amalthea")
class NoiseInjection(SeededLayer):
    """Adds to all channels one image of normal noise, in each with a learned strength.

    Strengths are 0 at first. The noise is drawn in each call, in inference, too.

    Args:
        seed: Seed of the noise.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, height, width, channels)`.
        noise: `(batch, height, width, 1)`, to be added instead of what the layer draws.

    Returns:
        The same shape as the inputs.

    Raises:
        ValueError: If the number of channels is undefined.

    Example:
    >>> import keras
    >>> from amalthea.layers import NoiseInjection
    >>> outputs = NoiseInjection()(keras.ops.ones((1, 2, 2, 1)))
    >>> keras.ops.convert_to_numpy(outputs).ravel().tolist()
    [1.0, 1.0, 1.0, 1.0]

    Reference:
        Karras et al. 2018, "A Style-Based Generator Architecture for GANs", section 2.1:
        https://arxiv.org/abs/1812.04948
    """

    def build(self, input_shape):
        if input_shape[-1] is None:
            raise ValueError(f"{self.name} needs a defined last axis, got {input_shape}")
        self.strength = self.add_weight(
            name="strength", shape=(input_shape[-1],), initializer="zeros"
        )

    def call(self, inputs, noise=None):
        if noise is None:
            shape = (*ops.shape(inputs)[:-1], 1)
            noise = random.normal(shape, dtype=self.compute_dtype, seed=self.seed_generator)
        return inputs + self.strength * ops.cast(noise, self.compute_dtype)
