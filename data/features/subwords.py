"""Sub-words: pieces of words, learnt from a text, the same ones in data and inside of a model."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...errors import UserError

if TYPE_CHECKING:
    import tensorflow as tf

# How often a piece must be in a text to be learnt, and how many characters it has at the most.
LEAST, LONGEST = 2, 20
# What the number of a node is multiplied by beside a character, of which there are fewer.
CHARACTERS = 2**21


def learnt(found: Iterable[str], size: int, unknown: str) -> tuple[str, ...]:
    """The pieces that words consist of: at first all their characters, then longer and longer ones.

    Those are joined, time and again, that are most often side by side (byte-pair encoding).

    Args:
        found: The words, as often as they occur.
        size: How many pieces there are at the most.
        unknown: The first of them, which is in no word.

    Raises:
        UserError: If there are more characters than that, or the library is not there.

    Reference:
        Sennrich, Haddow & Birch 2016: https://arxiv.org/abs/1508.07909
    """
    try:
        from tokenizers import Tokenizer, models, trainers
    except ImportError as error:
        raise UserError(
            f"sub-words are learnt by the package tokenizers, of the extra 'subwords' ({error}): "
            "pip install 'amalthea[subwords]'"
        ) from None
    found = list(found)
    count = len(set().union(*found))
    if count >= size:
        raise UserError(
            f"of a text of {count:,} different characters the vocabulary_size must be at least "
            f"{count + 1:,} (--vocabulary-size), for all of them are sub-words, got {size:,}"
        )
    tokenizer = Tokenizer(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=LEAST,
        max_token_length=LONGEST,
        special_tokens=[unknown],
        show_progress=False,
    )
    tokenizer.train_from_iterator(found, trainer)
    numbers = tokenizer.get_vocab()
    return tuple(sorted(numbers, key=numbers.get))


@functools.lru_cache(4)
def _trie(vocabulary: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """What pieces begin with, as a tree of characters, whose root is node 0.

    Returns:
        In rising order, for each node but the root, `CHARACTERS` times the node above it and the
        character that leads to it, the first of which is node 1; and the number of the piece that
        each node, the root included, is the end of, −1 if of none.
    """
    numbers = {piece: number for number, piece in enumerate(vocabulary)}
    begun = {piece[:length] for piece in vocabulary for length in range(1, len(piece) + 1)}
    begun = ["", *sorted(begun, key=lambda beginning: (len(beginning), beginning))]
    node = {beginning: place for place, beginning in enumerate(begun)}
    edges = [CHARACTERS * node[each[:-1]] + ord(each[-1]) for each in begun[1:]]
    ends = [numbers.get(each, -1) for each in begun]
    return np.array(edges, np.int64), np.array(ends, np.int32)


def numbers_of(found: tf.RaggedTensor, vocabulary: Sequence[str], unknown: int) -> tf.RaggedTensor:
    """The numbers of the pieces of words, `(texts, pieces)` of int32.

    A word begins with the longest piece that it can begin with, and so does the rest of it, as in
    WordPiece; a character that is no piece is an unknown one.

    Args:
        found: The words, `(texts, words)`.
        vocabulary: The pieces that have numbers, in their order.
        unknown: The number of unknown characters.

    Reference:
        Wu et al. 2016: https://arxiv.org/abs/1609.08144
    """
    import tensorflow as tf

    edges, ends = map(tf.constant, _trie(tuple(vocabulary)))
    different, which = tf.unique(found.flat_values)
    codes = tf.strings.unicode_decode(different, "UTF-8")
    characters = tf.cast(codes.flat_values, tf.int64)
    places = tf.range(tf.size(characters, tf.int64))
    limits = tf.gather(codes.row_limits(), codes.value_rowids())  # the end of each one's word

    # The longest piece from each character on, all at once.
    def go_on(length, node, longest, number):
        at = places + length
        character = tf.gather(characters, tf.minimum(at, limits - 1))
        edge = node * CHARACTERS + character
        place = tf.minimum(tf.searchsorted(edges, edge, out_type=tf.int64), edges.shape[0] - 1)
        leads = (node >= 0) & (at < limits) & (tf.gather(edges, place) == edge)
        node = tf.where(leads, place + 1, -1)
        end = tf.gather(ends, tf.maximum(node, 0))
        is_piece = leads & (end >= 0)
        longest = tf.where(is_piece, length + 1, longest)
        return length + 1, node, longest, tf.where(is_piece, end, number)

    zeros = tf.zeros_like(places)
    first = tf.constant(0, tf.int64), zeros, zeros + 1, tf.fill(tf.shape(places), unknown)
    *_, longest, number = tf.while_loop(
        lambda length, node, *_: tf.reduce_any(node >= 0), go_on, first
    )

    # Which of them are pieces of the words: those that one comes to from a word's beginning, in
    # 1 step, 2, 4, …; one past the end of a word is the beginning of the next.
    def double(reached, step, _):
        further = tf.tensor_scatter_nd_max(reached, step[:, None], reached)
        return further, tf.gather(step, step), tf.reduce_any(further > reached)

    end = tf.size(characters, tf.int64)[None]
    step = tf.concat([places + longest, end], 0)
    reached = tf.tensor_scatter_nd_max(
        tf.zeros_like(step), codes.row_starts()[:, None], tf.ones_like(codes.row_starts())
    )
    reached, *_ = tf.while_loop(lambda *carried: carried[-1], double, (reached, step, True))
    begins = codes.with_flat_values(reached[:-1] > 0)
    pieces = tf.ragged.boolean_mask(codes.with_flat_values(number), begins)
    return found.with_values(tf.gather(pieces, which)).merge_dims(1, 2)
