"""How close each row of a batch is to the others, as features of a discriminator."""

import keras
from keras import initializers, ops

from ..checks import check_count


@keras.saving.register_keras_serializable("amalthea")
class MinibatchDiscrimination(keras.layers.Layer):
    """Appends to each row how close it is to the other rows of its batch.

    Each kernel b maps row i to a vector `M_ib` of a few dimensions; the row's closeness under it is
    `Σ_{j≠i} exp(−‖M_ib − M_jb‖₁)`, which is large where a generator makes all images alike. A
    discriminator that sees it tells a collapsed batch from real ones.

    Args:
        kernels: Number of closenesses, at least 1.
        dims: Dimensions that rows are compared in, at least 1.
        kernel_initializer: Initializer of the kernel, `(features, kernels · dims)`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, features)`.

    Returns:
        `(batch, features + kernels)`: the inputs, and each row's closeness to the others, from 0
        for a row alone to `batch − 1` among equal rows.

    Raises:
        ValueError: If an argument is out of its range, or the inputs are not rows of a defined
            number of features.

    Example:
    >>> import keras
    >>> from amalthea.layers import MinibatchDiscrimination
    >>> equal = MinibatchDiscrimination(kernels=2)(keras.ops.ones((4, 3)))
    >>> keras.ops.convert_to_numpy(equal[0]).tolist()
    [1.0, 1.0, 1.0, 3.0, 3.0]

    Reference:
        Salimans et al. 2016, "Improved Techniques for Training GANs":
        https://arxiv.org/abs/1606.03498
    """

    def __init__(
        self, kernels: int = 100, dims: int = 5, kernel_initializer="glorot_uniform", **kwargs
    ):
        super().__init__(**kwargs)
        self.kernels = check_count("kernels", kernels)
        self.dims = check_count("dims", dims)
        self.kernel_initializer = initializers.get(kernel_initializer)

    def build(self, input_shape):
        if len(input_shape) != 2 or input_shape[-1] is None:
            raise ValueError(f"{self.name} needs inputs (batch, features), got {input_shape}")
        self.kernel = self.add_weight(
            name="kernel",
            shape=(input_shape[-1], self.kernels * self.dims),
            initializer=self.kernel_initializer,
        )

    def call(self, inputs):
        rows = ops.matmul(inputs, self.kernel)
        rows = ops.reshape(rows, (-1, self.kernels, self.dims))
        # Summed dimension by dimension: (batch, batch, kernels) is large enough.
        distances = sum(
            ops.abs(row[:, None] - row[None]) for row in ops.unstack(rows, self.dims, axis=-1)
        )
        closeness = ops.sum(ops.exp(-distances), axis=1) - 1  # without the row itself
        return ops.concatenate([inputs, closeness], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + self.kernels)

    def get_config(self):
        return {
            **super().get_config(),
            "kernels": self.kernels,
            "dims": self.dims,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
        }
