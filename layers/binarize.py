"""Binary inputs from real ones."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("amalthea")
class Binarize(keras.layers.Layer):
    """Gives 1 where the input is at least the threshold, and 0 elsewhere.

    In reverse it gives back what it gets: states or probabilities stand for the values themselves.

    Args:
        threshold: The threshold; None to leave values as they are, to be taken as probabilities.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Any shape.
        reverse: Whether to go from states or probabilities back to values.

    Returns:
        The same shape; forward the values are 0 and 1 where there is a threshold.

    Raises:
        ValueError: If the threshold is neither a number nor None.

    Example:
    >>> import keras
    >>> from amalthea.layers import Binarize
    >>> keras.ops.convert_to_numpy(Binarize()(keras.ops.array([[0.2, 0.5, 0.9]]))).tolist()
    [[0.0, 1.0, 1.0]]

    Reference:
        Salakhutdinov & Murray 2008, "On the Quantitative Analysis of Deep Belief Networks", whose
        likelihoods are those of binary images: https://doi.org/10.1145/1390156.1390266
    """

    def __init__(self, threshold: float | None = 0.5, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(threshold, int | float | None):
            raise ValueError(f"threshold must be a number or None, got {threshold!r}")
        self.threshold = threshold

    def call(self, inputs, reverse=False):
        if reverse or self.threshold is None:
            return inputs
        # The sign of a difference is found faster than a comparison is made and cast.
        return ops.cast(1 - ops.relu(ops.sign(self.threshold - inputs)), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "threshold": self.threshold}
