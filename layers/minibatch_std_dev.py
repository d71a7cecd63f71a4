"""How much the rows of a batch differ, as a feature of a discriminator."""

import keras
from keras import ops

from ..checks import check_count

# Under the square root, whose gradient at 0 is infinite.
EPSILON = 1e-8


@keras.saving.register_keras_serializable("amalthea")
class MinibatchStdDev(keras.layers.Layer):
    """Appends one channel: the mean standard deviation over groups of rows of the batch.

    The standard deviation of each feature over the rows of a group, averaged over all features, is
    one number for each group; it stands at every position of the group's rows. A generator whose
    images are all alike has it at 0.

    Args:
        group_size: Rows of a group, at least 1. Rows are dealt to the groups one after another. A
            smaller batch is one group, and of a batch that does not divide some groups are larger.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, …, channels)`.

    Returns:
        `(batch, …, channels + 1)`.

    Raises:
        ValueError: If the group size is not a whole number of at least 1.

    Example:
    >>> import keras
    >>> from amalthea.layers import MinibatchStdDev
    >>> tuple(MinibatchStdDev()(keras.ops.ones((6, 4, 4, 3))).shape)
    (6, 4, 4, 4)

    Reference:
        Karras et al. 2017, "Progressive Growing of GANs for Improved Quality, Stability, and
        Variation": https://arxiv.org/abs/1710.10196
    """

    def __init__(self, group_size: int = 4, **kwargs):
        super().__init__(**kwargs)
        self.group_size = check_count("group_size", group_size)

    def call(self, inputs):
        batch = ops.shape(inputs)[0]
        rows = ops.cast(ops.reshape(inputs, (batch, -1)), "float32")
        groups = ops.maximum(batch // self.group_size, 1)
        own = ops.arange(batch) % groups
        # (batch, batch): row i averages over the rows of its group.
        same = ops.cast(own[:, None] == own[None], "float32")
        averaging = same / ops.sum(same, axis=1, keepdims=True)
        deviations = rows - ops.matmul(averaging, rows)
        variances = ops.matmul(averaging, ops.square(deviations))
        spread = ops.mean(ops.sqrt(variances + EPSILON), axis=1)
        spread = ops.reshape(
            ops.cast(spread, inputs.dtype), (batch, *[1] * (len(inputs.shape) - 1))
        )
        return ops.concatenate(
            [inputs, ops.broadcast_to(spread, (*ops.shape(inputs)[:-1], 1))], axis=-1
        )

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + 1)

    def get_config(self):
        return {**super().get_config(), "group_size": self.group_size}
