"""Text, cut into sequences of characters or of tokens, and labelled texts."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import UserError
from .columns import examples_of
from .examples import Examples
from .features import Text
from .features.text import raw, rows_of
from .features.words import BYTES, PLAIN, RULES, SUBWORDS, UNKNOWN, vocabulary_of
from .origin import BYTES_OF_A_HASH, WHOLE, Origin
from .splits import take

# Tokens of a sequence by their rule: characters as in char-rnn, and bytes; plain words, whose
# windows end with it; others, as in the small model of Zaremba et al. 2014.
SEQUENCE_LENGTHS, SEQUENCE_LENGTH = {None: 50, BYTES: 50, PLAIN: 100}, 20
# How many tokens are different, as in that model; sub-words, of which few are as good as many.
VOCABULARY_SIZE, SUBWORDS_SIZE = 10_000, 4_000
# Where Debian's package `bible-kjv-text` puts the text that its reader knows.
KJV = ("bible", "-f", "-p", "/usr/lib", "Gen1:1-Rev22:21")
# Where the parts of a text begin and end, in tenths.
PARTS = {"train": (0, 8), "validation": (8, 9), "test": (9, 10), "train+validation": (0, 9)}

# Topics of Python's help that are long, and have few paragraphs in common; words of a paragraph.
TOPICS = (
    "assignment", "compound", "debugger", "execmodel", "formatstrings", "import", "specialnames",
    "string-methods", "types", "typesmapping", "typesseq",
)  # fmt: skip
LEAST_WORDS = 8
# Where Debian's package `fortunes` puts its files, and which of them are labels.
FORTUNES = Path("/usr/share/games/fortunes")
CATEGORIES = 11


def python_docs() -> str:
    """The prose of the help on Python's own topics, which every Python has."""
    from pydoc_data.topics import topics

    return "\n\n".join(topics[name].strip() for name in sorted(topics)) + "\n"


def kjv() -> str:
    """The King James Version of the Bible, a verse a line, of Debian's package `bible-kjv`."""
    if shutil.which(KJV[0]) is None:
        raise UserError(
            "kjv is read by Debian's package bible-kjv, which is not there: install that package"
        )
    done = subprocess.run(KJV, capture_output=True, text=True, check=False)
    if done.returncode or not done.stdout:
        why = done.stderr.strip().splitlines() or ["it gave no text"]
        raise UserError(f"kjv cannot be read by Debian's package bible-kjv: {why[0]}")
    return done.stdout


def read_text(path: Path, rule: str | None = None) -> str:
    """The text of a file, or of all files `*.txt` in a folder, one after another.

    To be cut into bytes it need not be in UTF-8: `features.text.raw` gives all bytes as they were.
    """
    name = f"text:{path}"
    if path.is_dir():
        files = sorted(file for file in path.rglob("*.txt") if file.is_file())
        if not files:
            raise UserError(f"{name}: there are no files *.txt in the folder")
    elif path.is_file():
        files = [path]
    else:
        raise UserError(f"{name} is no file or folder")
    if rule == BYTES:
        return b"".join(file.read_bytes() for file in files).decode(errors="surrogateescape")
    return "".join(map(utf8, files))


