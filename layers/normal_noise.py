"""Noise as an input of a network."""

from random import randrange

import keras
import numpy as np
from keras import ops, random

from .seed_stream import of_rows
from .seeded_layer import SeededLayer


@keras.saving.register_keras_serializable("amalthea")
class NormalNoise(SeededLayer):
    """Standard normal noise, in training new for each row of each batch.

    In inference it is always the same and all rows have the same, so that what a network makes of
    its inputs depends on them alone. A model that is cut behind this layer takes other noise.

    Args:
        shape: Shape of the noise of a row.
        seed: Seed of the noise; drawn by Python's `random` if not given.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, …)`, which have no say but that replicas with others draw other noise.
        training: Whether the noise is new.

    Returns:
        `(batch, *shape)`.

    Raises:
        ValueError: If `shape` has a size that is not a whole number of at least 1.

    Example:
    >>> import keras
    >>> from amalthea.layers import NormalNoise
    >>> tuple(NormalNoise((4, 4, 1))(keras.ops.ones((2, 3))).shape)
    (2, 4, 4, 1)

    Reference:
        Karras et al. 2018, "A Style-Based Generator Architecture for GANs", section 2.1:
        https://arxiv.org/abs/1812.04948
    """

    def __init__(self, shape: tuple[int, ...], *, seed: int | None = None, **kwargs):
        # A number even if none is given, so that a clone has the same fixed noise.
        super().__init__(randrange(2**31) if seed is None else seed, **kwargs)
        if not all(isinstance(size, int) and size >= 1 for size in shape):
            raise ValueError(f"shape must be whole numbers of at least 1, got {shape!r}")
        self.shape = tuple(shape)

    def call(self, inputs, training=False):
        batch = ops.shape(inputs)[0]
        if training:
            seeds = of_rows(self.seed_generator, inputs)
            return random.normal((batch, *self.shape), dtype=self.compute_dtype, seed=seeds)
        # A constant: what draws, if only ever the same, cannot be exported to LiteRT.
        noise = np.random.default_rng(self.seed).standard_normal((1, *self.shape), "float32")
        noise = ops.convert_to_tensor(noise, dtype=self.compute_dtype)
        return ops.broadcast_to(noise, (batch, *self.shape))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.shape)

    def get_config(self):
        return {**super().get_config(), "shape": self.shape}
