"""The recurrent net that writes character by character."""

from typing import Annotated

import keras
from keras import layers, ops

from ...callbacks import LearningRateDecay
from ...checks import is_whole
from ...data.features import words
from ...errors import UserError
from ..recurrent import Cell, stack
from ..registry import Objective, Published, recipe
from ..search import Dropout, Flag, FromData, Given, LearningRate, Seed, Widths
from ..tasks import LANGUAGE_MODELING
from .falling import FallingEpochs, Positive, SteadyEpochs, falling
from .stream_model import StreamModel
from .writing import ENDPOINTS, perplexity

# Those of the source's example, a selection of Shakespeare's plays.
SHAKESPEARE = "\n !$&',-.3:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ORIGINAL = "https://github.com/karpathy/char-rnn"
SOURCE = f"{ORIGINAL}, with Keras' one bias vector"


def _is_vocabulary(value) -> bool:
    if isinstance(value, str):
        return len(set(value)) == len(value) > 1
    return is_whole(value) and value == words.NUMBER_OF_BYTES


Vocabulary = Annotated[
    str | int,
    Given(_is_vocabulary, "a text of two or more characters, all different, or 256, of bytes"),
    FromData("text", "vocabulary"),
]
Rule = Annotated[
    str | None,
    Given(lambda v: v in (None, words.BYTES), "'bytes', or None for characters"),
    FromData("text", "rule"),
]


def schedule(arguments) -> LearningRateDecay:
    """The step size that falls in the course of a training."""
    return LearningRateDecay(arguments["learning_rate"], falling(arguments))


@recipe(
    family="language",
    task=LANGUAGE_MODELING,
    data="python_docs",
    paper="Karpathy 2015: https://karpathy.github.io/2015/05/21/rnn-effectiveness",
    objective=Objective("val_loss", "min"),
    endpoints=ENDPOINTS,
    measures=perplexity,
    schedule=schedule,
    smoke={"vocabulary": "\n abc", "hidden_units": (4, 3), "carried": False},
    epochs=20,
    published=(
        Published("2 layers of 128, 65 characters", 239_297, SOURCE),
        Published(
            "3 layers of 512, 65 characters",
            5_415_489,
            SOURCE,
            {"hidden_units": (512, 512, 512)},
        ),
        Published("2 layers of 128, two biases", 240_321, ORIGINAL, {"two_biases": True}),
        Published(
            "3 layers of 512, two biases",
            5_421_633,
            ORIGINAL,
            {"hidden_units": (512, 512, 512), "two_biases": True},
        ),
    ),
)
def char_rnn(
    vocabulary: Vocabulary = SHAKESPEARE,
    rule: Rule = None,
    *,
    hidden_units: Annotated[tuple[int, ...], Widths(32, 1024, depth=(1, 3))] = (128, 128),
    cell: Cell = "lstm",
    dropout: Dropout = 0.0,
    learning_rate: LearningRate = 2e-3,
    two_biases: Flag = False,
    steady_epochs: SteadyEpochs = 10,
    falling_epochs: FallingEpochs = 40,
    decay: Positive = 0.97,
    carried: Flag = True,
    seed: Seed = None,
) -> keras.Model:
    """Character model: a recurrent net that gives the probabilities of the next character.

    Characters enter one-hot; the layers above each other hand on what they hold at each of them.

    Deviations:
        * Keras' initial weights and its forget gates that are open at first, and mini-batches of 64
          sequences; the source draws uniformly from ±0.08 and takes 50.

    Args:
        vocabulary: All characters, in the order of their numbers; that of the training text where
            it has a `REPLACEMENT CHARACTER` (U+FFFD) for those that it lacks. Or 256, for bytes.
        rule: How a text is cut into tokens: `"bytes"`, the bytes of its UTF-8; None, characters.
        hidden_units: Units of each recurrent layer.
        cell: `"lstm"`, `"gru"`, `"simple"`, `"peephole_lstm"`; `"simplified_gru"`, without a reset
            gate; `"irnn"`, rectified linear units whose recurrent weights are the identity at
            first.
        dropout: Share of units that are left out on the way up, above each layer.
        learning_rate: Step size of RMSprop, whose gradients are cut off at ±5.
        two_biases: Whether LSTM layers have a second vector of biases, as those of the source do.
        steady_epochs: Epochs before the step size falls, in a training of all that the source has.
        falling_epochs: Epochs in which it falls, at the same shares of a longer or shorter one.
        decay: What it is multiplied by in each of these.
        carried: Whether states are carried over batches: the rows of `x` are then parts of one
            text, in their order, and are read as many streams as a batch has rows. False for
            sequences that do not follow each other, which begin with states of zeros.
        seed: Makes initial weights and dropout reproducible.

    Returns:
        A compiled model from numbers of characters, `(batch, length)`, to logits of the next one
        at each of them, `(batch, length, tokens)`; bytes are their own numbers. It learns from `x`
        and `y`, the same sequences one character on; its loss is the cross-entropy of a character
        in nats.

    Raises:
        UserError: If an argument is not valid, `two_biases` are of another cell, or vocabulary and
            rule are not both of bytes.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import char_rnn
        >>> model = char_rnn("ab", hidden_units=(8,))
        >>> text = np.arange(145) % 2
        >>> x, y = text[:-1].reshape(16, 9), text[1:].reshape(16, 9)
        >>> history = model.fit(x, y, batch_size=4, verbose=0)
        >>> model.predict(x[:1], verbose=0).shape
        (1, 9, 2)

    Reference:
        Karpathy 2015, "The Unreasonable Effectiveness of Recurrent Neural Networks":
        https://karpathy.github.io/2015/05/21/rnn-effectiveness
    """
    if two_biases and cell != "lstm":
        raise UserError(f"two_biases are those of cell='lstm', got cell={cell!r}")
    if (rule == words.BYTES) != is_whole(vocabulary):
        raise UserError(
            f"of rule='bytes' alone the vocabulary is 256, got {vocabulary!r} of rule={rule!r}"
        )
    size = vocabulary if is_whole(vocabulary) else len(vocabulary)
    text = keras.Input((None,), dtype="int32", name="text")
    x = ops.one_hot(text, size)
    cell = "two_bias_lstm" if two_biases else cell
    x = stack(x, hidden_units, cell, dropout=dropout, return_sequences=True, states=True)
    outputs = layers.Dense(size, dtype="float32", name="logits")(x)
    model = StreamModel(text, outputs, name="char_rnn")
    model.compile(
        keras.optimizers.RMSprop(learning_rate, rho=0.95, clipvalue=5.0),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model
