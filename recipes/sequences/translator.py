"""The recurrent net that reads a line and writes its translation."""

from typing import Annotated

import keras
import numpy as np

from ...checks import is_whole
from ...data.features.line import SPECIAL, is_line_vocabulary
from ...errors import UserError
from ..endpoint import Function, Numbers, Whole
from ..language.strings import KnownTexts, to_line_numbers, to_line_strings
from ..registry import Objective, Published, recipe
from ..search import (
    Choice,
    Dropout,
    Flag,
    FromData,
    Given,
    LearningRate,
    Rank,
    Seed,
    Widths,
    at_least,
)
from ..tasks import TRANSLATION
from .sequence_to_sequence import CELLS, SequenceToSequence

LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PRINTED = f" ,-.{LETTERS}"

LINE_VOCABULARY = Given(
    is_line_vocabulary,
    "characters, all different, of which the first are NULL, U+0002, U+0003 and U+FFFD, or their "
    "number",
)
SourceVocabulary = Annotated[str | int, LINE_VOCABULARY, FromData("source", "vocabulary")]
TargetVocabulary = Annotated[str | int, LINE_VOCABULARY, FromData("translation", "vocabulary")]
TargetLength = Annotated[int, at_least(2), FromData("translation", "length")]
EmbeddingUnits = Annotated[
    int | None,
    Choice(
        16,
        32,
        64,
        128,
        256,
        others=Given(
            lambda v: v is None or at_least(1).is_valid(v),
            "a whole number of at least 1, or None",
        ),
        rank=Rank.UNITS,
    ),
]
Rows = Numbers((None, None), "int32")
Texts = KnownTexts((None,), "string", "source_vocabulary")


def _translate(model, texts: Texts, beam: Whole):
    """Translations of texts, and the mean log-probability of their characters."""
    arguments = model.origin.arguments
    numbers, scores = model.translate(to_line_numbers(texts, arguments["source_vocabulary"]), beam)
    strings = to_line_strings(numbers, arguments["target_vocabulary"])
    return {"translations": strings, "scores": scores}


def _decode(model, tokens: Rows, beam=1):
    """The same of numbers, as greedy decoding finds them, or a beam of a constant width."""
    numbers, scores = model.translate(tokens, beam)
    return {"numbers": numbers, "scores": scores}


def _attend(model, tokens: Rows, targets: Rows):
    """For each token of a translation but its start the weights of those that were read."""
    return {"weights": model.teach(tokens, targets)[1]}


def exact_match(model, source: np.ndarray, target: np.ndarray, batch_size: int) -> dict[str, float]:
    """The share of translations by greedy decoding that are right to the last character."""
    found = model.predict(source, batch_size=batch_size, verbose=0)
    width = max(found.shape[1], target.shape[1])
    found, target = (np.pad(n, ((0, 0), (0, width - n.shape[1]))) for n in (found, target))
    return {"exact_match": float((found == target).all(axis=1).mean())}


