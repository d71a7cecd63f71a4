"""The recurrent net that forecasts a series."""

from typing import Annotated

import keras
import numpy as np
from keras import layers

from ..endpoint import Part
from ..model import RecipeModel
from ..moments import Floats, NumTargets, TargetDeviations, TargetMeans, moments
from ..recurrent import Cell, stack
from ..registry import Objective, recipe
from ..search import Dropout, FromData, LearningRate, Seed
from ..tasks import FORECASTING
from .recurrent_classifier import Channels, HiddenUnits, Steps

Means = Annotated[tuple[float, ...], Floats, FromData("series", "means")]
Deviations = Annotated[tuple[float, ...], Floats, FromData("series", "deviations")]


def skill(model, series, targets, batch_size) -> dict[str, float]:
    """Beside the error of the model those of two simple forecasts, and how much it is below them.

    Returns:
        Mean absolute errors: `last_value_error` of who says the last value again, and
        `period_before_error` of who says again what was one horizon before, such as a day; and
        `skill`, 1 less the model's error over the smaller of these: 0 or less where the model is
        not worth its while. Nothing where the targets are no steps of the series.
    """
    count, steps, channels = series.shape
    horizon, rest = divmod(targets.shape[1], channels)
    if rest or horizon > steps:
        return {}
    last = np.tile(series[:, -1], (1, horizon))
    before = series[:, -horizon:].reshape(count, -1)
    forecasts = model.predict(series, batch_size=batch_size, verbose=0)
    error, *simple = (
        float(np.mean(np.abs(guess - targets), dtype="float64"))
        for guess in (forecasts, last, before)
    )
    return {
        "last_value_error": simple[0],
        "period_before_error": simple[1],
        "skill": 1 - error / max(min(simple), 1e-12),
    }


@recipe(
    family="sequences",
    task=FORECASTING,
    data="mackey_glass",
    paper="Gers, Eck & Schmidhuber 2001: https://doi.org/10.1007/3-540-44668-0_93",
    objective=Objective("val_loss", "min"),
    endpoints={"serve": Part("series", "forecasts")},
    measures=skill,
    smoke={"steps": 6, "channels": 2, "num_targets": 4, "hidden_units": (5, 4), "dropout": 0.2},
    batch_size=64,
    epochs=20,
)
def forecaster(
    steps: Steps = 168,
    channels: Channels = 1,
    num_targets: NumTargets = 24,
    means: Means = (),
    deviations: Deviations = (),
    target_means: TargetMeans = (),
    target_deviations: TargetDeviations = (),
    *,
    hidden_units: HiddenUnits = (64,),
    cell: Cell = "lstm",
    dropout: Dropout = 0.0,
    learning_rate: LearningRate = 1e-3,
    seed: Seed = None,
) -> keras.Model:
    """Forecaster: a recurrent net reads a series and gives all that follows at once.

    Series and forecasts may have any units: inside they are standardised by the means and
    deviations of the examples to learn from. It also learns other numbers that a series tells, such
    as the sum of `adding`.

    Deviations:
        * The whole horizon at once, where the paper goes on step by step; Adam.
        * No forget gates but Keras', and no peepholes unless asked for.

    Args:
        steps: Steps of a series that are known; None for any number.
        channels: Numbers at each of them.
        num_targets: Numbers to forecast: those of the first step, those of the second, ….
        means: The mean of each channel among the examples to learn from; 0 where not given.
        deviations: Their standard deviations; 1 where not given.
        target_means: The mean of each target; 0 where not given.
        target_deviations: Their standard deviations; 1 where not given.
        hidden_units: Units of each recurrent layer.
        cell: `"lstm"`, `"gru"`, `"simple"`, `"peephole_lstm"`; `"simplified_gru"`, without a reset
            gate; `"irnn"`, rectified linear units whose recurrent weights are the identity at
            first.
        dropout: Share of units that are left out in training, above each layer.
        learning_rate: Step size of Adam.
        seed: Makes initial weights and dropout reproducible.

    Returns:
        A compiled model from series, `(batch, steps, channels)`, to forecasts,
        `(batch, num_targets)`, both in the units of the data. It learns from `x` and `y` by the
        mean squared error, and logs the mean absolute error.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import forecaster
        >>> time = np.arange(40)[:, None] + np.arange(12)
        >>> waves = np.sin(time)[..., None]
        >>> model = forecaster(10, 1, 2, hidden_units=(6,))
        >>> history = model.fit(waves[:, :10], waves[:, 10:, 0], verbose=0)
        >>> model.predict(waves[:3, :10], verbose=0).shape
        (3, 2)

    Reference:
        Gers, Eck & Schmidhuber 2001, "Applying LSTM to Time Series Predictable Through Time-Window
        Approaches": https://doi.org/10.1007/3-540-44668-0_93
    """
    series = keras.Input((steps, channels), name="series")
    mean, deviation = moments(means, deviations, channels)
    x = stack((series - mean) / deviation, hidden_units, cell, dropout=dropout)
    x = layers.Dense(num_targets, dtype="float32", name="linear")(x)
    mean, deviation = moments(target_means, target_deviations, num_targets)
    model = RecipeModel(series, x * deviation + mean, name="forecaster")
    model.compile(
        keras.optimizers.Adam(learning_rate),
        loss="mean_squared_error",
        metrics=["mean_absolute_error"],
    )
    return model
