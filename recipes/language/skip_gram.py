"""Vectors of words, learnt from the words that they are among."""

from dataclasses import replace
from typing import Annotated

import keras
import numpy as np
from keras import ops

from ...callbacks import LearningRateDecay
from ...checks import is_number, is_whole
from ...data.features import words
from ...errors import UserError
from ...layers import NegativeSampling
from ..endpoint import Function, Numbers, PerRow, Whole
from ..model import RecipeModel
from ..registry import Objective, Published, recipe
from ..search import LOSS, Changes, Flag, Float, FromData, Given, Int, Rank, Seed, at_least
from ..tasks import WORD_EMBEDDING
from .strings import Texts, to_number, to_words
from .writing import Rows

SOURCE = "https://code.google.com/archive/p/word2vec, by the sizes of its matrices"
# What any two models are compared by: how far apart words are, at the most, that it asks about.
DISTANCE = 5


def _is_vocabulary(value) -> bool:
    if is_whole(value):
        return value > 2
    return words.are_tokens(value, words.UNKNOWN) and len(value) > 2


def _are_counts(value) -> bool:
    return value is None or (
        isinstance(value, tuple | list)
        and all(is_number(count) and count >= 0 for count in value)
        and sum(value[1:]) > 0
    )


Vocabulary = Annotated[
    tuple[str, ...] | int,
    Given(_is_vocabulary, "words, all different, of which the first is U+FFFD, or their number"),
    FromData("text", "vocabulary"),
]
Counts = Annotated[
    tuple[int, ...] | None,
    Given(_are_counts, "how often each word occurs, not all known ones never, or None"),
    FromData("text", "counts"),
]


def schedule(arguments) -> LearningRateDecay:
    """The step size that falls in a straight line, epoch by epoch, to almost nothing."""
    return LearningRateDecay(arguments["learning_rate"], lambda share: max(1 - share, 1e-4))


def _takes(features, arguments):
    """Plain words, in sequences of any length."""
    return {"text": replace(features["text"], rule=words.PLAIN)}


def _layer(model) -> NegativeSampling:
    return model.get_layer("embedding")


def _serve(model, tokens: Rows):
    return {"embeddings": ops.take(_layer(model).embeddings, tokens, axis=0)}


def _nearest(model, queries, signs, n):
    """The words whose vectors have the largest cosine with a sum of unit vectors.

    Args:
        model: The model.
        queries: Numbers of words, `(batch, queries)`, none of which is among those found.
        signs: What the unit vector of each of these is multiplied by.
        n: How many words; fewer where the vocabulary has no more.

    Returns:
        Their numbers, and the cosines, `(batch, n)` each; zeros for rows with unknown words.
    """
    embeddings = ops.cast(ops.convert_to_tensor(_layer(model).embeddings), "float32")
    unit = _unit(embeddings)
    size = embeddings.shape[0]
    sums = ops.einsum("bqd,q->bd", ops.take(unit, queries, axis=0), ops.array(signs, "float32"))
    cosines = ops.matmul(_unit(sums), ops.transpose(unit))
    asked = ops.any(queries[:, :, None] == ops.arange(size, dtype="int32"), axis=1)
    none = ops.logical_or(asked, ops.arange(size) == 0)
    most = max(0, size - 1 - len(signs))
    count = min(n, most) if is_whole(n) else ops.minimum(n, most)
    cosines, numbers = ops.top_k(ops.where(none, -2.0, cosines), count)
    known = ops.all(queries > 0, axis=1, keepdims=True)
    return ops.where(known, numbers, 0), ops.where(known, cosines, 0.0)


def _unit(vectors):
    return vectors / ops.maximum(ops.norm(vectors, axis=-1, keepdims=True), 1e-12)


def _nearest_numbers(model, numbers: PerRow, n: Whole):
    found, cosines = _nearest(model, numbers[:, None], (1.0,), n)
    return {"numbers": found, "similarities": cosines}


def _analogy_numbers(model, questions: Numbers((None, 3), "int32"), n: Whole):
    """Of each row a, b, c what is to c as b is to a: near to b − a + c."""
    found, cosines = _nearest(model, questions, (-1.0, 1.0, 1.0), n)
    return {"numbers": found, "similarities": cosines}


def _number(model, strings):
    return to_number(strings, model.origin.arguments["vocabulary"], words.PLAIN)


