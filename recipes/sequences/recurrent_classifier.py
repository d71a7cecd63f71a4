"""The recurrent net that tells the class of a series, such as an image row by row."""

from typing import Annotated

import keras
from keras import layers

from ..endpoint import Part
from ..model import RecipeModel
from ..recurrent import Cell, stack
from ..registry import Objective, Published, recipe, variant
from ..search import (
    Dropout,
    Flag,
    FromData,
    Given,
    LearningRate,
    NumClasses,
    Seed,
    Widths,
    at_least,
)
from ..tasks import SERIES_CLASSIFICATION
from .scores import compile_scores

LE = "Le, Jaitly & Hinton 2015: https://arxiv.org/abs/1504.00941, section 4.2; counted"
COUNTED = "by the sizes of its layers"

Steps = Annotated[
    int | None,
    Given(lambda v: v is None or at_least(1).is_valid(v), "a whole number of at least 1, or None"),
    FromData("series", "steps"),
]
Channels = Annotated[int, at_least(1), FromData("series", "channels")]
HiddenUnits = Annotated[tuple[int, ...], Widths(16, 1024, depth=(1, 3))]


@recipe(
    family="sequences",
    task=SERIES_CLASSIFICATION,
    data="rows:fashion_mnist",
    paper="Hochreiter & Schmidhuber 1997: https://doi.org/10.1162/neco.1997.9.8.1735",
    objective=Objective("val_accuracy", "max"),
    endpoints={
        "serve": Part("series", "probabilities", activation="softmax"),
        "features": Part("series", "features", end="features"),
    },
    smoke={"steps": 4, "channels": 3, "num_classes": 3, "hidden_units": (5, 4), "dropout": 0.2},
    published=(
        Published("LSTM of 128", 81_674, COUNTED),
        Published("simple RNN of 128", 21_386, COUNTED, {"cell": "simple"}),
        Published("GRU of 128", 61_962, COUNTED, {"cell": "gru"}),
        Published("GRU without reset gate, of 128", 41_482, COUNTED, {"cell": "simplified_gru"}),
        Published("LSTM with peepholes, of 128", 82_058, COUNTED, {"cell": "peephole_lstm"}),
        Published("bidirectional LSTM of 128", 163_338, COUNTED, {"bidirectional": True}),
        Published("two LSTM of 128", 213_258, COUNTED, {"hidden_units": (128, 128)}),
        Published(
            "LSTM of 100, pixel by pixel",
            41_810,
            LE,
            {"steps": 784, "channels": 1, "hidden_units": (100,)},
        ),
    ),
)
def recurrent_classifier(
    steps: Steps = 28,
    channels: Channels = 28,
    num_classes: NumClasses = 10,
    *,
    hidden_units: HiddenUnits = (128,),
    cell: Cell = "lstm",
    bidirectional: Flag = False,
    dropout: Dropout = 0.0,
    learning_rate: LearningRate = 1e-3,
    seed: Seed = None,
) -> keras.Model:
    """Recurrent classifier: a net reads a series and tells its class by what it holds at the end.

    Images are series, too: `rows:NAME` reads them row by row, `pixels:NAME` pixel by pixel.

    Deviations:
        * Adam, whose gradients are cut to a norm of 1, where the papers have gradient descent with
          step sizes of their own for each cell.
        * The LSTM has Keras' forget gates, which the paper of 1997 lacks, and no peepholes; the
          GRU resets after it has multiplied by the recurrent weights.

    Args:
        steps: Points in time of a series; None for any number.
        channels: Numbers at each of them.
        num_classes: Number of classes.
        hidden_units: Units of each recurrent layer.
        cell: `"lstm"`, `"gru"`, `"simple"`, `"peephole_lstm"`; `"simplified_gru"`, without a reset
            gate; `"irnn"`, rectified linear units whose recurrent weights are the identity at
            first.
        bidirectional: Whether each layer also reads from the end, with as many units more.
        dropout: Share of units that are left out in training, above each layer.
        learning_rate: Step size of Adam.
        seed: Makes initial weights and dropout reproducible.

    Returns:
        A compiled model from series, `(batch, steps, channels)`, to scores,
        `(batch, num_classes)`, whose softmax are the class probabilities. It learns from integer
        labels and logs the accuracy.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import recurrent_classifier
        >>> series, labels = np.random.rand(8, 5, 2), np.arange(8) % 3
        >>> model = recurrent_classifier(5, 2, 3, hidden_units=(6,))
        >>> history = model.fit(series, labels, verbose=0)
        >>> model.predict(series, verbose=0).shape
        (8, 3)

    Reference:
        Hochreiter & Schmidhuber 1997, "Long Short-Term Memory":
        https://doi.org/10.1162/neco.1997.9.8.1735;
        Cho et al. 2014 on the GRU: https://arxiv.org/abs/1406.1078;
        Schuster & Paliwal 1997 on both directions: https://doi.org/10.1109/78.650093;
        Le, Jaitly & Hinton 2015 on the identity: https://arxiv.org/abs/1504.00941
    """
    series = keras.Input((steps, channels), name="series")
    x = stack(series, hidden_units, cell, bidirectional=bidirectional, dropout=dropout)
    x = layers.Identity(name="features")(x)
    scores = layers.Dense(num_classes, dtype="float32", name="scores")(x)
    model = RecipeModel(series, scores, name="recurrent_classifier")
    return compile_scores(model, learning_rate)


irnn = variant(
    recurrent_classifier,
    "irnn",
    cell="irnn",
    hidden_units=(100,),
    data="pixels:fashion_mnist",
    at={"steps": 784, "channels": 1},
    parameters=11_210,
    source=LE,
)
