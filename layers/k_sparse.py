"""The largest activities of each row alone."""

import keras
from keras import ops

from ..checks import check_count


@keras.saving.register_keras_serializable("amalthea")
class KSparse(keras.layers.Layer):
    """Keeps the k largest activities of each row, and sets all others to 0.

    Where several are as large as the k-th, all of them are kept.

    Args:
        k: Activities kept, at least 1; all of them where there are fewer.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, units)`.

    Returns:
        The same shape.

    Raises:
        ValueError: If `k` is no whole number of at least 1.

    Example:
    >>> import keras
    >>> from amalthea.layers import KSparse
    >>> keras.ops.convert_to_numpy(KSparse(2)(keras.ops.array([[1.0, 5.0, 3.0]]))).tolist()
    [[0.0, 5.0, 3.0]]

    Reference:
        Makhzani & Frey 2013, "k-Sparse Autoencoders": https://arxiv.org/abs/1312.5663
    """

    def __init__(self, k: int, **kwargs):
        super().__init__(**kwargs)
        self.k = check_count("k", k)

    def call(self, inputs):
        if self.k >= inputs.shape[-1]:
            return inputs
        largest, _ = ops.top_k(ops.stop_gradient(inputs), self.k)
        return inputs * ops.cast(inputs >= largest[..., -1:], inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "k": self.k}
