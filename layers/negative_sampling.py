"""Vectors of words that are learnt by telling true contexts from words drawn at random."""

import keras
import numpy as np
from keras import initializers, ops, random

from ..checks import check_count
from .seed_stream import SeedStream, of_rows
from .seeded_layer import SeededLayer

# Noise is drawn as whole numbers below that: rare words keep their share, which they would lose in
# the 24 bits of a float32.
LARGEST = 2**31 - 1


@keras.saving.register_keras_serializable("amalthea")
class NegativeSampling(SeededLayer):
    """Embedding of words that adds the loss of skip-gram, or of CBOW, with negative sampling.

    A pair is a word and one of its context, the words before and after it up to a distance that is
    drawn for each word, from 1 to `window`. Frequent words are left out at random before distances
    are taken. The loss of a pair, in nats, is `−log σ(v·u) − (K / S) Σ_s log σ(−v·u_s)`: v is the
    input vector of the word, u the output vector of that in its context, and u_s are the output
    vectors of S words drawn in proportion to their counts to the power of 3/4. With S = K this is
    the published sum over K negatives; with more it has the same expectation and less noise. All
    pairs of a row share the words drawn, so that all scores are two products of matrices. With
    `cbow=True` the mean of the input vectors of the context predicts the word instead, one pair a
    word.

    The loss has the value of the mean over pairs, and the gradient of the mean over rows of the sum
    over pairs: a word's step does not depend on how many other pairs there are. Without training
    the same numbers are drawn each time.

    Token 0 stands for unknown words. They are left out, and have no vectors that are learnt.

    Args:
        vocabulary_size: Number of words, with the unknown one, at least 2.
        units: Length of a vector, at least 1.
        counts: How often each word is in the text; None for Zipf's law, 1/1, 1/2, 1/3, … from
            token 1 on.
        window: Words before and after a word that are its context at the most, at least 1.
        negatives: K, for how many words drawn at random a true one counts, at least 1.
        shared_negatives: S, words drawn at random for each row; at least 1.
        subsample: A word whose share f of the text is larger than about that, t, stays with the
            probability `√(t/f) + t/f` only, at the most 1; 0 to keep all.
        cbow: Whether the context predicts the word, instead of the word its context.
        seed: Seed of all that is drawn.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Tokens, `(batch, length)`.
        training: Whether random numbers go on from those of the call before.

    Returns:
        The input vectors, `(batch, length, units)`.

    Raises:
        ValueError: If an argument is out of its range, or there is not one count for each word.

    Example:
    >>> import keras
    >>> from amalthea.layers import NegativeSampling
    >>> layer = NegativeSampling(5, units=3)
    >>> tuple(layer(keras.ops.array([[1, 2, 3, 4]])).shape)
    (1, 4, 3)

    Reference:
        Mikolov et al. 2013, "Distributed Representations of Words and Phrases and their
        Compositionality": https://arxiv.org/abs/1310.4546;
        Ji et al. 2016 on negatives that several pairs share: https://arxiv.org/abs/1604.04661
    """

    def __init__(
        self,
        vocabulary_size: int,
        units: int,
        counts: tuple[float, ...] | None = None,
        window: int = 5,
        negatives: int = 5,
        shared_negatives: int = 64,
        subsample: float = 1e-3,
        cbow: bool = False,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(seed, **kwargs)
        self.vocabulary_size = check_count("vocabulary_size", vocabulary_size, least=2)
        self.units = check_count("units", units)
        self.counts = None if counts is None else tuple(counts)
        self.window = check_count("window", window)
        self.negatives = check_count("negatives", negatives)
        self.shared_negatives = check_count("shared_negatives", shared_negatives)
        if subsample < 0:
            raise ValueError(f"subsample must be at least 0, got {subsample}")
        self.subsample = subsample
        self.cbow = cbow
        if self.counts is None:
            known = 1 / np.arange(1, vocabulary_size)
        elif len(self.counts) != vocabulary_size:
            raise ValueError(
                f"counts must be {vocabulary_size} numbers, one for each word, got "
                f"{len(self.counts)}"
            )
        else:
            known = np.array(self.counts[1:], "float64")
        if known.min() < 0 or not known.sum():
            raise ValueError(
                "counts must be numbers of at least 0, of which one of a known word is above 0, "
                f"got {known.sum():g} in all and {known.min():g} as the least"
            )
        self.keep = _kept(known / known.sum(), subsample)
        self._bounds = _bounds(known**0.75)

    def build(self, input_shape):
        shape = (self.vocabulary_size, self.units)
        most = 0.5 / self.units
        self.embeddings = self.add_weight(
            name="embeddings", shape=shape, initializer=initializers.RandomUniform(-most, most)
        )
        self.context_embeddings = self.add_weight(
            name="context_embeddings", shape=shape, initializer="zeros"
        )

    def call(self, inputs, training=False):
        tokens = ops.cast(inputs, "int32")
        seeds = of_rows(self.seed_generator if training else SeedStream(0), tokens)
        contexts = self.contexts(tokens, seeds)
        noise = self.noise((ops.shape(tokens)[0], self.shared_negatives), seeds)
        losses, weights = self.losses_of(tokens, contexts, noise)
        total = ops.sum(losses)
        mean = total / ops.maximum(ops.sum(weights), 1.0)
        by_row = total / ops.cast(ops.shape(tokens)[0], total.dtype)
        self.add_loss(ops.stop_gradient(mean) + by_row - ops.stop_gradient(by_row))
        return ops.take(self.embeddings, tokens, axis=0)

    def contexts(self, tokens, seeds=None, window: int | None = None):
        """Which words are in the context of which.

        Args:
            tokens: `(batch, length)`.
            seeds: A `keras.random.SeedGenerator`, by which words are left out and distances drawn;
                None for all known words, and for the largest distance.
            window: The largest distance; that of the layer if not given.

        Returns:
            `(batch, length, length)` of float32: 1 where the word of the last axis is in the
            context of that of the axis before.
        """
        window = self.window if window is None else window
        if seeds is None:
            keep, reach = tokens > 0, window
        else:
            shape = ops.shape(tokens)
            drawn = random.uniform(shape, dtype="float32", seed=seeds)
            keep = drawn < ops.take(self.keep, tokens, axis=0)
            reach = random.randint(shape, 1, window + 1, seed=seeds)[:, :, None]
        place = ops.cumsum(ops.cast(keep, "int32"), axis=1)
        between = ops.abs(place[:, :, None] - place[:, None, :])
        near = ops.logical_and(between > 0, between <= reach)
        both = ops.logical_and(keep[:, :, None], keep[:, None, :])
        return ops.cast(ops.logical_and(near, both), "float32")

    def noise(self, shape, seeds):
        """Words drawn in proportion to their counts to the power of 3/4.

        Args:
            shape: Of what is drawn.
            seeds: A `keras.random.SeedGenerator`, or a number.

        Returns:
            Tokens, of that shape.
        """
        drawn = random.randint(shape, 0, LARGEST, seed=seeds)
        found = ops.searchsorted(self._bounds, ops.reshape(drawn, (-1,)), side="right")
        return ops.reshape(ops.cast(found, "int32"), shape)

    def scores(self, tokens, contexts, noise):
        """Scores of true pairs, and of the same words with noise.

        Args:
            tokens: `(batch, length)`.
            contexts: As `contexts` gives them.
            noise: Words drawn for each row, `(batch, drawn)`.

        Returns:
            The scores of pairs, `(batch, length, length)`, or `(batch, length, 1)` of CBOW; 1 where
            there is such a pair and 0 elsewhere, of the same shape; the scores with noise,
            `(batch, length, drawn)`. All are in single precision at the least.
        """
        given = ops.take(self.embeddings, tokens, axis=0)
        true = ops.take(self.context_embeddings, tokens, axis=0)
        drawn = ops.take(self.context_embeddings, noise, axis=0)
        precise = keras.backend.result_type(given.dtype, "float32")
        contexts = ops.cast(contexts, precise)
        if self.cbow:
            count = ops.sum(contexts, axis=-1, keepdims=True)
            mean = contexts / ops.maximum(count, 1.0)
            given = ops.matmul(ops.cast(mean, given.dtype), given)
            scores = ops.sum(given * true, axis=-1, keepdims=True)
            contexts = ops.cast(count > 0, precise)
        else:
            scores = ops.matmul(given, ops.transpose(true, (0, 2, 1)))
        with_noise = ops.matmul(given, ops.transpose(drawn, (0, 2, 1)))
        return ops.cast(scores, precise), contexts, ops.cast(with_noise, precise)

    def losses_of(self, tokens, contexts, noise):
        """The loss of each word, summed over its pairs.

        Args:
            tokens: `(batch, length)`.
            contexts: As `contexts` gives them.
            noise: Words drawn for each row, `(batch, drawn)`.

        Returns:
            Losses in nats, and how many pairs there are, `(batch, length)` each.
        """
        scores, pairs, with_noise = self.scores(tokens, contexts, noise)
        count = ops.sum(pairs, axis=-1)
        true = ops.sum(pairs * ops.softplus(-scores), axis=-1)
        drawn = ops.mean(ops.softplus(with_noise), axis=-1)
        return true + self.negatives * count * drawn, count

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.units)

    def compute_output_spec(self, inputs, training=False):
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), dtype=self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "units": self.units,
            "counts": self.counts,
            "window": self.window,
            "negatives": self.negatives,
            "shared_negatives": self.shared_negatives,
            "subsample": self.subsample,
            "cbow": self.cbow,
        }


def _kept(shares: np.ndarray, subsample: float) -> np.ndarray:
    """The probabilities that words of these shares stay, after a 0 for the unknown one."""
    keep = np.ones_like(shares)
    if subsample:
        with np.errstate(divide="ignore"):
            ratio = subsample / shares
        keep = np.minimum(np.sqrt(ratio) + ratio, 1)
    return np.concatenate([[0], keep]).astype("float32")


def _bounds(weights: np.ndarray) -> np.ndarray:
    """Where the numbers of each word end among those below `LARGEST`; of the unknown one, at 0."""
    ends = np.cumsum(weights) / weights.sum()
    return np.concatenate([[0], np.round(ends * LARGEST)]).astype("int32")
