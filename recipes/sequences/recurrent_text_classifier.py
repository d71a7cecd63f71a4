"""The recurrent net that tells the class of a text, such as the sentiment of a review."""

from typing import Annotated

import keras
from keras import layers, ops

from ...checks import is_whole
from ...data.features import words
from ..endpoint import Function, Part
from ..language.strings import Texts
from ..model import RecipeModel
from ..recurrent import Cell, stack
from ..registry import Objective, Published, recipe
from ..search import (
    Dropout,
    Flag,
    FromData,
    Given,
    Int,
    LearningRate,
    NumClasses,
    Rank,
    Seed,
    at_least,
)
from ..tasks import TEXT_CLASSIFICATION
from .recurrent_classifier import HiddenUnits
from .scores import compile_scores

SOURCE = "https://keras.io/examples/nlp/bidirectional_lstm_imdb, by the sizes of its layers"


def _is_vocabulary(value) -> bool:
    if is_whole(value):
        return value >= 3
    return words.are_tokens(value, words.PADDING)


Words = Annotated[
    tuple[str, ...] | int,
    Given(
        _is_vocabulary,
        "words, all different, of which the first is '' and one U+FFFD, or their number",
    ),
    FromData("text", "vocabulary"),
]
SequenceLength = Annotated[
    int | None,
    Given(lambda v: v is None or at_least(1).is_valid(v), "a whole number of at least 1, or None"),
    FromData("text", "length"),
]


def _serve(model, texts: Texts):
    """Texts are cut into words as those were that the model has learnt from."""
    arguments = model.origin.arguments
    numbers = words.numbers_of(words.words(texts), arguments["vocabulary"])
    numbers = numbers[:, : arguments["sequence_length"]]
    return {"probabilities": ops.softmax(model(words.padded(numbers), training=False))}


@recipe(
    family="sequences",
    task=TEXT_CLASSIFICATION,
    data="python_topics",
    paper="Schuster & Paliwal 1997: https://doi.org/10.1109/78.650093",
    objective=Objective("val_accuracy", "max"),
    endpoints={
        "serve": Function(_serve, ("probabilities",)),
        "tokens": Part("tokens", "probabilities", activation="softmax"),
        "features": Part("tokens", "features", end="features"),
    },
    smoke={
        "vocabulary": (words.PADDING, words.UNKNOWN, "a", "b", "c"),
        "num_classes": 3,
        "sequence_length": None,
        "embedding_units": 3,
        "hidden_units": (4,),
        "dropout": 0.2,
    },
    published=(
        Published("two bidirectional LSTM of 64, two classes", 2_757_761, SOURCE),
        Published(
            "one LSTM of 128, two classes",
            2_691_713,
            "by the sizes of its layers",
            {"hidden_units": (128,), "bidirectional": False},
        ),
    ),
    batch_size=32,
    epochs=10,
)
def recurrent_text_classifier(
    vocabulary: Words = 20_000,
    num_classes: NumClasses = 2,
    sequence_length: SequenceLength = 200,
    *,
    embedding_units: Annotated[int, Int(16, 512, log=True, rank=Rank.UNITS)] = 128,
    hidden_units: HiddenUnits = (64, 64),
    cell: Cell = "lstm",
    bidirectional: Flag = True,
    dropout: Dropout = 0.0,
    learning_rate: LearningRate = 1e-3,
    seed: Seed = None,
) -> keras.Model:
    """Recurrent classifier of texts: word after word, in both directions, and a class at the end.

    Words are vectors that are learnt with the rest. What fills up the shorter texts of a batch, the
    word number 0, changes neither states nor loss. The score of the first of two classes is 0, so
    that these need one score, as published.

    Deviations:
        * Texts of more words are cut at their end; the source cuts them at their beginning.
        * Gradients are cut to a norm of 1.

    Args:
        vocabulary: The words, in the order of their numbers: at first '', which fills up, and one
            that stands for all others, U+FFFD; or how many there are, for a model that is given
            numbers alone.
        num_classes: Number of classes.
        sequence_length: Words of a text that are taken at the most; None for all.
        embedding_units: Length of the vector of a word.
        hidden_units: Units of each recurrent layer, and in each direction.
        cell: `"lstm"`, `"gru"`, `"simple"`, `"peephole_lstm"`; `"simplified_gru"`, without a reset
            gate; `"irnn"`, rectified linear units whose recurrent weights are the identity at
            first.
        bidirectional: Whether each layer also reads from the end.
        dropout: Share of units that are left out in training, above each layer.
        learning_rate: Step size of Adam.
        seed: Makes initial weights and dropout reproducible.

    Returns:
        A compiled model from numbers of words, `(batch, length)`, to scores,
        `(batch, num_classes)`, whose softmax are the class probabilities. It learns from integer
        labels and logs the accuracy. Its endpoint `serve` takes strings.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import recurrent_text_classifier
        >>> model = recurrent_text_classifier(50, embedding_units=4, hidden_units=(6,))
        >>> words, labels = np.random.randint(1, 50, (8, 12)), np.arange(8) % 2
        >>> words[:4, 5:] = 0  # half of them have 5 words only
        >>> history = model.fit(words, labels, verbose=0)
        >>> model.predict(words, verbose=0).shape
        (8, 2)

    Reference:
        Schuster & Paliwal 1997, "Bidirectional Recurrent Neural Networks":
        https://doi.org/10.1109/78.650093;
        Maas et al. 2011 on the reviews of IMDB: https://aclanthology.org/P11-1015
    """
    size = vocabulary if is_whole(vocabulary) else len(vocabulary)
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    x = layers.Embedding(size, embedding_units, mask_zero=True, name="embedding")(tokens)
    x = stack(x, hidden_units, cell, bidirectional=bidirectional, dropout=dropout)
    x = layers.Identity(name="features")(x)
    scores = layers.Dense(1 if num_classes == 2 else num_classes, dtype="float32", name="scores")(x)
    if num_classes == 2:
        scores = ops.pad(scores, ((0, 0), (1, 0)))
    model = RecipeModel(tokens, scores, name="recurrent_text_classifier")
    return compile_scores(model, learning_rate)
