"""Latents drawn towards their mean, for samples that are better and more alike."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("amalthea")
class Truncation(keras.layers.Layer):
    """Keeps a running mean of latents, and draws latents towards it.

    In training the latents come out as they are, and the mean follows them.

    Args:
        decay: What the running mean keeps in each step, in [0, 1).
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, features)`.
        psi: The share of each latent's distance from the mean that remains: 1 changes nothing, with
            0 all latents become the mean. Anything that can be multiplied with the inputs.
        training: Whether the mean follows.

    Returns:
        The same shape.

    Raises:
        ValueError: If `decay` is out of its range.

    Example:
    >>> import keras
    >>> from amalthea.layers import Truncation
    >>> outputs = Truncation()(keras.ops.ones((1, 2)), psi=0.5)
    >>> keras.ops.convert_to_numpy(outputs).tolist()
    [[0.5, 0.5]]

    Reference:
        Karras et al. 2018, "A Style-Based Generator Architecture for GANs", appendix B:
        https://arxiv.org/abs/1812.04948
    """

    def __init__(self, decay: float = 0.995, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= decay < 1:
            raise ValueError(f"decay must be at least 0 and below 1, got {decay!r}")
        self.decay = decay

    def build(self, input_shape):
        self.mean = self.add_weight(
            name="mean",
            shape=(input_shape[-1],),
            initializer="zeros",
            trainable=False,
            autocast=False,  # a running mean needs all its digits
            aggregation="mean",
        )

    def call(self, inputs, psi=1.0, training=False):
        if training:
            batch = ops.mean(ops.cast(ops.stop_gradient(inputs), "float32"), axis=0)
            self.mean.assign(self.decay * self.mean + (1 - self.decay) * batch)
            return inputs
        mean = ops.cast(self.mean, self.compute_dtype)
        return mean + ops.cast(psi, self.compute_dtype) * (inputs - mean)

    def get_config(self):
        return {**super().get_config(), "decay": self.decay}
