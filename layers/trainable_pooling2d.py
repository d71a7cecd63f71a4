"""Sub-sampling with a trainable coefficient and bias for each map."""

import keras
from keras import activations, ops

from ..checks import check_count


@keras.saving.register_keras_serializable("amalthea")
class TrainablePooling2D(keras.layers.Layer):
    """Sums each 2D window, scales it by a coefficient and adds a bias, both trained per map.

    Windows do not overlap; rows and columns that do not fill a window are dropped.

    Args:
        pool_size: Side of the square window in pixels, at least 1.
        activation: Activation of the output.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, height, width, maps)`.

    Returns:
        `(batch, height // pool_size, width // pool_size, maps)`.

    Raises:
        ValueError: If `pool_size` is below 1.

    Example:
    >>> import keras
    >>> from amalthea.layers import TrainablePooling2D
    >>> layer = TrainablePooling2D(2)
    >>> tuple(layer(keras.ops.ones((1, 6, 6, 3))).shape)
    (1, 3, 3, 3)
    >>> layer.count_params()
    6

    Reference:
        LeCun et al. 1998, "Gradient-Based Learning Applied to Document Recognition", section II.B:
        https://doi.org/10.1109/5.726791
    """

    def __init__(self, pool_size: int = 2, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.pool_size = check_count("pool_size", pool_size)
        self.activation = activations.get(activation)

    def build(self, input_shape):
        maps = input_shape[-1]
        # Starts as average pooling: the window's sum times 1 / (number of its pixels).
        self.coefficient = self.add_weight(
            name="coefficient",
            shape=(maps,),
            initializer=keras.initializers.Constant(1 / self.pool_size**2),
        )
        self.bias = self.add_weight(name="bias", shape=(maps,), initializer="zeros")

    def call(self, inputs):
        size = (self.pool_size, self.pool_size)
        average = ops.average_pool(inputs, size, strides=size, data_format="channels_last")
        total = ops.multiply(average, self.pool_size**2)
        return self.activation(ops.add(ops.multiply(total, self.coefficient), self.bias))

    def compute_output_shape(self, input_shape):
        batch, height, width, maps = input_shape
        return (
            batch,
            None if height is None else height // self.pool_size,
            None if width is None else width // self.pool_size,
            maps,
        )

    def get_config(self):
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "activation": activations.serialize(self.activation),
        }
