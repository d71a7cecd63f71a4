"""Recurrent layers, by the names of their cells, and stacks of them."""

from collections.abc import Sequence
from typing import Annotated

import keras
from keras import layers

from ..layers import PeepholeLSTMCell, SimplifiedGRUCell, TwoBiasLSTMCell
from .search import Choice, Rank


def _simplified_gru(units, **arguments):
    return layers.RNN(SimplifiedGRUCell(units), **arguments)


def _peephole_lstm(units, **arguments):
    return layers.RNN(PeepholeLSTMCell(units), **arguments)


def _irnn(units, **arguments):
    return layers.SimpleRNN(
        units,
        activation="relu",
        kernel_initializer=keras.initializers.RandomNormal(stddev=1e-3),
        recurrent_initializer="identity",
        **arguments,
    )


def _two_bias_lstm(units, **arguments):
    return layers.RNN(TwoBiasLSTMCell(units), **arguments)


CELLS = {
    "lstm": layers.LSTM,
    "gru": layers.GRU,
    "simple": layers.SimpleRNN,
    "peephole_lstm": _peephole_lstm,
    "simplified_gru": _simplified_gru,
    "irnn": _irnn,
}
# What no search tries beside them.
LAYERS = {**CELLS, "two_bias_lstm": _two_bias_lstm}
# Up to so many steps a graph without a loop is not too large, and faster.
UNROLLED = 32
Cell = Annotated[str, Choice(*CELLS, rank=Rank.UNITS)]


def stack(
    x,
    hidden_units: Sequence[int],
    cell: str,
    *,
    bidirectional: bool = False,
    dropout: float = 0.0,
    return_sequences: bool = False,
    states: bool = False,
    **arguments,
):
    """Recurrent layers above each other, without a loop where there are few steps.

    Args:
        x: Sequences, `(batch, steps, features)`.
        hidden_units: Units of each layer.
        cell: One of `LAYERS`.
        bidirectional: Whether each layer also reads backwards, with as many units more.
        dropout: Share of units that are left out in training, above each layer.
        return_sequences: Whether the last layer gives what it holds at each step, too.
        states: Whether layers have their states as outputs beside that, for `StreamModel`.
        **arguments: Other arguments of each layer, such as initializers.

    Returns:
        What the last layer holds at the end, `(batch, units)`; or at each step,
        `(batch, steps, units)`.
    """
    unroll = x.shape[1] is not None and x.shape[1] <= UNROLLED
    for layer, units in enumerate(hidden_units, start=1):
        sequences = return_sequences or layer < len(hidden_units)
        recurrent = LAYERS[cell](
            units,
            return_sequences=sequences,
            return_state=states,
            unroll=unroll,
            name=f"{cell}_{layer}",
            **arguments,
        )
        if bidirectional:
            recurrent = layers.Bidirectional(recurrent, name=f"bidirectional_{layer}")
        x = recurrent(x)[0] if states else recurrent(x)
        if dropout:
            x = layers.Dropout(dropout, name=f"dropout_{layer}")(x)
    return x
