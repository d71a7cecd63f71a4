"""Images, shifted and mirrored at random in training."""

import keras
from keras import ops, random

from ..checks import check_count
from .seed_stream import of_rows
from .seeded_layer import SeededLayer


@keras.saving.register_keras_serializable("amalthea")
class RandomShift(SeededLayer):
    """Shifts each image by up to some pixels in training, as a crop from the image with a border.

    What comes in at the edges is 0. Each image of each batch is shifted by itself, down and to the
    right by whole pixels that are equally likely, and mirrored in half of the cases, if it is to
    be. In inference, and where nobody says which it is, images are left as they are; Keras' own
    layers of that kind change them then.

    Args:
        pixels: The largest shift, at least 0: four of 32 pixels in most papers on CIFAR.
        flip: Whether images are mirrored from left to right, too.
        seed: Seed of the shifts.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, height, width, channels)`.
        training: Whether the images are shifted.

    Returns:
        The same shape.

    Raises:
        ValueError: If `pixels` is no whole number of at least 0.

    Example:
    >>> import keras
    >>> from amalthea.layers import RandomShift
    >>> tuple(RandomShift(1)(keras.ops.ones((2, 4, 4, 1)), training=True).shape)
    (2, 4, 4, 1)

    Reference:
        Lee et al. 2014, "Deeply-Supervised Nets", section 3.1: https://arxiv.org/abs/1409.5185
    """

    def __init__(self, pixels: int, flip: bool = False, *, seed: int | None = None, **kwargs):
        super().__init__(seed, **kwargs)
        self.pixels = check_count("pixels", pixels, least=0)
        self.flip = flip

    def call(self, inputs, training=False):
        if not training:
            return inputs
        border = self.pixels
        height, width, channels = inputs.shape[1:]
        padded = ops.pad(inputs, ((0, 0), (border, border), (border, border), (0, 0)))
        high, wide = height + 2 * border, width + 2 * border
        batch = ops.shape(inputs)[0]
        seed = of_rows(self.seed_generator, inputs)
        corners = random.randint((2, batch, 1, 1), 0, 2 * border + 1, dtype="int32", seed=seed)
        # All pixels as one list, of which each place of each image is at a number.
        rows = ops.reshape(ops.arange(batch, dtype="int32"), (-1, 1, 1)) * high + corners[0]
        rows = rows + ops.reshape(ops.arange(height, dtype="int32"), (1, -1, 1))
        columns = ops.reshape(ops.arange(width, dtype="int32"), (1, 1, -1))
        if self.flip:
            mirrored = random.randint((batch, 1, 1), 0, 2, dtype="int32", seed=seed) > 0
            columns = ops.where(mirrored, width - 1 - columns, columns)
        columns = columns + corners[1]
        return ops.take(ops.reshape(padded, (-1, channels)), rows * wide + columns, axis=0)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "pixels": self.pixels, "flip": self.flip}
