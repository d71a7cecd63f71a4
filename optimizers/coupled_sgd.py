"""Stochastic gradient descent with the weight decay of most papers."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("amalthea")
class CoupledSGD(keras.optimizers.SGD):
    """Stochastic gradient descent with momentum, and weight decay that is a part of the gradient.

    To the gradient of each kernel `l2` times the kernel is added, which is the gradient of the
    penalty l2/2 · Σ w². It goes through the momentum, as in the papers and in Caffe, Torch and
    PyTorch; the `weight_decay` of Keras' optimizers is added to the step, and so about
    1 / (1 - momentum) times weaker. Unlike a regularizer it is no part of the loss, so that models
    with another penalty can be compared by it. Biases, and scales of normalisation, do not decay.

    Args:
        learning_rate: Step size.
        momentum: Share of the last step that is taken again.
        nesterov: Whether the gradient is looked up ahead.
        l2: Coefficient of the kernels in their gradients.
        name: Name of the optimizer.
        **kwargs: Arguments of `keras.optimizers.SGD`.

    Raises:
        ValueError: If an argument of Keras' optimizer is out of its range.

    Example:
    >>> import keras
    >>> from amalthea.optimizers import CoupledSGD
    >>> kernel = keras.Variable([[1.0]])
    >>> CoupledSGD(0.1, l2=0.5).apply([keras.ops.array([[2.0]])], [kernel])
    >>> keras.ops.convert_to_numpy(kernel).tolist()
    [[0.75]]

    Reference:
        Krizhevsky, Sutskever & Hinton 2012, "ImageNet Classification with Deep Convolutional Neural
        Networks", section 5: https://papers.nips.cc/paper/4824; Loshchilov & Hutter 2019,
        "Decoupled Weight Decay Regularization": https://arxiv.org/abs/1711.05101
    """

    def __init__(
        self,
        learning_rate=0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        l2: float = 0.0,
        name: str = "coupled_sgd",
        **kwargs,
    ):
        super().__init__(learning_rate, momentum, nesterov, name=name, **kwargs)
        self.l2 = l2

    def update_step(self, gradient, variable, learning_rate):
        if self.l2 and len(variable.shape) > 1:
            gradient = gradient + ops.cast(self.l2, variable.dtype) * variable
        super().update_step(gradient, variable, learning_rate)

    def get_config(self):
        return {**super().get_config(), "l2": self.l2}
