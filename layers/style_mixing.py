"""Images that have their coarse features from one latent and their fine ones from another."""

import keras
from keras import ops, random

from ..checks import check_count
from .seed_stream import of_rows
from .seeded_layer import SeededLayer


@keras.saving.register_keras_serializable("amalthea")
class StyleMixing(SeededLayer):
    """Gives each layer of a synthesis network its style, in training now and then of two latents.

    Each row of a batch is mixed with `probability`: the layers from a random one on then have the
    second style. In inference all layers have the first.

    Args:
        count: Number of layers that take a style.
        probability: Share of rows that are mixed, in [0, 1].
        seed: Seed of the mixing.
        **kwargs: Arguments of `keras.layers.Layer`.

    Attributes:
        active: How many layers are in use, a weight: the second style begins at one of those but
            the first. A schedule may move it; all are at first.

    Call arguments:
        inputs: A pair of styles, `(batch, features)` each.
        training: Whether rows are mixed.

    Returns:
        `(batch, count, features)`.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
    >>> import keras
    >>> from amalthea.layers import StyleMixing
    >>> tuple(StyleMixing(4)([keras.ops.ones((2, 3)), keras.ops.zeros((2, 3))]).shape)
    (2, 4, 3)

    Reference:
        Karras et al. 2018, "A Style-Based Generator Architecture for GANs", section 3.1:
        https://arxiv.org/abs/1812.04948
    """

    def __init__(self, count: int, *, probability: float = 0.9, seed: int | None = None, **kwargs):
        super().__init__(seed, **kwargs)
        if not 0 <= probability <= 1:
            raise ValueError(f"probability must be in [0, 1], got {probability!r}")
        self.count = check_count("count", count)
        self.probability = probability

    def build(self, input_shape):
        self.active = self.add_state("active", (), self.count)

    def call(self, inputs, training=False):
        first, second = (ops.repeat(style[:, None], self.count, axis=1) for style in inputs)
        if not training or not self.probability:
            return first
        rows, seeds = (ops.shape(first)[0], 1, 1), of_rows(self.seed_generator, inputs[0])
        mixed = random.uniform(rows, seed=seeds) < self.probability
        # A whole number from 1 to active − 1.
        place = random.uniform(rows, seed=seeds) * (self.active - 1)
        later = ops.arange(self.count)[:, None] >= 1 + ops.cast(ops.floor(place), "int32")
        return ops.where(ops.logical_and(mixed, later), second, first)

    def compute_output_shape(self, input_shape):
        batch, features = input_shape[0]
        return (batch, self.count, features)

    def get_config(self):
        return {**super().get_config(), "count": self.count, "probability": self.probability}
