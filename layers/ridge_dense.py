"""A dense layer whose weights are not learnt step by step but solved for."""

import threading

import keras
import numpy as np
from keras import ops
from scipy import linalg

from ..checks import is_number
from ..errors import UserError


class _Sums:
    """Sums over examples in double precision, which a closed form takes and accelerators lack."""

    def __init__(self):
        self._lock = threading.Lock()
        self.clear()

    def clear(self):
        self.count = 0
        self.of = None

    def add(self, inputs, targets, weights):
        """Add a batch."""
        x, y, w = (np.asarray(part, np.float64) for part in (inputs, targets, weights))
        both = np.concatenate([x, y, np.ones((len(x), 1))], axis=1)
        product = (both * w.reshape(-1, 1)).T @ both
        with self._lock:
            self.of = product if self.of is None else self.of + product
            self.count += len(x)


@keras.saving.register_keras_serializable("amalthea")
class RidgeDense(keras.layers.Dense):
    """Dense layer whose weights and biases are the ridge regression on what it has seen.

    `begin` forgets what was seen, calls in training with `see` after them add to it, and `solve`
    sets the weights that minimise `Σ (y - x W - b)² + ridge · ΣW²`, biases being free. The sums and
    the solution are in double precision, on the host. Until then all outputs are 0.

    Args:
        units: Number of outputs.
        ridge: Weight of the squares, above 0.
        **kwargs: Other arguments of `keras.layers.Dense`.

    Call arguments:
        inputs: `(batch, features)`.
        training: Whether `see` follows.

    Returns:
        `(batch, units)`.

    Raises:
        ValueError: If `ridge` is not above 0, or there is an activation or no bias.
        UserError: By `solve`, if no example that was seen has a weight above 0.

    Example:
    >>> import numpy as np
    >>> from amalthea.layers import RidgeDense
    >>> layer, x = RidgeDense(1, ridge=1e-9), np.arange(4.0)[:, None]
    >>> layer.begin()
    >>> _ = layer(x, training=True)
    >>> layer.see(2 * x + 1)
    >>> layer.solve()
    >>> round(float(layer(np.array([[10.0]]))[0, 0]), 4)
    21.0

    Reference:
        Hoerl & Kennard 1970, "Ridge Regression": https://doi.org/10.1080/00401706.1970.10488634
    """

    def __init__(self, units: int, ridge: float = 1e-8, **kwargs):
        super().__init__(units, **{"kernel_initializer": "zeros", **kwargs})
        if not is_number(ridge) or ridge <= 0:
            raise ValueError(f"ridge must be a number above 0, got {ridge!r}")
        if not self.use_bias or self.activation is not keras.activations.linear:
            raise ValueError(
                "RidgeDense is linear and has a bias, got an activation or use_bias=False"
            )
        self.ridge = ridge
        self._sums = _Sums()
        self._entered = None

    def call(self, inputs, training=None):
        if training:
            self._entered = inputs
        return super().call(inputs)

    def begin(self):
        """Forget what has been seen."""
        self._sums.clear()

    def see(self, targets, sample_weight=None):
        """Add to what has been seen: targets of what the last call in training was given.

        Args:
            targets: `(batch, units)`.
            sample_weight: A weight for each example; 1 if not given.
        """
        inputs, self._entered = self._entered, None
        if sample_weight is None:
            sample_weight = ops.ones_like(inputs[:, :1])
        _on_host(self._sums.add, inputs, targets, sample_weight)

    def solve(self):
        """Set the weights by what has been seen; nothing has to be done where that is nothing."""
        if not self._sums.count:
            return
        features = self.kernel.shape[0]
        sums, total = self._sums.of, self._sums.of[-1, -1]
        if not total > 0:
            raise UserError(
                f"weights of examples must be at least 0, and one above that, got {total:g} in all"
            )
        # About the means, so that biases are free.
        centred = sums[:-1, :-1] - np.outer(sums[:-1, -1], sums[-1, :-1]) / total
        gram, cross = centred[:features, :features], centred[:features, features:]
        # By its eigenvalues, as what is nearly singular has no other exact solution.
        values, vectors = linalg.eigh(gram)
        inverse = 1 / (np.maximum(values, 0) + self.ridge)
        kernel = vectors @ (inverse[:, None] * (vectors.T @ cross))
        means = sums[:-1, -1] / total
        self.kernel.assign(kernel.astype("float32"))
        self.bias.assign((means[features:] - means[:features] @ kernel).astype("float32"))
        self._sums.clear()

    def get_config(self):
        return {**super().get_config(), "ridge": self.ridge}


def _on_host(function, *tensors):
    """Have a function of arrays called, in each step, from within a graph or without."""
    if keras.backend.backend() == "jax":
        from jax.experimental import io_callback

        io_callback(function, None, *tensors, ordered=True)
        return
    import tensorflow as tf

    tf.numpy_function(lambda *arrays: function(*arrays), tensors, [])
