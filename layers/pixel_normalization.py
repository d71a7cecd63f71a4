"""Feature vectors of unit length, pixel by pixel."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("amalthea")
class PixelNormalization(keras.layers.Layer):
    """Divides the features of each pixel by their root mean square.

    It keeps a generator's activations from growing without limit in the race with a discriminator.

    Args:
        epsilon: Added to the mean square, above 0.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(…, features)`.

    Returns:
        The same shape; the mean square of the last axis is 1.

    Raises:
        ValueError: If `epsilon` is not above 0.

    Example:
    >>> import keras
    >>> from amalthea.layers import PixelNormalization
    >>> outputs = PixelNormalization()(keras.ops.array([[3.0, -3.0]]))
    >>> keras.ops.convert_to_numpy(outputs).round(3).tolist()
    [[1.0, -1.0]]

    Reference:
        Karras et al. 2017, "Progressive Growing of GANs", section 4.2:
        https://arxiv.org/abs/1710.10196
    """

    def __init__(self, epsilon: float = 1e-8, **kwargs):
        super().__init__(**kwargs)
        if not epsilon > 0:
            raise ValueError(f"epsilon must be above 0, got {epsilon!r}")
        self.epsilon = epsilon

    def call(self, inputs):
        rows = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        normalized = ops.rms_normalization(rows, axis=-1, epsilon=self.epsilon)
        return ops.cast(normalized, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}