def _in_words(model, found):
    vocabulary = model.origin.arguments["vocabulary"]
    return {
        "words": to_words(found["numbers"], vocabulary),
        "similarities": found["similarities"],
    }


def _nearest_words(model, words: Texts, n: Whole):
    return _in_words(model, _nearest_numbers(model, _number(model, words), n))


def _analogy_words(model, a: Texts, b: Texts, c: Texts, n: Whole):
    questions = ops.stack([_number(model, strings) for strings in (a, b, c)], axis=1)
    return _in_words(model, _analogy_numbers(model, questions, n))


def discrimination(model, text: np.ndarray, labels, batch_size: int) -> dict[str, float]:
    """How well true pairs of words are told from drawn ones.

    `auc` is the share of comparisons in which a word and one of its context, of all that are near
    it in the text, have a higher score than the word and any word of the text. Unlike the loss it
    means the same whatever words are left out in training, and how many are drawn: a model that
    knows the frequencies of words alone has one half.
    """
    layer, right, compared = _layer(model), 0.0, 0.0
    mixed = np.random.default_rng(0).permutation(np.ravel(text)).reshape(np.shape(text))
    for start in range(0, len(text), batch_size):
        tokens, others = (
            ops.convert_to_tensor(part[start : start + batch_size], "int32")
            for part in (text, mixed)
        )
        contexts = layer.contexts(tokens, window=DISTANCE)
        scores, pairs, drawn = layer.scores(tokens, contexts, others)
        above = ops.cast(scores > drawn, "float32") + ops.cast(scores == drawn, "float32") / 2
        pairs = pairs * ops.cast(others > 0, "float32")[:, None, :]
        right += float(ops.sum(pairs * above))
        compared += float(ops.sum(pairs))
    return {"auc": right / max(compared, 1.0)}


