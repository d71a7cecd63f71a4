"""An input that is learned."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("amalthea")
class LearnedConstant(keras.layers.Layer):
    """The same learned tensor for each row of a batch: what StyleGAN's images begin with.

    Args:
        shape: Shape of the tensor; its weights are 1 at first.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, …)`, of which only the batch is used.

    Returns:
        `(batch, *shape)`.

    Raises:
        ValueError: If `shape` has a size that is not a whole number of at least 1.

    Example:
    >>> import keras
    >>> from amalthea.layers import LearnedConstant
    >>> tuple(LearnedConstant((4, 4, 8))(keras.ops.ones((2, 3))).shape)
    (2, 4, 4, 8)

    Reference:
        Karras et al. 2018, "A Style-Based Generator Architecture for GANs", section 2.1:
        https://arxiv.org/abs/1812.04948
    """

    def __init__(self, shape: tuple[int, ...], **kwargs):
        super().__init__(**kwargs)
        if not all(isinstance(size, int) and size >= 1 for size in shape):
            raise ValueError(f"shape must be whole numbers of at least 1, got {shape!r}")
        self.shape = tuple(shape)

    def build(self, input_shape):
        self.constant = self.add_weight(name="constant", shape=self.shape, initializer="ones")

    def call(self, inputs):
        constant = ops.convert_to_tensor(self.constant)[None]
        return ops.broadcast_to(constant, (ops.shape(inputs)[0], *self.shape))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.shape)

    def get_config(self):
        return {**super().get_config(), "shape": self.shape}