def sequences(
    name: str,
    text: str,
    split: str,
    length: int | None = None,
    rule: str | None = None,
    vocabulary_size: int | None = None,
) -> Examples:
    """The split of a text, as sequences of characters or of tokens.

    The first eight tenths of the text are to train with, one tenth is to validate and the last one
    to test. The characters of the training text are the vocabulary, or its most frequent tokens,
    or sub-words that are learnt from it, with `UNKNOWN` for others; or all bytes.

    Args:
        name: What messages call the text.
        text: The text.
        split: One of `SPLITS`.
        length: Characters or bytes of a sequence, 50 if not given; plain words, 100; or other
            tokens, 20.
        rule: By which one of `RULES` the text is cut into tokens; None for characters.
        vocabulary_size: How many different tokens there are at the most, 10,000 if not given; of
            sub-words 4,000.

    Returns:
        Examples of the column `text`: each row holds a sequence and the character or token that
        follows it, which is the first of the next row.
    """
    unit = RULES.get(rule, "characters")
    length = length or SEQUENCE_LENGTHS.get(rule, SEQUENCE_LENGTH)
    part, training = (part_of(text, which) for which in (split, "train"))
    known = sorted({*training} - {UNKNOWN})
    vocabulary = "".join(sorted({*known, UNKNOWN}))
    if rule and len(known) > 1:
        size = vocabulary_size or (SUBWORDS_SIZE if rule == SUBWORDS else VOCABULARY_SIZE)
        vocabulary = vocabulary_of([training], size, rule)
        known = known if rule == BYTES else vocabulary[1:]  # two characters may be one word
    if len(known) < 2:
        what = f"consists of {''.join(known)!r} alone" if text else "is empty"
        raise UserError(f"{name} {what}, but there must be two different {unit} to learn from")
    feature = Text(vocabulary, length, rule)
    if rule == PLAIN:
        counts = np.bincount(feature.encode(training), minlength=len(vocabulary))
        feature = replace(feature, counts=tuple(counts.tolist()))
    numbers = feature.encode(part)
    count = (len(numbers) - 1) // length
    if count < 1:
        raise UserError(
            f"{name} has {len(numbers):,} {unit} in its {split} split, too few for a sequence of "
            f"{length} and the next one: give more text or a smaller sequence_length "
            "(--sequence-length)"
        )
    rows = rows_of(numbers, length)
    digest = hashlib.blake2b(raw(text), digest_size=BYTES_OF_A_HASH)
    origin = Origin(WHOLE, len(text), {"text": digest.hexdigest()})
    return Examples(name, {"text": rows}, {"text": feature}, origin=origin)


def part_of(text: str, split: str) -> str:
    """The part of a text that is a split of it."""
    start, end = (len(text) * tenths // 10 for tenths in PARTS[split])
    return text[start:end]


def labelled(name: str, texts: Mapping[str, Sequence[str]], split: str) -> Examples:
    """The split of texts, each of which has a class.

    Args:
        name: What messages call them.
        texts: The texts of each class, by its name.
        split: One of `SPLITS`.

    Returns:
        Examples with the columns `text` and `label`.
    """
    names = tuple(texts)
    labels = np.repeat(np.arange(len(names)), [len(texts[each]) for each in names])
    columns = {"text": [text for each in names for text in texts[each]], "label": labels}
    return take(examples_of(name, columns, names), split)


def python_topics(split: str) -> Examples:
    """Paragraphs of the help on Python's own topics, with the topic that each is from."""
    from pydoc_data.topics import topics

    known: set[str] = set()
    paragraphs: dict[str, list[str]] = {}
    for topic in filter(topics.__contains__, TOPICS):
        found = dict.fromkeys(part.strip() for part in topics[topic].split("\n\n"))
        new = [p for p in found if p not in known and len(p.split()) >= LEAST_WORDS]
        known.update(new)
        paragraphs[topic] = new
    return labelled("python_topics", paragraphs, split)


def fortunes(split: str) -> Examples:
    """Sayings of Debian's package `fortunes`, with the category that each is from.

    The largest categories are taken.
    """
    files = [file for file in sorted(FORTUNES.glob("*")) if file.is_file() and not file.suffix]
    if not files:
        raise UserError(
            f"fortunes are read from {FORTUNES}, which has none: install Debian's package fortunes"
        )
    largest = sorted(files, key=lambda file: (-file.stat().st_size, file.name))[:CATEGORIES]
    sayings = {
        file.name: [s.strip() for s in utf8(file).split("\n%\n") if s.strip()]
        for file in sorted(largest)
    }
    return labelled("fortunes", sayings, split)


def read_folder(path: Path, split: str) -> Examples:
    """The split of the texts in a folder that has a folder of files `*.txt` for each class."""
    name = f"texts:{path}"
    if not path.is_dir():
        raise UserError(f"{name} is no folder")
    texts = {
        folder.name: [utf8(file) for file in sorted(folder.rglob("*.txt")) if file.is_file()]
        for folder in sorted(path.iterdir())
        if folder.is_dir()
    }
    texts = {label: found for label, found in texts.items() if found}
    if len(texts) < 2:
        raise UserError(
            f"{name} must have two or more folders with files *.txt, one for each class, got "
            f"{', '.join(texts) or 'none'}"
        )
    return labelled(name, texts, split)


def utf8(file: Path) -> str:
    """The text of a file; `UserError` if it is none in UTF-8."""
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{file} is no text in UTF-8: {error.reason}") from None
