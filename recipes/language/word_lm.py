"""The recurrent net that writes word by word."""

from dataclasses import replace
from typing import Annotated

import keras
from keras import layers

from ...callbacks import LearningRateDecay
from ...checks import is_whole
from ...data.features import words
from ...errors import UserError
from ...layers import Bias
from ..recurrent import stack
from ..registry import Objective, Published, recipe, variant
from ..search import Dropout, Flag, Float, FromData, Given, Rank, Seed, Widths, at_least
from ..tasks import LANGUAGE_MODELING
from .falling import FallingEpochs, Positive, SteadyEpochs, falling
from .stream_model import StreamModel
from .writing import ENDPOINTS, perplexity

SOURCE = "https://arxiv.org/abs/1409.2329, by the sizes of its layers"


def _is_vocabulary(value) -> bool:
    if is_whole(value):
        return value >= 2
    return words.are_tokens(value) and len(value) > 1


Vocabulary = Annotated[
    tuple[str, ...] | int,
    Given(_is_vocabulary, "tokens, all different, of which one is U+FFFD, or their number"),
    FromData("text", "vocabulary"),
]
RULES = (words.WORDS, words.TOKENS, words.SUBWORDS, words.BYTES)
Rule = Annotated[
    str,
    Given(lambda v: v in RULES, f"one of {', '.join(RULES)}"),
    FromData("text", "rule"),
]
Steps = Annotated[int, at_least(1), FromData("text", "length")]


def schedule(arguments) -> LearningRateDecay:
    """The step size that stays for some epochs, and falls in each of the others."""
    return LearningRateDecay(_step_size(arguments), falling(arguments))


def _takes(features, arguments):
    """Sequences of any length: that of the data says where gradients end, and nothing else."""
    return {"text": replace(features["text"], length=None)}


def _step_size(arguments) -> float:
    # The source sums the loss over the steps of a sequence, of which Keras takes the mean.
    return arguments["learning_rate"] * arguments["sequence_length"]


