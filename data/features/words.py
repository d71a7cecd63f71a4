"""Words of texts, the same ones in data and inside of an exported model.

Of texts that have a class, and of those whose words become vectors, only the words count, in lower
case. Of those that are to be written all does: their tokens, one after another, are the text.
A rule says into which tokens a text is cut, and what the numbers of these are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import subwords

if TYPE_CHECKING:
    import tensorflow as tf

# What stands for nothing, behind the end of a text, and for words beyond a vocabulary.
PADDING, UNKNOWN = "", "\N{REPLACEMENT CHARACTER}"
# Words are found by their hashes, of so many different ones: constants, where a table of strings
# would be a resource, which a server has to initialise.
HASHES = 2**62
# Rules by which a text to be written is cut into tokens: into words, marks and ends of lines; at
# spaces alone, of a text that has been cut by others; into pieces of words; into bytes of UTF-8.
WORDS, TOKENS, SUBWORDS, BYTES = "words", "tokens", "subwords", "bytes"
# The rule by which a text is cut into its words alone, in lower case, as `words` does.
PLAIN = "plain"
# What messages call the tokens of each rule.
RULES = {
    WORDS: "words",
    TOKENS: "tokens",
    SUBWORDS: "sub-words",
    BYTES: "bytes",
    PLAIN: "plain words",
}
# Of which rules tokens have the space before them: the first one of a text has none.
SPACED = (WORDS, TOKENS)
# What is one token then; or, of sub-words, is cut into pieces of it.
PATTERNS = {
    WORDS: r"\n| ?(?:[\pL\pM\pN_]+(?:['\x{2019}][\pL\pM\pN]+)*|[^\s\pL\pM\pN_])",
    TOKENS: r"\n| \S+",
    SUBWORDS: r"\n|\x{FFFD}| ?[\p{L}\p{M}\p{N}_]+| ?[^\t\n\f\r \x{FFFD}\p{L}\p{M}\p{N}_]+",
}
# How many bytes there are, which are their own numbers.
NUMBER_OF_BYTES = 256
# What stands for unknown words in texts that have been cut by others.
RARE = "<unk>"
# How words were written: their letters, shown on two of them, and the mark behind.
CASES, MARKS = ("xx", "Xx", "XX"), ("", *",.:;?!")
WRITTEN = tuple(case + mark for case in CASES for mark in MARKS)
# What tokens are marked with.
CUT = "\x1f"


def words(texts) -> tf.RaggedTensor:
    """The words of texts, `(texts, words)`: runs of letters and digits, in lower case.

    Apostrophes do not divide a word, and are left out.

    Args:
        texts: A tensor of strings, or strings.
    """
    import tensorflow as tf

    texts = tf.strings.lower(texts, encoding="utf-8")
    texts = tf.strings.regex_replace(texts, "['\N{RIGHT SINGLE QUOTATION MARK}]", "")
    return tf.strings.split(tf.strings.regex_replace(texts, r"[^\pL\pM\pN]+", " "))


def tokens(texts, rule: str | None = None) -> tf.RaggedTensor:
    """The tokens of texts by a rule, `(texts, tokens)`; one after another they are the text.

    Of words and tokens several spaces are one, there are none beside the end of a line, and none at
    the end. Of sub-words there are the words, or runs of marks or spaces, that they are pieces of;
    U+001F, which cuts tokens here, is unknown.

    Args:
        texts: A tensor of strings, or strings.
        rule: One of those that have a pattern; `PLAIN` or None for the words of texts alone.
    """
    import tensorflow as tf

    if rule in (None, PLAIN):
        return words(texts)

    def replace(pattern: str, by: str):
        return tf.strings.regex_replace(texts, pattern, by)

    if rule == SUBWORDS:
        texts = replace(CUT, UNKNOWN)
        found = tf.strings.split(replace(f"({PATTERNS[rule]})", rf"{CUT}\1{CUT}"), CUT)
        return tf.ragged.boolean_mask(found, found != "")
    texts = replace(r"[^\S\n]+", " ")
    texts = replace(r" ?\n ?", "\n")
    if rule == TOKENS:
        texts = replace(r" ?(\S+)", r" \1")
    return tf.strings.split(replace(f"({PATTERNS[rule]})", rf"\1{CUT}"), CUT)[:, :-1]


def vocabulary_of(
    texts: Sequence[str], size: int, rule: str | None = None
) -> tuple[str, ...] | int:
    """The most frequent words of texts, after `PADDING` and `UNKNOWN`; or the tokens of a rule.

    These come after `UNKNOWN`, and there is no padding among them; of bytes it is their number.

    Args:
        texts: The texts.
        size: How many tokens there are at the most, with these two.
        rule: One of `RULES`, for texts that are to be written, or are read on and on.

    Raises:
        UserError: If sub-words cannot be learnt, or there are more characters than that.
    """
    if rule == BYTES:
        return NUMBER_OF_BYTES
    import tensorflow as tf

    with tf.device("CPU"):
        found = tokens(tf.constant(list(texts), tf.string), rule).flat_values.numpy().tolist()
    if rule == SUBWORDS:
        known = (word.decode() for word in found)
        return subwords.learnt((word for word in known if word != UNKNOWN), size, UNKNOWN)
    counts = Counter(found)
    first = (UNKNOWN,) if rule else (PADDING, UNKNOWN)
    counts.pop(f" {RARE}".encode(), None)
    frequent = sorted(counts, key=lambda word: (-counts[word], word))[: size - len(first)]
    return *first, *(word.decode() for word in frequent)


def are_tokens(values: Any, *first: str) -> bool:
    """Whether values can be a vocabulary: strings, all different, with `UNKNOWN` among them.

    Args:
        values: Anything.
        *first: What they must begin with.
    """
    return (
        isinstance(values, tuple | list)
        and all(isinstance(token, str) for token in values)
        and len(set(values)) == len(values)
        and tuple(values[: len(first)]) == first
        and UNKNOWN in values
    )


def is_known(vocabulary: Any, rule: str | None = None) -> bool:
    """Whether it is known what the numbers of a vocabulary stand for."""
    return rule == BYTES or not isinstance(vocabulary, int)


def first_number(vocabulary: Any, rule: str | None = None) -> int:
    """The number that a text begins after: the end of a line, or else what is number 0."""
    if rule == BYTES:
        return ord("\n")
    return vocabulary.index("\n") if "\n" in vocabulary else 0


def encoded(texts, vocabulary: Sequence[str] | int, rule: str | None = None) -> tf.RaggedTensor:
    """The numbers of the tokens of texts, `(texts, tokens)` of int32.

    Args:
        texts: A tensor of strings, or strings.
        vocabulary: The tokens that have numbers, in their order; of bytes their number.
        rule: One of `RULES`, or None for words of texts that have a class.
    """
    import tensorflow as tf

    if rule == BYTES:
        return tf.strings.unicode_decode(texts, "ISO-8859-1")  # a character for each byte
    found = tokens(texts, rule)
    if rule == SUBWORDS:
        return subwords.numbers_of(found, vocabulary, vocabulary.index(UNKNOWN))
    return numbers_of(found, vocabulary)


def decoded(numbers: tf.RaggedTensor, vocabulary: Sequence[str] | int, rule: str | None):
    """The texts, `(texts,)`, that numbers of tokens, `(texts, tokens)`, stand for.

    Bytes that are no UTF-8 are replaced by `UNKNOWN`, as Python's `errors="replace"` does.

    Args:
        numbers: The numbers.
        vocabulary: The tokens that have numbers, in their order; of bytes their number.
        rule: One of `RULES`.
    """
    import tensorflow as tf

    tokens = [bytes([n]) for n in range(NUMBER_OF_BYTES)] if rule == BYTES else list(vocabulary)
    texts = tf.strings.reduce_join(tf.gather(tokens, numbers), axis=1)
    if rule == BYTES:
        return tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
    return tf.strings.regex_replace(texts, "^ ", "") if rule in SPACED else texts


def numbers_of(found: tf.RaggedTensor, vocabulary: Sequence[str]) -> tf.RaggedTensor:
    """The numbers of words, `(texts, words)` of int32, that of `UNKNOWN` for unknown ones.

    Args:
        found: The words.
        vocabulary: Those that have numbers, in their order.
    """
    import tensorflow as tf

    with tf.init_scope():  # they are constants where a graph is made
        known = tf.strings.to_hash_bucket_fast(list(vocabulary), HASHES).numpy()
    order = np.argsort(known).astype("int32")
    hashes = tf.strings.to_hash_bucket_fast(found.flat_values, HASHES)
    place = tf.minimum(tf.searchsorted(known[order], hashes), len(order) - 1)
    unknown = vocabulary.index(UNKNOWN)
    numbers = tf.where(tf.gather(known[order], place) == hashes, tf.gather(order, place), unknown)
    return found.with_flat_values(numbers)


def numbers_of_prompts(texts, vocabulary: Sequence[str] | int, rule: str) -> tf.Tensor:
    """The numbers of the tokens of texts, `(texts, longest)` of int32, −1 beyond the end.

    Where tokens have the space before them, what a text begins with may be known with that alone:
    it is taken for that then. A space at the end belongs to the word that follows, and is drawn
    with it; but of bytes it is one.

    Args:
        texts: A tensor of strings, or strings.
        vocabulary: The tokens that have numbers, in their order.
        rule: One of `RULES`.
    """
    import tensorflow as tf

    if rule == SUBWORDS:
        texts = tf.strings.regex_replace(texts, " $", "")
    numbers = encoded(texts, vocabulary, rule).to_tensor(-1)
    if rule not in SPACED:
        return numbers
    after_a_space = encoded(tf.strings.join([" ", texts]), vocabulary, rule).to_tensor(-1)
    first = tf.range(tf.shape(numbers)[1]) == 0
    unknown = numbers == vocabulary.index(UNKNOWN)
    return tf.where(first & unknown, after_a_space, numbers)


def padded(numbers: tf.RaggedTensor) -> tf.Tensor:
    """Rows of numbers as a matrix, of one column at the least, filled up by 0."""
    import tensorflow as tf

    matrix = numbers.to_tensor()
    return tf.pad(matrix, [[0, 0], [0, tf.maximum(0, 1 - tf.shape(matrix)[1])]])
