"""Batch normalisation in one kernel, where TensorFlow has one."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("amalthea")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Keras' batch normalisation, in half the time for images in training on TensorFlow.

    There Keras composes it of a dozen operations, each of which reads the images once more. The
    results are the same to rounding. Other backends fuse them anyway.

    Args:
        **kwargs: Arguments of `keras.layers.BatchNormalization`.

    Call arguments:
        inputs: `(batch, height, width, channels)` for the one kernel, or any other shape that Keras
            allows.
        training: Whether the batch is normalised by its own mean and variance, which running means
            follow; otherwise by those.
        mask: As in Keras.

    Returns:
        The same shape.

    Raises:
        ValueError: If an argument of Keras' layer is out of its range.

    Example:
    >>> import keras
    >>> from amalthea.layers import FusedBatchNormalization
    >>> images = keras.ops.reshape(keras.ops.array([1.0, 3.0]), (2, 1, 1, 1))
    >>> outputs = FusedBatchNormalization(epsilon=1e-6)(images, training=True)
    >>> keras.ops.convert_to_numpy(outputs).ravel().round(3).tolist()
    [-1.0, 1.0]

    Reference:
        Ioffe & Szegedy 2015, "Batch Normalization": https://arxiv.org/abs/1502.03167
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def call(self, inputs, training=None, mask=None):
        kind = keras.backend.standardize_dtype(inputs.dtype)
        if not (
            keras.backend.backend() == "tensorflow"
            and training
            and self.trainable
            and mask is None
            and len(inputs.shape) == 4
            and self.axis in (-1, 3)
            and kind in ("float16", "bfloat16", "float32")
            and not (self.synchronized or self.renorm)
        ):
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=ops.cast(self.gamma, "float32") if self.scale else ops.ones(inputs.shape[-1]),
            offset=ops.cast(self.beta, "float32") if self.center else ops.zeros(inputs.shape[-1]),
            mean=[],
            variance=[],
            epsilon=self.epsilon,
            is_training=True,
        )
        # The kernel estimates the population's variance, Keras takes that of the batch.
        count = ops.cast(tf.size(inputs) / inputs.shape[-1], "float32")
        variance = variance * (count - 1) / ops.maximum(count, 1)
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign(self.momentum * average + (1 - self.momentum) * value)
        return ops.cast(outputs, self.compute_dtype)
