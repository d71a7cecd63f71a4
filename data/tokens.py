"""Texts with a class for each token: how words were written, and what is to be copied."""

from __future__ import annotations

import hashlib
import re
import unicodedata

import numpy as np

from ..errors import UserError
from .examples import Examples
from .features import Text, TokenLabels
from .features.words import MARKS, PADDING, UNKNOWN, WRITTEN, vocabulary_of
from .origin import BYTES_OF_A_HASH, WHOLE, Origin
from .splits import take
from .texts import part_of

# Words of a sequence, and how many are known.
SEQUENCE_LENGTH, VOCABULARY_SIZE = 50, 20_000
# What `words` leaves out of a word, and does not end one.
QUOTES = "['\N{RIGHT SINGLE QUOTATION MARK}]"
# Of the copying problem: symbols, how many of them a sequence has, steps, and sequences in all.
SYMBOLS, TO_COPY, STEPS, COUNT = 8, 10, 120, 62_500


def written(
    name: str, text: str, split: str, length: int | None = None, size: int | None = None
) -> Examples:
    """The split of a text as words in lower case without marks, and how each was written.

    Args:
        name: What messages call the text.
        text: The text.
        split: One of `SPLITS`.
        length: Words of a sequence; 50 if not given.
        size: How many words are known at the most, 20,000 if not given; those of the training text.

    Returns:
        Examples with the columns `text`, numbers of words, and `token_labels`, whose classes are
        `WRITTEN`: words in small letters, with a first capital letter, in capital letters; each
        with the mark that follows it.
    """
    length = length or SEQUENCE_LENGTH
    vocabulary = vocabulary_of([part_of(text, "train")], size or VOCABULARY_SIZE)
    number = {word: n for n, word in enumerate(vocabulary)}
    unknown = number[UNKNOWN]
    tokens, labels = [], []
    part = part_of(text, split)
    for word, behind in _word(part).findall(part):
        plain = re.sub(QUOTES, "", word)
        tokens.append(number.get(plain.lower(), unknown))
        labels.append(len(MARKS) * _case(plain) + _mark(behind))
    count = len(tokens) // length
    if len(vocabulary) < 4 or count < 1:
        raise UserError(
            f"{name} has {len(tokens):,} words in its {split} split, of {len(vocabulary) - 2:,} "
            f"different ones, too few for a sequence of {length} of two or more: give more text or "
            "a smaller sequence_length (--sequence-length)"
        )
    columns = {"text": tokens, "token_labels": labels}
    columns = {
        key: np.array(column[: count * length], np.int32).reshape(count, length)
        for key, column in columns.items()
    }
    features = {"text": Text(vocabulary), "token_labels": TokenLabels(len(WRITTEN), WRITTEN)}
    digest = hashlib.blake2b(text.encode(errors="replace"), digest_size=BYTES_OF_A_HASH)
    origin = Origin(WHOLE, len(text), {"text": digest.hexdigest()})
    return Examples(name, columns, features, origin=origin)


def _word(text: str) -> re.Pattern[str]:
    """A word, as `words` cuts it, and what comes before the next one.

    Python's patterns know letters and numbers, but no marks that belong to a letter.
    """
    marks = "".join(c for c in set(text) if unicodedata.category(c).startswith("M"))
    letter = rf"(?:[^\W_]|[{re.escape(marks)}])" if marks else r"[^\W_]"
    return re.compile(rf"({letter}+(?:{QUOTES}*{letter}+)*)((?:(?!{letter})[\W_])*)")


def _case(word: str) -> int:
    if word.isupper() and len(word) > 1:
        return 2
    return 1 if word[:1].isupper() and word[1:] == word[1:].lower() else 0


def _mark(behind: str) -> int:
    """The mark that is at once behind a word, if it is one of those that count."""
    return MARKS.index(behind[:1]) if behind[:1] in MARKS else 0


def copying(split: str, steps: int | None) -> Examples:
    """The copying problem: ten symbols, to be said again after a wait.

    A sequence has ten of eight symbols, 2 to 9, blanks, 1, a sign, 10, that it is time to copy, and
    more blanks. Labels are 0 for blanks, and 1 to 8 for the symbols in the last ten steps. Who says
    blanks, and then symbols at random, has a cross-entropy of `10 log 8 / steps`.

    Args:
        split: One of `SPLITS`.
        steps: Steps of a sequence; 120 if not given.

    Reference:
        Hochreiter & Schmidhuber 1997: https://doi.org/10.1162/neco.1997.9.8.1735, as in
        Arjovsky, Shah & Bengio 2016: https://arxiv.org/abs/1511.06464
    """
    steps = steps or STEPS
    if steps <= 2 * TO_COPY:
        raise UserError(
            f"copying needs a sequence_length of {2 * TO_COPY + 1} or more, got {steps}"
        )
    symbols = np.random.default_rng(0).integers(1, SYMBOLS + 1, (COUNT, TO_COPY), np.int32)
    tokens = np.ones((COUNT, steps), np.int32)
    tokens[:, :TO_COPY] = symbols + 1
    tokens[:, -TO_COPY - 1] = SYMBOLS + 2
    labels = np.zeros((COUNT, steps), np.int32)
    labels[:, -TO_COPY:] = symbols
    names = ("blank", *map(str, range(1, SYMBOLS + 1)))
    known = (PADDING, "blank", *names[1:], "copy", UNKNOWN)
    features = {"text": Text(known, steps), "token_labels": TokenLabels(len(names), names)}
    whole = Examples("copying", {"text": tokens, "token_labels": labels}, features)
    return take(whole, split)
