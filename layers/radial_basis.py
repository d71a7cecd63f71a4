"""Squared distances to a set of centers."""

import keras
from keras import initializers, ops

from ..checks import check_count


@keras.saving.register_keras_serializable("amalthea")
class RadialBasis(keras.layers.Layer):
    """Euclidean radial basis units: unit `i` gives `‖x − center_i‖²`.

    With `trainable=False` the centers stay as they were initialised: fixed codes.

    Args:
        units: Number of centers, at least 1.
        centers_initializer: Initializer of the centers, shape `(units, features)`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, features)`.

    Returns:
        `(batch, units)`, squared distances, at least 0.

    Raises:
        ValueError: If `units` is below 1.

    Example:
    >>> import keras
    >>> from amalthea.layers import RadialBasis
    >>> layer = RadialBasis(3, centers_initializer="ones")
    >>> keras.ops.convert_to_numpy(layer(keras.ops.zeros((1, 4)))).tolist()
    [[4.0, 4.0, 4.0]]

    Reference:
        LeCun et al. 1998, "Gradient-Based Learning Applied to Document Recognition", equation 7:
        https://doi.org/10.1109/5.726791
    """

    def __init__(self, units: int, centers_initializer="random_normal", **kwargs):
        super().__init__(**kwargs)
        self.units = check_count("units", units)
        self.centers_initializer = initializers.get(centers_initializer)

    def build(self, input_shape):
        self.centers = self.add_weight(
            name="centers",
            shape=(self.units, input_shape[-1]),
            initializer=self.centers_initializer,
        )

    def call(self, inputs):
        differences = ops.expand_dims(inputs, 1) - self.centers  # (batch, units, features)
        return ops.sum(ops.square(differences), axis=-1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "centers_initializer": initializers.serialize(self.centers_initializer),
        }
