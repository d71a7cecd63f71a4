"""A penalty that keeps units quiet on average."""

import keras
from keras import ops

# Of the mean activities, so that the divergence stays finite.
EPSILON = 1e-6


@keras.saving.register_keras_serializable("amalthea")
class KLSparsity(keras.layers.Layer):
    """Passes activities on, and adds a loss that draws the mean of each unit to a target.

    The loss is `weight · Σ_j KL(target ‖ mean_j)`, the divergence of Bernoulli variables, in nats.
    The means are running ones, since those of a small batch are noisy; gradients flow into the
    batch as if the means were its own, so that a longer memory steadies them without weakening the
    penalty. Outside training the means are those of the batch alone.

    Args:
        target: Mean activity of each unit, in (0, 1).
        weight: Weight of the penalty, at least 0.
        momentum: What the running means keep in each step, in [0, 1); with 0 they are those of the
            batch.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Activities in [0, 1], `(batch, units)`.
        training: Whether the running means move.

    Returns:
        The inputs.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
    >>> import keras
    >>> from amalthea.layers import KLSparsity
    >>> layer = KLSparsity(target=0.5, weight=1.0)
    >>> outputs = layer(keras.ops.full((2, 3), 0.5))
    >>> round(abs(float(layer.losses[0])), 4)
    0.0

    Reference:
        Ng 2011, "Sparse autoencoder", CS294A lecture notes:
        https://web.stanford.edu/class/cs294a/sparseAutoencoder_2011new.pdf;
        Lee, Ekanadham & Ng 2007, "Sparse Deep Belief Net Model for Visual Area V2", for penalties
        on means: https://papers.nips.cc/paper/3313
    """

    def __init__(
        self, target: float = 0.01, weight: float = 3.0, *, momentum: float = 0.9, **kwargs
    ):
        super().__init__(**kwargs)
        if not 0 < target < 1:
            raise ValueError(f"target must be above 0 and below 1, got {target!r}")
        if not weight >= 0:
            raise ValueError(f"weight must be at least 0, got {weight!r}")
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum must be at least 0 and below 1, got {momentum!r}")
        self.target = target
        self.weight = weight
        self.momentum = momentum

    def build(self, input_shape):
        self.mean = self.add_weight(
            name="mean",
            shape=input_shape[-1:],
            initializer=keras.initializers.Constant(self.target),
            trainable=False,
            autocast=False,  # a running mean needs all its digits
            aggregation="mean",
        )

    def call(self, inputs, training=False):
        of_batch = ops.mean(ops.cast(inputs, self.mean.dtype), axis=0)
        mean = of_batch
        if training and self.momentum:
            moved = self.momentum * self.mean.value + (1 - self.momentum) * of_batch
            moved = ops.stop_gradient(moved)
            self.mean.assign(moved)
            mean = moved + of_batch - ops.stop_gradient(of_batch)
        # The value alone is clipped: a unit that never speaks has to have a gradient.
        mean = mean + ops.stop_gradient(ops.clip(mean, EPSILON, 1 - EPSILON) - mean)
        divergence = self.target * ops.log(self.target / mean)
        divergence += (1 - self.target) * ops.log((1 - self.target) / (1 - mean))
        self.add_loss(self.weight * ops.sum(divergence))
        return inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "target": self.target,
            "weight": self.weight,
            "momentum": self.momentum,
        }
