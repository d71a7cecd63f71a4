"""The echo state network: a reservoir that is not learnt, and a read-out that is solved for."""

from typing import Annotated

import keras
from keras import layers, ops

from ...checks import is_number
from ...errors import UserError
from ...layers import EchoStateCell, RidgeDense
from ..endpoint import Function, Images, Part, Whole
from ..model import RecipeModel, arguments_of
from ..moments import NumTargets, moments
from ..registry import Objective, recipe
from ..search import Float, Given, Int, Rank, Seed
from ..tasks import FORECASTING
from .forecaster import Deviations, Means, skill
from .recurrent_classifier import Channels

NotNegative = Given(lambda v: is_number(v) and v >= 0, "a number of at least 0")
Share = Given(lambda v: is_number(v) and 0 < v <= 1, "a number above 0 and at most 1")


class _Solve(keras.callbacks.Callback):
    """Has the read-out solved for as soon as an epoch has seen all examples."""

    def on_epoch_begin(self, epoch, logs=None):
        self.model.read_out.begin()

    def on_test_begin(self, logs=None):
        self.model.read_out.solve()

    def on_epoch_end(self, epoch, logs=None):
        self.model.read_out.solve()


@keras.saving.register_keras_serializable("amalthea")
class EchoStateModel(RecipeModel):
    """A reservoir with a read-out that each epoch of `fit` solves for, by all that it has seen."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.supports_jit = keras.backend.backend() == "jax"  # XLA of TensorFlow has no host

    @property
    def read_out(self) -> RidgeDense:
        """The layer that is solved for."""
        return self.get_layer("read_out")

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        if training:
            self.read_out.see(y, sample_weight)
        return super().compute_loss(
            x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training
        )

    def fit(self, *args, **kwargs):
        """As Keras' own: at the end of an epoch, before it is validated, the read-out is solved."""
        given = arguments_of(keras.Model.fit, self, args, kwargs)
        callbacks = given.get("callbacks")
        if isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks.append(_Solve())
        else:
            given["callbacks"] = [_Solve(), *keras.tree.flatten(callbacks or ())]
        return super().fit(**given)

    def train_on_batch(self, *args, **kwargs):
        """As Keras' own: the read-out is solved for by this batch alone."""
        self.read_out.begin()
        logs = super().train_on_batch(*args, **kwargs)
        self.read_out.solve()
        return logs


def _continue(model, series: Images, n: Whole):
    """Series go on by n steps, each of which is read before the next is forecast."""
    arguments = model.origin.arguments
    channels = arguments["channels"]
    mean, deviation = moments(arguments["means"], arguments["deviations"], channels)
    reservoir = model.get_layer("reservoir")
    state = reservoir((series - mean) / deviation)
    rows = ops.shape(series)[0]

    def step(position, carried):
        found, state = carried
        forecast = model.read_out(state)[:, :channels]
        found = ops.slice_update(found, (0, position, 0), forecast[:, None])
        state, _ = reservoir.cell((forecast - mean) / deviation, [state])
        return found, state

    found, _ = ops.fori_loop(0, n, step, (ops.zeros((rows, n, channels)), state))
    return {"continued": found}


