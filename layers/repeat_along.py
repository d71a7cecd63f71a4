"""A vector at each step of a sequence."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("amalthea")
class RepeatAlong(keras.layers.Layer):
    """Repeats a vector as often as a sequence has steps; the sequence's mask becomes its own.

    Args:
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Vectors, `(batch, features)`, and sequences, `(batch, steps, …)`: a list of both.
            Of the sequences only the length and the mask matter.

    Returns:
        `(batch, steps, features)`.

    Raises:
        ValueError: If it is not called with both.

    Example:
    >>> import keras
    >>> from amalthea.layers import RepeatAlong
    >>> outputs = RepeatAlong()([keras.ops.ones((2, 3)), keras.ops.zeros((2, 5, 1))])
    >>> tuple(outputs.shape)
    (2, 5, 3)

    Reference:
        Sutskever, Vinyals & Le 2014, "Sequence to Sequence Learning with Neural Networks", for one
        vector that stands for a sequence: https://arxiv.org/abs/1409.3215
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape):
        if len(input_shape) != 2 or not isinstance(input_shape[0], tuple | list):
            raise ValueError(f"{self.name} takes [vectors, sequences], got shape {input_shape}")

    def call(self, inputs):
        vectors, sequences = inputs
        return ops.repeat(vectors[:, None], ops.shape(sequences)[1], axis=1)

    def compute_mask(self, inputs, mask=None):
        return None if mask is None else mask[1]

    def compute_output_shape(self, input_shape):
        (batch, features), (_, steps, *_) = input_shape
        return (batch, steps, features)
