"""Linear regression."""

from typing import Annotated

import keras
from keras import layers

from ..endpoint import Part
from ..model import RecipeModel
from ..moments import Floats, NumTargets, TargetDeviations, TargetMeans, moments
from ..registry import Objective, recipe
from ..search import FromData, LearningRate, Seed, at_least
from ..tasks import REGRESSION

NumValues = Annotated[int, at_least(1), FromData("values", "count")]
Means = Annotated[tuple[float, ...], Floats, FromData("values", "means")]
Deviations = Annotated[tuple[float, ...], Floats, FromData("values", "deviations")]


@recipe(
    family="regressors",
    task=REGRESSION,
    data="diabetes",
    paper="Legendre 1805: Nouvelles méthodes pour la détermination des orbites des comètes",
    objective=Objective("val_loss", "min"),
    endpoints={"serve": Part("values", "predictions")},
    smoke={"num_values": 3, "num_targets": 2},
    batch_size=64,
    epochs=200,
)
def linear_regression(
    num_values: NumValues = 10,
    num_targets: NumTargets = 1,
    means: Means = (),
    deviations: Deviations = (),
    target_means: TargetMeans = (),
    target_deviations: TargetDeviations = (),
    *,
    learning_rate: LearningRate = 0.01,
    seed: Seed = None,
) -> keras.Model:
    """Linear regression: the linear function of some values that has the least squared error.

    Values and targets may have any units: inside the model they are standardised by the means and
    deviations of the examples to learn from, which changes the way to the solution but not the
    solution.

    Deviations:
        * Mini-batches and Adam instead of the normal equations, to whose solution they come near.

    Args:
        num_values: Number of values of an example.
        num_targets: Number of targets.
        means: The mean of each value among the examples to learn from; 0 where not given.
        deviations: Their standard deviations; 1 where not given.
        target_means: The mean of each target; 0 where not given.
        target_deviations: Their standard deviations; 1 where not given.
        learning_rate: Step size of Adam.
        seed: Makes initial weights reproducible.

    Returns:
        A compiled model from values, `(batch, num_values)`, to predictions in the units of the
        targets, `(batch, num_targets)`. It learns from `x` and `y`.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import linear_regression
        >>> values = np.random.rand(32, 3)
        >>> model = linear_regression(3)
        >>> history = model.fit(values, values.sum(1), verbose=0)
        >>> model.predict(values, verbose=0).shape
        (32, 1)

    Reference:
        Legendre 1805, "Nouvelles méthodes pour la détermination des orbites des comètes";
        Bishop 2006, "Pattern Recognition and Machine Learning", section 3.1
    """
    values = keras.Input((num_values,), name="values")
    mean, deviation = moments(means, deviations, num_values)
    x = (values - mean) / deviation
    x = layers.Dense(num_targets, dtype="float32", name="linear")(x)
    mean, deviation = moments(target_means, target_deviations, num_targets)
    predictions = x * deviation + mean
    model = RecipeModel(values, predictions, name="linear_regression")
    model.compile(
        keras.optimizers.Adam(learning_rate),
        loss="mean_squared_error",
        metrics=["mean_absolute_error", keras.metrics.R2Score()],
        steps_per_execution=4,
    )
    return model