@recipe(
    family="language",
    task=WORD_EMBEDDING,
    data="plain:python_docs",
    paper="Mikolov et al. 2013: https://arxiv.org/abs/1310.4546",
    objective=Objective("val_auc", "max", measured=True),
    endpoints={
        "serve": Function(_serve, ("embeddings",)),
        "nearest": Function(_nearest_words, ("words", "similarities"), dtypes={"words": "string"}),
        "analogy": Function(_analogy_words, ("words", "similarities"), dtypes={"words": "string"}),
        "nearest_numbers": Function(
            _nearest_numbers, ("numbers", "similarities"), dtypes={"numbers": "int32"}
        ),
        "analogy_numbers": Function(
            _analogy_numbers, ("numbers", "similarities"), dtypes={"numbers": "int32"}
        ),
    },
    measures=discrimination,
    schedule=schedule,
    weighed=False,
    takes=_takes,
    smoke={
        "vocabulary": (words.UNKNOWN, "a", "b", "c", "d", "ab", "ac", "bc", "cd"),
        "embedding_units": 3,
        "subsample": 0.0,
    },
    published=(
        Published("71,291 words of text8, 100", 14_258_200, SOURCE),
        Published(
            "71,291 words of text8, 200, as in its script",
            28_516_400,
            SOURCE,
            {"embedding_units": 200, "window": 8, "negatives": 25, "subsample": 1e-4, "cbow": True},
        ),
    ),
    batch_size=8,
    epochs=5,
)
def skip_gram(
    vocabulary: Vocabulary = 71_291,
    counts: Counts = None,
    *,
    embedding_units: Annotated[int, Int(16, 512, log=True, rank=Rank.UNITS)] = 100,
    window: Annotated[int, Int(2, 15, rank=Rank.OTHER), Changes(*LOSS)] = 5,
    negatives: Annotated[int, Int(2, 25, log=True, rank=Rank.OTHER), Changes(*LOSS)] = 5,
    shared_negatives: Annotated[int, at_least(1)] = 64,
    subsample: Annotated[float, Float(0.0, 1e-2), Changes(*LOSS)] = 1e-3,
    cbow: Annotated[Flag, Changes(*LOSS)] = False,
    learning_rate: Annotated[float, Float(0.05, 2.0, log=True, rank=Rank.LEARNING_RATE)] = 0.2,
    seed: Seed = None,
) -> keras.Model:
    """Skip-gram with negative sampling: vectors of words, learnt from the words around them.

    Each word predicts those around it, up to a distance drawn from 1 to `window`: true pairs are
    told from pairs with words drawn at random, in proportion to their counts to the power of 3/4.
    With `cbow=True` the mean of the words around it predicts the word. Defaults are those of the
    authors' program, word2vec, and so is how `subsample` is meant.

    The step size falls to almost nothing in the course of a training; the schedule is
    `get_recipe("skip_gram").schedule(model.origin.arguments)`, a callback, which `train` and
    searches use. `measures` gives the `auc` on held-out text: how often a true pair has a higher
    score than one with any word of the text.

    Deviations:
        * All pairs of a row of text share the words drawn, more of them than `negatives` and each
          of less weight: of the published sum over drawn words the expectation is the same, and
          the noise less. The program draws anew for each pair, and leaves out drawn words that are
          the true one.
        * Vectors change after a mini-batch, by the sum over all its pairs; in the program after
          each pair. The step size falls epoch by epoch, in the program with each word.
        * The gradient of the mean of several vectors, in CBOW, is divided by their number; that of
          the program is not.
        * A text is cut into rows; the program cuts it at ends of lines, and every 1,000 words.

    Args:
        vocabulary: The words, in the order of their numbers, the first of which stands for unknown
            ones, U+FFFD; or how many there are, for a model that is given numbers alone.
        counts: How often each of them is in the training text; None for 1/1, 1/2, 1/3, … (Zipf's
            law) from the first known word on.
        embedding_units: Length of the vector of a word.
        window: Words on either side that belong to the context of a word, at the most.
        negatives: For how many words drawn at random a true one counts.
        shared_negatives: Words drawn at random for each row of text, which all its pairs share; as
            many as `negatives` make the published sum.
        subsample: Words whose share f of the text is above about that, t, are left out at random,
            and stay with a probability of √(t/f) + t/f; 0 to keep all. The paper has 1e-5 for
            texts of a billion words.
        cbow: Whether the words around a word predict it (continuous bag of words), instead of the
            other way round.
        learning_rate: Step size of stochastic gradient descent on the mean over rows of the sum
            over their pairs: 0.2, with batches of 8 rows, is the program's 0.025 for each pair. It
            has twice as much for CBOW. Several times as much does not converge, nor does that on a
            text of few different words, each of which is often in a batch.
        seed: Makes initial vectors and all that is drawn reproducible.

    Returns:
        A compiled model from numbers of words, `(batch, length)`, to their vectors,
        `(batch, length, embedding_units)`. It learns from `x` alone, and its loss is that of a pair
        in nats. Its endpoints `nearest` and `analogy` take and give words, and `nearest_numbers`
        and `analogy_numbers` their numbers; words of a question are not among the answers, and a
        question with an unknown word has unknown words for an answer, with similarities of 0.

    Raises:
        UserError: If an argument is not valid, or there is not one count for each word.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import skip_gram
        >>> model = skip_gram(50, embedding_units=4)
        >>> text = np.random.default_rng(0).integers(1, 50, (32, 20))
        >>> history = model.fit(text, batch_size=8, verbose=0)
        >>> model.predict(text[:1], verbose=0).shape
        (1, 20, 4)

    Reference:
        Mikolov, Sutskever, Chen, Corrado & Dean 2013, "Distributed Representations of Words and
        Phrases and their Compositionality": https://arxiv.org/abs/1310.4546;
        Mikolov, Chen, Corrado & Dean 2013 on CBOW: https://arxiv.org/abs/1301.3781;
        Ji et al. 2016 on drawn words that pairs share: https://arxiv.org/abs/1604.04661;
        Levy & Goldberg 2014 on analogies: https://aclanthology.org/W14-1618
    """
    size = vocabulary if is_whole(vocabulary) else len(vocabulary)
    if counts is not None and len(counts) != size:
        raise UserError(f"counts must be one for each of {size} words, got {len(counts)}")
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    embeddings = NegativeSampling(
        size,
        embedding_units,
        counts,
        window=window,
        negatives=negatives,
        shared_negatives=shared_negatives,
        subsample=subsample,
        cbow=cbow,
        dtype="float32",
        name="embedding",
    )(tokens)
    model = RecipeModel(tokens, embeddings, name="skip_gram")
    model.compile(keras.optimizers.SGD(learning_rate))
    return model