@recipe(
    family="sequences",
    task=FORECASTING,
    data="mackey_glass",
    paper="Jaeger 2001: https://www.ai.rug.nl/minds/uploads/EchoStatesTechRep.pdf",
    objective=Objective("val_loss", "min"),
    endpoints={
        "serve": Part("series", "forecasts"),
        "continue": Function(_continue, ("continued",)),
    },
    measures=skill,
    smoke={"channels": 2, "num_targets": 4, "units": 12},
    batch_size=256,
    epochs=1,
)
def echo_state(
    channels: Channels = 1,
    num_targets: NumTargets = 24,
    means: Means = (),
    deviations: Deviations = (),
    *,
    units: Annotated[int, Int(100, 2000, log=True, rank=Rank.UNITS)] = 1000,
    spectral_radius: Annotated[float, Float(0.1, 1.5, rank=Rank.OTHER)] = 0.9,
    density: Annotated[float, Share] = 0.1,
    input_scale: Annotated[float, Float(0.05, 2.0, log=True, rank=Rank.OTHER)] = 0.5,
    bias_scale: Annotated[float, NotNegative] = 0.2,
    leak: Annotated[float, Float(0.1, 1.0, rank=Rank.OTHER)] = 1.0,
    ridge: Annotated[float, Float(1e-10, 1e-1, log=True, rank=Rank.REGULARIZATION)] = 1e-8,
    seed: Seed = None,
) -> keras.Model:
    """Echo state network: a large recurrent net at random, of which the outputs alone are fitted.

    The reservoir reads a series from a state of zeros, which it forgets within some hundred steps,
    and all that follows is a linear function of the state that it ends in. Its weights are drawn
    once; those of the outputs are a ridge regression on the states, in closed form and double
    precision, at the end of each epoch of `fit` and before its validation: one epoch is enough.
    The loss of an epoch is that before the solution, and `val_loss` that after it. The endpoint
    `continue` goes on with a series by itself, from one forecast to the next.

    Deviations:
        * Each window of a series is read by itself, so that examples may come in any order, where
          the paper reads one long series and leaves out its beginning.
        * No connections from outputs back to the reservoir: forecasts are inputs instead.

    Args:
        channels: Numbers of a series at each step.
        num_targets: Numbers to forecast: those of the first step, those of the second, …; some
            number of steps of all channels.
        means: The mean of each channel among the examples to learn from; 0 where not given.
        deviations: Their standard deviations; 1 where not given.
        units: Units of the reservoir.
        spectral_radius: Largest absolute eigenvalue of its recurrent weights.
        density: Share of these weights that are not 0.
        input_scale: The weights of the standardised inputs are uniform up to that.
        bias_scale: The biases of the reservoir are, too.
        leak: Share of a state that is new at each step.
        ridge: Weight of the squares of the read-out's weights.
        seed: Makes the reservoir reproducible.

    Returns:
        A compiled model from series, `(batch, steps, channels)`, to forecasts,
        `(batch, num_targets)`, both in the units of the data. It learns from `x` and `y` and logs
        the mean squared and the mean absolute error.

    Raises:
        UserError: If an argument is not valid, or `num_targets` are no steps of all channels.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import echo_state
        >>> time = np.arange(300)[:, None] + np.arange(41)
        >>> waves = np.sin(0.3 * time)[..., None]
        >>> model = echo_state(1, 1, units=50, seed=0)
        >>> history = model.fit(waves[:200, :40], waves[:200, 40], verbose=0)
        >>> bool(np.abs(model.predict(waves[200:, :40], verbose=0) - waves[200:, 40]).max() < 0.01)
        True

    Reference:
        Jaeger 2001, "The 'Echo State' Approach to Analysing and Training Recurrent Neural
        Networks": https://www.ai.rug.nl/minds/uploads/EchoStatesTechRep.pdf;
        Jaeger & Haas 2004 on Mackey and Glass' series: https://doi.org/10.1126/science.1091277
    """
    if num_targets % channels:
        raise UserError(
            f"num_targets must be steps of all {channels} channels, got {num_targets}, which is no "
            "multiple of them"
        )
    if not 0 < leak <= 1:
        raise UserError(f"leak must be above 0 and at most 1, got {leak}")
    series = keras.Input((None, channels), name="series")
    mean, deviation = moments(means, deviations, channels)
    cell = EchoStateCell(
        units, spectral_radius, density, input_scale, bias_scale, leak, dtype="float32"
    )
    state = layers.RNN(cell, dtype="float32", name="reservoir")((series - mean) / deviation)
    outputs = RidgeDense(num_targets, ridge, dtype="float32", name="read_out")(state)
    model = EchoStateModel(series, outputs, name="echo_state")
    model.compile(
        keras.optimizers.SGD(0.0),  # nothing is left to learn by steps
        loss="mean_squared_error",
        metrics=["mean_absolute_error"],
    )
    return model