@recipe(
    family="language",
    task=LANGUAGE_MODELING,
    data="words:python_docs",
    paper="Zaremba, Sutskever & Vinyals 2014: https://arxiv.org/abs/1409.2329",
    objective=Objective("val_loss", "min"),
    endpoints=ENDPOINTS,
    measures=perplexity,
    schedule=schedule,
    takes=_takes,
    smoke={
        "vocabulary": (words.UNKNOWN, "\n", " a", " b", " c"),
        "sequence_length": 6,
        "hidden_units": (4, 4),
        "dropout": 0.2,
        "carried": False,
    },
    published=(Published("10,000 words, 2 layers of 200", 4_651_600, SOURCE),),
    batch_size=20,
    epochs=13,
)
def word_lm(
    vocabulary: Vocabulary = 10_000,
    rule: Rule = "words",
    sequence_length: Steps = 20,
    *,
    hidden_units: Annotated[tuple[int, ...], Widths(50, 1500, depth=(1, 3))] = (200, 200),
    dropout: Dropout = 0.0,
    tied: Flag = False,
    initial_range: Annotated[float, Float(0.01, 0.2, log=True, rank=Rank.OTHER)] = 0.1,
    learning_rate: Annotated[float, Float(0.05, 5.0, log=True, rank=Rank.LEARNING_RATE)] = 1.0,
    clip: Positive = 5.0,
    steady_epochs: SteadyEpochs = 4,
    falling_epochs: FallingEpochs = 9,
    decay: Positive = 0.5,
    carried: Flag = True,
    seed: Seed = None,
) -> keras.Model:
    """Word model: LSTM layers that give the probabilities of the next word of a text.

    Dropout acts on what enters the layers and leaves the last of them, never on what they hand on
    to their own next step. States are carried over batches, and gradients end where a batch begins
    (truncated back-propagation through time). The step size stays for some epochs and then falls in
    each; in a training of more or fewer epochs it does so at the same shares of it. The schedule
    is `get_recipe("word_lm").schedule(model.origin.arguments)`, a callback, which `train` and
    searches use.

    Args:
        vocabulary: The tokens, in the order of their numbers, one of which stands for all others,
            U+FFFD; or how many there are, for a model that is given numbers alone.
        rule: How a text is cut into tokens: `"words"`, words, marks and ends of lines; `"tokens"`,
            what is between spaces and ends of lines; `"subwords"`, pieces of words, learnt from
            the training text; `"bytes"`, of which the vocabulary is 256.
        sequence_length: Tokens that are read before weights change: where gradients end.
        hidden_units: Units of each layer; a word is a vector of as many numbers as the first has
            units.
        dropout: Share of values that are left out in training, at each of these places.
        tied: Whether a token is scored by the vector that it is read as; the last layer has as many
            units as the first then.
        initial_range: All weights are drawn from numbers up to that, and down to minus that.
        learning_rate: Step size of stochastic gradient descent on the loss summed over the steps of
            a sequence, as published: Keras' optimizer has `sequence_length` times it.
        clip: The norm that the gradient of that sum is cut to.
        steady_epochs: Epochs before the step size falls, in a training of all that are published.
        falling_epochs: Epochs in which it falls.
        decay: What it is multiplied by in each of these.
        carried: Whether states are carried over batches: the rows of `x` are then parts of one
            text, in their order, and are read as many streams as a batch has rows. False for
            sequences that do not follow each other, which begin with states of zeros.
        seed: Makes initial weights and dropout reproducible.

    Returns:
        A compiled model from numbers of tokens, `(batch, sequence_length)`, to logits of the next
        one at each of them, `(batch, sequence_length, tokens)`. It learns from `x` and `y`, the
        same sequences one token on; its loss is the cross-entropy of a token in nats.

    Raises:
        UserError: If an argument is not valid, `tied` layers differ in their units, or there are
            not 256 bytes.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import word_lm
        >>> model = word_lm(5, sequence_length=9, hidden_units=(8,))
        >>> text = np.arange(145) % 5
        >>> x, y = text[:-1].reshape(16, 9), text[1:].reshape(16, 9)
        >>> history = model.fit(x, y, batch_size=4, verbose=0)
        >>> model.predict(x[:1], verbose=0).shape
        (1, 9, 5)

    Reference:
        Zaremba, Sutskever & Vinyals 2014, "Recurrent Neural Network Regularization":
        https://arxiv.org/abs/1409.2329;
        Press & Wolf 2017 on tied vectors: https://arxiv.org/abs/1608.05859
    """
    size = vocabulary if is_whole(vocabulary) else len(vocabulary)
    if rule == words.BYTES and vocabulary != words.NUMBER_OF_BYTES:
        raise UserError(f"of rule='bytes' the vocabulary is 256, got one of {size:,} tokens")
    if tied and hidden_units[0] != hidden_units[-1]:
        raise UserError(
            "tied vectors need as many units in the last layer as in the first, got hidden_units "
            f"{hidden_units}"
        )

    def initial():
        return keras.initializers.RandomUniform(-initial_range, initial_range)

    text = keras.Input((None,), dtype="int32", name="text")
    embedding = layers.ReversibleEmbedding(
        size, hidden_units[0], embeddings_initializer=initial(), name="embedding"
    )
    x = embedding(text)
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    x = stack(
        x,
        hidden_units,
        "lstm",
        dropout=dropout,
        return_sequences=True,
        states=True,
        kernel_initializer=initial(),
        recurrent_initializer=initial(),
        bias_initializer=initial(),
        unit_forget_bias=False,
    )
    if tied:
        outputs = Bias(dtype="float32", name="logits")(embedding(x, reverse=True))
    else:
        outputs = layers.Dense(
            size,
            kernel_initializer=initial(),
            bias_initializer=initial(),
            dtype="float32",
            name="logits",
        )(x)
    model = StreamModel(text, outputs, name="word_lm")
    step_size = _step_size({"learning_rate": learning_rate, "sequence_length": sequence_length})
    model.compile(
        keras.optimizers.SGD(step_size, global_clipnorm=clip / sequence_length),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


word_lm_medium = variant(
    word_lm,
    "word_lm_medium",
    parameters=19_775_200,
    source=SOURCE,
    epochs=39,
    at={
        "sequence_length": 35,
        "dropout": 0.5,
        "initial_range": 0.05,
        "steady_epochs": 6,
        "falling_epochs": 33,
        "decay": 1 / 1.2,
    },
    hidden_units=(650, 650),
)
word_lm_large = variant(
    word_lm,
    "word_lm_large",
    parameters=66_022_000,
    source=SOURCE,
    epochs=55,
    at={
        "sequence_length": 35,
        "dropout": 0.65,
        "initial_range": 0.04,
        "clip": 10.0,
        "steady_epochs": 14,
        "falling_epochs": 41,
        "decay": 1 / 1.15,
    },
    hidden_units=(1500, 1500),
)
