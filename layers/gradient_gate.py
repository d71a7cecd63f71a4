"""A gate for gradients."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("amalthea")
class GradientGate(keras.layers.Layer):
    """Passes values on, and gradients back only while it is `learning`.

    Before the output of a stack whose layers have losses of their own, it keeps the loss at the
    output from training the stack until a callback opens it.

    Args:
        learning: Whether gradients pass.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Any shape.

    Returns:
        The inputs.

    Raises:
        ValueError: If `learning` is neither True nor False.

    Example:
    >>> import keras
    >>> from amalthea.layers import GradientGate
    >>> keras.ops.convert_to_numpy(GradientGate()(keras.ops.array([1.0]))).tolist()
    [1.0]

    Reference:
        Hinton & Salakhutdinov 2006, "Reducing the Dimensionality of Data with Neural Networks", for
        pretraining before fine-tuning: https://doi.org/10.1126/science.1127647
    """

    def __init__(self, learning: bool = False, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(learning, bool):
            raise ValueError(f"learning must be True or False, got {learning!r}")
        self.learning = learning

    def call(self, inputs):
        return inputs if self.learning else ops.stop_gradient(inputs)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "learning": self.learning}
