"""The recurrent net that tells the class of each token of a text."""

from typing import Annotated

import keras
import numpy as np
from keras import layers, ops

from ...checks import is_whole
from ...data.features import words
from ..endpoint import Function, Numbers, Part
from ..language.strings import Texts, labelled
from ..model import RecipeModel
from ..recurrent import Cell, stack
from ..registry import Objective, recipe
from ..search import Dropout, Flag, FromData, Given, Int, LearningRate, Rank, Seed, at_least
from ..tasks import TOKEN_CLASSIFICATION
from .recurrent_classifier import HiddenUnits
from .recurrent_text_classifier import Words
from .scores import compile_scores

Tokens = Numbers((None, None), "int32")
NumLabels = Annotated[int, at_least(2), FromData("token_labels", "count")]
LabelNames = Annotated[
    tuple[str, ...],
    Given(
        lambda v: isinstance(v, tuple | list) and all(isinstance(name, str) for name in v),
        "names of classes, or none",
    ),
    FromData("token_labels", "names"),
]


def _label(model, tokens: Tokens):
    """The most probable class of each token, and -1 for padding."""
    labels = ops.argmax(model(tokens, training=False), axis=-1)
    return {"labels": ops.where(tokens == 0, -1, ops.cast(labels, "int32"))}


def _tag(model, texts: Texts):
    """Texts with their classes: as words were written, or else `word/class`."""
    arguments = model.origin.arguments
    found = words.words(texts)
    numbers = words.padded(words.numbers_of(found, arguments["vocabulary"]))
    labels = ops.argmax(model(numbers, training=False), axis=-1)
    names = arguments["label_names"] or tuple(map(str, range(arguments["num_labels"])))
    return {"texts": labelled(found, labels, names)}


def beside_the_usual(model, text, labels, batch_size) -> dict[str, float]:
    """What says more than the accuracy, where some classes are rare.

    Returns:
        `most_frequent_accuracy`, of who always says the class that is the most frequent one here;
        and `macro_f1`, the mean over all classes that there are of the harmonic mean of precision
        and recall.
    """
    known = text != 0
    scores = model.predict(text, batch_size=batch_size, verbose=0)
    found, true = scores.argmax(axis=-1)[known], labels[known]
    count = scores.shape[-1]
    both = np.bincount(true[found == true], minlength=count)
    here, said = (np.bincount(each, minlength=count) for each in (true, found))
    there = here > 0
    f1 = 2 * both[there] / (here[there] + said[there])
    return {
        "most_frequent_accuracy": float(here.max() / here.sum()),
        "macro_f1": float(f1.mean()),
    }


@recipe(
    family="sequences",
    task=TOKEN_CLASSIFICATION,
    data="written:python_docs",
    paper="Graves & Schmidhuber 2005: https://doi.org/10.1016/j.neunet.2005.06.042",
    objective=Objective("val_accuracy", "max"),
    endpoints={
        "serve": Part("tokens", "probabilities", activation="softmax"),
        "label": Function(_label, ("labels",), dtypes={"labels": "int32"}),
        "tag": Function(_tag, ("texts",), dtypes={"texts": "string"}),
    },
    measures=beside_the_usual,
    smoke={
        "vocabulary": (words.PADDING, words.UNKNOWN, "a", "b", "c"),
        "num_labels": 3,
        "label_names": ("x", "y", "z"),
        "embedding_units": 3,
        "hidden_units": (4,),
        "dropout": 0.2,
    },
    batch_size=32,
    epochs=10,
)
def recurrent_tagger(
    vocabulary: Words = 20_000,
    num_labels: NumLabels = 21,
    label_names: LabelNames = (),
    *,
    embedding_units: Annotated[int, Int(16, 512, log=True, rank=Rank.UNITS)] = 128,
    hidden_units: HiddenUnits = (128,),
    cell: Cell = "lstm",
    bidirectional: Flag = True,
    dropout: Dropout = 0.0,
    learning_rate: LearningRate = 1e-3,
    seed: Seed = None,
) -> keras.Model:
    """Recurrent tagger: the class of each word, from those before it and those after it.

    By default it learns how words were written: where capital letters and marks belong in a text
    that has none. On `copying`, which no net solves without memory, it is one that reads forward
    alone if `bidirectional` is off. What fills up the shorter texts of a batch, the token number 0,
    changes neither states nor loss.

    Deviations:
        * Words are vectors that are learnt with the rest, where the paper classifies frames of
          speech; Adam.
        * Keras' cell, without peepholes unless asked for. Gradients are cut to a norm of 1.

    Args:
        vocabulary: The words, in the order of their numbers: at first '', which fills up, and one
            that stands for all others, U+FFFD; or how many there are, for a model that is given
            numbers alone.
        num_labels: Number of classes.
        label_names: Their names; may be empty.
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
        A compiled model from numbers of words, `(batch, length)`, to scores of each,
        `(batch, length, num_labels)`, whose softmax are the class probabilities. It learns from
        integer labels `(batch, length)` and logs the accuracy of those beside words. Its endpoint
        `tag` takes strings, and gives them as they should be written, or with the name of a class
        behind each word.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import recurrent_tagger
        >>> model = recurrent_tagger(50, 2, embedding_units=4, hidden_units=(6,))
        >>> words = np.random.randint(1, 50, (8, 12))
        >>> words[:4, 5:] = 0  # half of them have 5 words only
        >>> history = model.fit(words, words % 2, verbose=0)
        >>> model.predict(words, verbose=0).shape
        (8, 12, 2)

    Reference:
        Graves & Schmidhuber 2005, "Framewise Phoneme Classification with Bidirectional LSTM":
        https://doi.org/10.1016/j.neunet.2005.06.042
    """
    size = vocabulary if is_whole(vocabulary) else len(vocabulary)
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    x = layers.Embedding(size, embedding_units, mask_zero=True, name="embedding")(tokens)
    x = stack(
        x, hidden_units, cell, bidirectional=bidirectional, dropout=dropout, return_sequences=True
    )
    scores = layers.Dense(num_labels, dtype="float32", name="scores")(x)
    model = RecipeModel(tokens, scores, name="recurrent_tagger")
    return compile_scores(model, learning_rate)
