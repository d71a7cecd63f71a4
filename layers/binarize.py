"""Binary inputs from real ones."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("amalthea")
class Binarize(keras.layers.Layer):
    """Gives 1 where the input is at least the threshold, and 0 elsewhere.

    Args:
        threshold: The threshold.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Any shape.

    Returns:
        The same shape, values 0 and 1.

    Raises:
        ValueError: If the threshold is no number.

    Example:
    >>> import keras
    >>> from amalthea.layers import Binarize
    >>> keras.ops.convert_to_numpy(Binarize()(keras.ops.array([[0.2, 0.5, 0.9]]))).tolist()
    [[0.0, 1.0, 1.0]]

    Reference:
        Salakhutdinov & Murray 2008, "On the Quantitative Analysis of Deep Belief Networks", whose
        likelihoods are those of binary images: https://doi.org/10.1145/1390156.1390266
    """

    def __init__(self, threshold: float = 0.5, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(threshold, int | float):
            raise ValueError(f"threshold must be a number, got {threshold!r}")
        self.threshold = threshold

    def call(self, inputs):
        return ops.cast(inputs >= self.threshold, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "threshold": self.threshold}
