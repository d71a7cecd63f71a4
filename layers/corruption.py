"""Noise that corrupts what is to be restored."""

import keras
from keras import ops, random

from .seed_stream import of_rows
from .seeded_layer import SeededLayer

KINDS = ("masking", "gaussian")


@keras.saving.register_keras_serializable("amalthea")
class Corruption(SeededLayer):
    """Corrupts its inputs in training: sets some to 0, or adds Gaussian noise.

    Unlike dropout, masking does not enlarge what remains: it spoils images, it does not average
    nets.

    Args:
        kind: `"masking"` or `"gaussian"`.
        level: Probability of each input to become 0, in [0, 1), or standard deviation of what is
            added, at least 0.
        seed: Seed of the noise.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Any shape.
        training: Whether there is noise.

    Returns:
        The same shape.

    Raises:
        ValueError: If the kind is neither or the level is out of its range.

    Example:
    >>> import keras
    >>> from amalthea.layers import Corruption
    >>> noisy = Corruption("masking", 0.5, seed=0)(keras.ops.ones((1, 100)), training=True)
    >>> sorted(set(keras.ops.convert_to_numpy(noisy)[0].tolist()))
    [0.0, 1.0]

    Reference:
        Vincent et al. 2010, "Stacked Denoising Autoencoders", section 3.3:
        https://jmlr.org/papers/v11/vincent10a.html
    """

    def __init__(self, kind: str, level: float, *, seed: int | None = None, **kwargs):
        super().__init__(seed, **kwargs)
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
        if not 0 <= level < (1 if kind == "masking" else float("inf")):
            end = " and below 1" if kind == "masking" else ""
            raise ValueError(f"level must be at least 0{end} for {kind} noise, got {level!r}")
        self.kind = kind
        self.level = level

    def call(self, inputs, training=False):
        if not training or not self.level:
            return inputs
        shape, seeds = ops.shape(inputs), of_rows(self.seed_generator, inputs)
        if self.kind == "gaussian":
            noise = random.normal(shape, dtype=inputs.dtype, seed=seeds)
            return inputs + self.level * noise
        kept = random.uniform(shape, seed=seeds) >= self.level
        return inputs * ops.cast(kept, inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "kind": self.kind, "level": self.level}
