"""Text, cut into sequences of characters."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from ..errors import UserError
from .examples import Examples
from .features import Text
from .features.text import UNKNOWN
from .origin import BYTES_OF_A_HASH, WHOLE, Origin

# As in char-rnn.
SEQUENCE_LENGTH = 50
# Where the parts of a text begin and end, in tenths.
PARTS = {"train": (0, 8), "validation": (8, 9), "test": (9, 10), "train+validation": (0, 9)}


def python_docs() -> str:
    """The prose of the help on Python's own topics, which every Python has."""
    from pydoc_data.topics import topics

    return "\n\n".join(topics[name].strip() for name in sorted(topics)) + "\n"


def read_text(path: Path) -> str:
    """The text of a file, or of all files `*.txt` in a folder, one after another."""
    name = f"text:{path}"
    if path.is_dir():
        files = sorted(file for file in path.rglob("*.txt") if file.is_file())
        if not files:
            raise UserError(f"{name}: there are no files *.txt in the folder")
    elif path.is_file():
        files = [path]
    else:
        raise UserError(f"{name} is no file or folder")
    texts = []
    for file in files:
        try:
            texts.append(file.read_text("utf-8"))
        except UnicodeDecodeError as error:
            raise UserError(f"{file} is no text in UTF-8: {error.reason}") from None
    return "".join(texts)


def sequences(name: str, text: str, split: str, length: int | None = None) -> Examples:
    """The split of a text, as sequences of characters.

    The first eight tenths of the text are to train with, one tenth is to validate and the last one
    to test. The characters of the training text are the vocabulary, with `UNKNOWN` for others.

    Args:
        name: What messages call the text.
        text: The text.
        split: One of `SPLITS`.
        length: Characters of a sequence; 50 if not given.

    Returns:
        Examples of the column `text`: each row holds a sequence and the character that follows it,
        which is the first of the next row.
    """
    length = SEQUENCE_LENGTH if length is None else length
    part, training = (_part(text, which) for which in (split, "train"))
    vocabulary = "".join(sorted({*training, UNKNOWN}))
    if len(vocabulary) < 3:
        what = "is empty" if not text else f"consists of {training[:1]!r} alone"
        raise UserError(f"{name} {what}, but there must be two different characters to learn from")
    count = (len(part) - 1) // length
    if count < 1:
        raise UserError(
            f"{name} has {len(part):,} characters in its {split} split, too few for a sequence of "
            f"{length} and the next one: give more text or a smaller sequence_length "
            "(--sequence-length)"
        )
    feature = Text(vocabulary, length)
    numbers = feature.encode(part)
    rows = np.lib.stride_tricks.sliding_window_view(numbers, length + 1)[::length]
    digest = hashlib.blake2b(text.encode(errors="replace"), digest_size=BYTES_OF_A_HASH)
    origin = Origin(WHOLE, len(text), {"text": digest.hexdigest()})
    return Examples(name, {"text": rows}, {"text": feature}, origin=origin)


def _part(text: str, split: str) -> str:
    start, end = (len(text) * tenths // 10 for tenths in PARTS[split])
    return text[start:end]