@recipe(
    family="sequences",
    task=TRANSLATION,
    data="dates",
    paper="Bahdanau, Cho & Bengio 2014: https://arxiv.org/abs/1409.0473",
    objective=Objective("val_loss", "min"),
    endpoints={
        "translate": Function(
            _translate, ("translations", "scores"), dtypes={"translations": "string"}
        ),
        "decode": Function(_decode, ("numbers", "scores"), dtypes={"numbers": "int32"}),
        "attend": Function(_attend, ("weights",), where={"attention": "bahdanau"}),
    },
    measures=exact_match,
    smoke={
        "source_vocabulary": f"{SPECIAL}abc",
        "target_vocabulary": f"{SPECIAL}xy",
        "target_length": 6,
        "embedding_units": 3,
        "hidden_units": (4, 3),
        "dropout": 0.2,
    },
    published=(
        Published(
            "characters one-hot, 71 and 93, LSTM of 256",
            718_173,
            "https://keras.io/examples/nlp/lstm_seq2seq",
            {
                "source_vocabulary": 71,
                "target_vocabulary": 93,
                "embedding_units": None,
                "hidden_units": (256,),
                "cell": "lstm",
                "attention": "none",
                "bidirectional": False,
            },
        ),
    ),
    epochs=20,
)
def translator(
    source_vocabulary: SourceVocabulary = f"{SPECIAL}{PRINTED}",
    target_vocabulary: TargetVocabulary = f"{SPECIAL}{PRINTED}",
    target_length: TargetLength = 100,
    *,
    embedding_units: EmbeddingUnits = 64,
    hidden_units: Annotated[tuple[int, ...], Widths(16, 1024, depth=(1, 4))] = (128,),
    cell: Annotated[str, Choice(*CELLS, rank=Rank.UNITS)] = "gru",
    attention: Annotated[str, Choice("none", "bahdanau", rank=Rank.DEPTH)] = "bahdanau",
    bidirectional: Flag = True,
    reverse: Flag = False,
    dropout: Dropout = 0.0,
    learning_rate: LearningRate = 2e-3,
    seed: Seed = None,
) -> keras.Model:
    """Translator: a net reads a line and another writes its translation, with attention or not.

    With attention the decoder looks, before each character, at a mean of what the encoder holds at
    all of the line, weighed by how well each place goes with the decoder's own state (additive
    attention). Without it, the decoder has the states in which the encoder ends, and nothing else.
    It learns with the true characters before each one (teacher forcing). The net of Sutskever et
    al. is `cell="lstm"`, `attention="none"`, `bidirectional=False`, `reverse=True`, with four
    layers of 1,000 units and as many for embeddings.

    Deviations:
        * Lines are characters; the papers' are words.
        * Characters are scored by one matrix from the last layer and the mean; Bahdanau et al. have
          a layer of maxout units between, which also sees the character before.
        * Both of the encoder's last states, not the backward one alone, make the decoder's first
          one where it reads in both directions.
        * Only the first of several layers looks at the encoder.
        * Adam, whose gradients are cut to a norm of 1, where the papers have Adadelta and gradient
          descent; Keras' initial weights, and its GRU, which resets after it has multiplied.

    Args:
        source_vocabulary: The characters to read, in the order of their numbers: at first four that
            stand for padding, start, end and unknown ones, NULL, U+0002, U+0003 and U+FFFD; or how
            many there are, for a model that is given numbers alone.
        target_vocabulary: The same of those to write.
        target_length: Characters that are written at the most, start and end included.
        embedding_units: Length of the vector of a character; None for one-hot.
        hidden_units: Units of each layer of the decoder, and of the encoder in each direction.
        cell: `"lstm"` or `"gru"`.
        attention: `"bahdanau"`, or `"none"`.
        bidirectional: Whether the encoder reads in both directions.
        reverse: Whether the encoder reads from the end.
        dropout: Share of values that are left out in training, of the vectors and above each layer.
        learning_rate: Step size of Adam.
        seed: Makes initial weights and dropout reproducible.

    Returns:
        A compiled model from numbers of characters, `(batch, length)`, to those of the translation,
        `(batch, target_length)`, each being the most probable one. It learns from `x` and `y`, both
        with a start, 1, an end, 2, and behind it padding, 0; its loss is the mean cross-entropy of
        a character in nats, which logs the accuracy of single characters, too. Its endpoint
        `translate` takes strings and a beam.

    Raises:
        UserError: If an argument is not valid, or one vocabulary alone is a number.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import translator
        >>> model = translator(7, 6, 5, hidden_units=(8,))
        >>> x, y = np.array([[1, 4, 5, 2], [1, 6, 2, 0]]), np.array([[1, 5, 4, 2], [1, 4, 2, 0]])
        >>> history = model.fit(x, y, verbose=0)
        >>> model.predict(x, verbose=0).shape
        (2, 5)

    Reference:
        Bahdanau, Cho & Bengio 2014, "Neural Machine Translation by Jointly Learning to Align and
        Translate": https://arxiv.org/abs/1409.0473;
        Sutskever, Vinyals & Le 2014, "Sequence to Sequence Learning with Neural Networks":
        https://arxiv.org/abs/1409.3215;
        Cho et al. 2014 on encoder and decoder: https://arxiv.org/abs/1406.1078
    """
    sizes = [v if is_whole(v) else len(v) for v in (source_vocabulary, target_vocabulary)]
    if is_whole(source_vocabulary) != is_whole(target_vocabulary):
        raise UserError(
            "the vocabularies must both be characters or both be numbers, got "
            f"{source_vocabulary!r} and {target_vocabulary!r}"
        )
    model = SequenceToSequence(
        *sizes,
        target_length=target_length,
        hidden_units=hidden_units,
        embedding_units=embedding_units,
        cell=cell,
        attention=attention,
        bidirectional=bidirectional,
        reverse=reverse,
        dropout=dropout,
        name="translator",
    )
    model.compile(
        keras.optimizers.Adam(learning_rate, global_clipnorm=1.0),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        weighted_metrics=["accuracy"],  # others would count padding
    )
    return model
