"""A passage from an old branch of a network to a new one."""

import keras
from keras import initializers, ops


@keras.saving.register_keras_serializable("amalthea")
class FadeIn(keras.layers.Layer):
    """A weighted mean of two branches, whose weight `alpha` a schedule moves.

    With `alpha` at 0 the old branch comes out to the last bit, with 1 the new one.

    Args:
        alpha: Initial weight of the new branch, in [0, 1].
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: A pair of tensors of one shape, the old branch and the new one.

    Returns:
        That shape.

    Raises:
        ValueError: If `alpha` is out of its range.

    Example:
    >>> import keras
    >>> from amalthea.layers import FadeIn
    >>> layer = FadeIn(alpha=0.25)
    >>> float(layer([keras.ops.zeros((1,)), keras.ops.ones((1,))])[0])
    0.25

    Reference:
        Karras et al. 2017, "Progressive Growing of GANs", section 2:
        https://arxiv.org/abs/1710.10196
    """

    def __init__(self, alpha: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= alpha <= 1:
            raise ValueError(f"alpha must be in [0, 1], got {alpha!r}")
        self.initial_alpha = alpha

    def build(self, input_shape):
        self.alpha = self.add_weight(
            name="alpha",
            shape=(),
            initializer=initializers.Constant(self.initial_alpha),
            trainable=False,
            autocast=False,  # small steps of a schedule need all digits
            aggregation="only_first_replica",
        )

    def call(self, inputs):
        old, new = inputs
        # A sum of products, not old + alpha · (new − old), which is inexact at 1.
        new_share = ops.cast(self.alpha, self.compute_dtype)
        return (1 - new_share) * old + new_share * new

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return {**super().get_config(), "alpha": self.initial_alpha}
