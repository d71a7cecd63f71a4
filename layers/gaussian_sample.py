"""The reparameterised Gaussian sample."""

import keras
from keras import ops, random

from ..checks import is_whole
from .seed_stream import of_rows
from .seeded_layer import SeededLayer


@keras.saving.register_keras_serializable("amalthea")
class GaussianSample(SeededLayer):
    """Draws from a Gaussian of each row, so that gradients flow into its mean and its variance.

    A draw is `mean + exp(log_variance / 2) · ε`, with new standard normal ε in each call. Outside
    training it is the mean.

    Args:
        samples: Draws for each row, at least 1; None for one, without an axis of its own.
        seed: Seed of the draws.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Means and, after them, logarithms of variances, `(batch, 2 · units)`.
        training: Whether to draw.

    Returns:
        `(batch, units)`; with `samples`, `(samples, batch, units)`.

    Raises:
        ValueError: If `samples` is below 1 or the inputs' last axis is odd.

    Example:
    >>> import keras
    >>> from amalthea.layers import GaussianSample
    >>> keras.ops.convert_to_numpy(GaussianSample()(keras.ops.array([[3.0, 0.0]]))).tolist()
    [[3.0]]

    Reference:
        Kingma & Welling 2013, "Auto-Encoding Variational Bayes", section 2.4:
        https://arxiv.org/abs/1312.6114
    """

    def __init__(self, samples: int | None = None, *, seed: int | None = None, **kwargs):
        super().__init__(seed, **kwargs)
        if samples is not None and not (is_whole(samples) and samples >= 1):
            raise ValueError(
                f"samples must be a whole number of at least 1, or None, got {samples!r}"
            )
        self.samples = samples

    def build(self, input_shape):
        if input_shape[-1] is None or input_shape[-1] % 2:
            raise ValueError(
                f"{self.name} takes means and log-variances, equally many, on the last axis, "
                f"got inputs of shape {input_shape}"
            )

    def call(self, inputs, training=False):
        if training:
            return self.draw(inputs, self.samples, of_rows(self.seed_generator, inputs))
        mean, _ = ops.split(inputs, 2, axis=-1)
        return mean if self.samples is None else ops.repeat(mean[None], self.samples, axis=0)

    def draw(self, inputs, samples, seed):
        """Draws for means and log-variances, whatever the layer's own number of samples.

        Args:
            inputs: `(batch, 2 · units)`.
            samples: Draws for each row, or None for one without an axis of its own.
            seed: Seed of the draws, as `keras.random` takes it.

        Returns:
            `(batch, units)`, or `(samples, batch, units)`.
        """
        mean, log_variance = ops.split(inputs, 2, axis=-1)
        shape = ops.shape(mean) if samples is None else (samples, *ops.shape(mean))
        noise = random.normal(shape, dtype=mean.dtype, seed=seed)
        return mean + ops.exp(log_variance / 2) * noise

    def compute_output_shape(self, input_shape):
        shape = (*input_shape[:-1], input_shape[-1] // 2)
        return shape if self.samples is None else (self.samples, *shape)

    def get_config(self):
        return {**super().get_config(), "samples": self.samples}
