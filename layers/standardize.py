"""Inputs of mean 0 and variance 1, by running statistics of the data."""

import keras
from keras import ops

# From this many steps of training on, a step weighs in the statistics as much as the last one did.
MEMORY = 1000


@keras.saving.register_keras_serializable("amalthea")
class Standardize(keras.layers.Layer):
    """Subtracts the mean of each feature and divides by its standard deviation; and the reverse.

    Mean and variance are those of the training data so far, the first batch included. Unlike
    `keras.layers.BatchNormalization` training and inference see the same numbers, and unlike
    `keras.layers.Normalization` no data is needed before training.

    Args:
        floor: Least standard deviation divided by, so that a feature that hardly varies does not
            become large; above 0.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, features)`.
        reverse: Whether to go from standardised features back.
        training: Whether the inputs count in the statistics.

    Returns:
        `(batch, features)`.

    Raises:
        ValueError: If `floor` is not above 0.

    Example:
    >>> import keras
    >>> from amalthea.layers import Standardize
    >>> layer = Standardize()
    >>> outputs = layer(keras.ops.array([[1.0], [3.0]]), training=True)
    >>> keras.ops.convert_to_numpy(outputs).round(3).tolist()
    [[-1.0], [1.0]]

    Reference:
        Hinton 2010, "A Practical Guide to Training Restricted Boltzmann Machines", section 13.2:
        https://www.cs.toronto.edu/~hinton/absps/guideTR.pdf
    """

    def __init__(self, floor: float = 0.1, **kwargs):
        super().__init__(**kwargs)
        if not floor > 0:
            raise ValueError(f"floor must be above 0, got {floor!r}")
        self.floor = floor

    def build(self, input_shape):
        def running(name, shape, initializer):
            return self.add_weight(
                name=name,
                shape=shape,
                initializer=initializer,
                trainable=False,
                autocast=False,
                aggregation="mean",
            )

        self.mean = running("mean", input_shape[-1:], "zeros")
        self.variance = running("variance", input_shape[-1:], "ones")
        self.steps = running("steps", (), "zeros")

    def call(self, inputs, reverse=False, training=False):
        if training and not reverse:
            self._learn(ops.cast(inputs, self.mean.dtype))
        mean = ops.cast(self.mean, self.compute_dtype)
        deviation = ops.maximum(ops.sqrt(self.variance), self.floor)
        deviation = ops.cast(deviation, self.compute_dtype)
        return inputs * deviation + mean if reverse else (inputs - mean) / deviation

    def _learn(self, inputs):
        share = 1 / (ops.minimum(self.steps, MEMORY - 1) + 1)
        off = ops.mean(inputs, axis=0) - self.mean
        mean = self.mean + share * off
        # The batch's spread about the old mean, less what the mean has moved.
        spread = ops.mean(ops.square(inputs - self.mean), axis=0) - share * ops.square(off)
        variance = (1 - share) * self.variance + share * spread
        self.variance.assign(variance)
        self.mean.assign(mean)
        self.steps.assign(self.steps + 1)

    def get_config(self):
        return {**super().get_config(), "floor": self.floor}
