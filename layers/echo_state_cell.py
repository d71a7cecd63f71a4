"""A recurrent step whose weights are drawn once, and never learnt."""

import contextlib
import random

import keras
import numpy as np
from keras import ops
from scipy.sparse.linalg import ArpackError, eigs

from ..checks import check_count, is_number
from ..errors import UserError

# Up to so many units all eigenvalues are found as fast as the largest.
SMALL = 50
# What is 0 but for rounding.
LEAST = 1e-6


@keras.saving.register_keras_serializable("amalthea")
class EchoStateCell(keras.layers.Layer):
    """A step of a reservoir: `h ← (1 - leak) h + leak · tanh(W_in x + W h + b)`, all weights fixed.

    The weights are uniform, and of the recurrent ones a share alone is not 0, scaled so that the
    largest of their eigenvalues has a given absolute value, the spectral radius. Below 1 the states
    of inputs that do not grow forget what they were at first. To run over sequences it is given to
    `keras.layers.RNN`.

    Args:
        units: Number of units, at least 1.
        spectral_radius: Largest absolute eigenvalue of `W`, at least 0.
        density: Share of the weights in `W` that are not 0, above 0 and at most 1.
        input_scale: `W_in` is uniform between minus and plus that, at least 0.
        bias_scale: `b` is, too.
        leak: Share of a state that is new at each step, above 0 and at most 1.
        seed: Seed of the weights.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: What enters at a step, `(batch, features)`.
        states: The state, `(batch, units)`.

    Returns:
        The new state `(batch, units)`, as the output and as the state.

    Raises:
        ValueError: If an argument is not valid, or so few weights are not 0 that nothing lasts.

    Example:
    >>> import keras
    >>> from amalthea.layers import EchoStateCell
    >>> tuple(keras.layers.RNN(EchoStateCell(4))(keras.ops.ones((2, 5, 3))).shape)
    (2, 4)

    Reference:
        Jaeger 2001, "The 'Echo State' Approach to Analysing and Training Recurrent Neural
        Networks": https://www.ai.rug.nl/minds/uploads/EchoStatesTechRep.pdf;
        Jaeger et al. 2007 on leaky units: https://doi.org/10.1016/j.neunet.2007.04.016
    """

    def __init__(
        self,
        units: int,
        spectral_radius: float = 0.9,
        density: float = 0.1,
        input_scale: float = 0.5,
        bias_scale: float = 0.2,
        leak: float = 1.0,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = check_count("units", units)
        for name, value in {
            "spectral_radius": spectral_radius,
            "input_scale": input_scale,
            "bias_scale": bias_scale,
        }.items():
            if not is_number(value) or value < 0:
                raise ValueError(f"{name} must be a number of at least 0, got {value!r}")
        for name, value in {"density": density, "leak": leak}.items():
            if not is_number(value) or not 0 < value <= 1:
                raise ValueError(f"{name} must be a number above 0 and at most 1, got {value!r}")
        self.spectral_radius = spectral_radius
        self.density = density
        self.input_scale = input_scale
        self.bias_scale = bias_scale
        self.leak = leak
        # As Keras' initializers do, so that one seed of Python makes all of them reproducible.
        self.seed = random.randint(1, 10**9) if seed is None else seed
        self.state_size = self.output_size = self.units

    def build(self, input_shape):
        draw = np.random.default_rng(self.seed)
        features = input_shape[-1]

        def uniform(scale):
            return lambda shape, dtype=None: ops.convert_to_tensor(
                draw.uniform(-scale, scale, shape), dtype
            )

        def add(name, shape, initializer):
            return self.add_weight(name=name, shape=shape, initializer=initializer, trainable=False)

        self.kernel = add("kernel", (features, self.units), uniform(self.input_scale))
        self.bias = add("bias", (self.units,), uniform(self.bias_scale))
        self.recurrent_kernel = add(
            "recurrent_kernel",
            (self.units, self.units),
            lambda shape, dtype=None: ops.convert_to_tensor(self._reservoir(draw, shape), dtype),
        )

    def _reservoir(self, draw: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        weights = draw.uniform(-1, 1, shape) * (draw.random(shape) < self.density)
        radius = _radius(weights)
        if radius < LEAST and self.spectral_radius:
            raise UserError(
                f"{self.units} units of which a share of {self.density:g} is connected have no "
                "states that last, and no spectral radius: give more units or a larger density"
            )
        return weights * (self.spectral_radius / max(radius, LEAST))

    def call(self, inputs, states, training=False):
        (h,) = states
        sums = ops.matmul(inputs, self.kernel) + ops.matmul(h, self.recurrent_kernel) + self.bias
        h = (1 - self.leak) * h + self.leak * ops.tanh(sums) if self.leak < 1 else ops.tanh(sums)
        return h, [h]

    def get_initial_state(self, batch_size=None):
        return [ops.zeros((batch_size, self.units), dtype=self.compute_dtype)]

    def get_config(self):
        names = ("units", "spectral_radius", "density", "input_scale", "bias_scale", "leak", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _radius(weights: np.ndarray) -> float:
    """The largest absolute eigenvalue of a matrix."""
    if len(weights) > SMALL:
        with contextlib.suppress(ArpackError):
            start = np.ones(len(weights))
            values = eigs(weights, k=6, v0=start, return_eigenvectors=False, which="LM")
            return float(np.abs(values).max())
    return float(np.abs(np.linalg.eigvals(weights)).max())
