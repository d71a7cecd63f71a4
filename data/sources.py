"""The sources of data, a line each: what they are called, how they are read, and what sets that."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from ..errors import UserError
from . import (
    arrays,
    catalogue,
    crowds,
    digits,
    folder,
    mixtures,
    pairs,
    scenes,
    series,
    tables,
    texts,
    tokens,
)
from . import value_range as ranges
from .examples import Examples
from .fingerprint import without_prefixes


class Settings(NamedTuple):
    """How data are read, where that is not as usual: `read` says what these are."""

    image_size: tuple[int, int] | None = None
    value_range: tuple[float, float] | None = None
    sequence_length: int | None = None
    horizon: int | None = None
    vocabulary_size: int | None = None
    in_memory: bool | None = None
    skip_damaged: bool | None = None


class Source(NamedTuple):
    """A source of data.

    Attributes:
        read: From what follows the colon, if anything does, the split and the settings to examples.
        takes: Names of the settings that it has a use for.
        text: From what follows the colon, and the rule by which it is cut, to the text, where it is
            one.
    """

    read: Callable[[Path | None, str, Settings], Examples]
    takes: frozenset[str]
    text: Callable[[Path | None, str | None], str] | None = None


# What alone has a setting, in words.
ALONE = {
    "image_size": "images",
    "value_range": "images",
    "sequence_length": "texts or series",
    "horizon": "series with what follows",
    "vocabulary_size": "texts that are cut into words or sub-words",
    "in_memory": "pictures or arrays in files",
    "skip_damaged": "pictures in files",
}
NOTHING = frozenset[str]()
OF_IMAGES = frozenset({"image_size", "value_range"})
IN_ARRAYS = OF_IMAGES | {"in_memory"}
IN_PICTURES = IN_ARRAYS | {"skip_damaged"}
OF_TEXTS = frozenset({"sequence_length"})
OF_WORDS = OF_TEXTS | {"vocabulary_size"}
OF_SERIES = frozenset({"sequence_length", "horizon"})


def _ranged(name: str, of: tuple[float, float], read) -> Source:
    """A source of images whose values of black and white there is no doubt about."""

    def checked(path, split, settings):
        if settings.value_range not in (None, of):
            raise UserError(f"the value_range of {name} is {of}, got {settings.value_range}")
        return read(split, settings)

    return Source(checked, OF_IMAGES)


def _text(name: str, text: Callable[[Path | None, str | None], str]) -> Source:
    """A source of a text, as characters."""

    def characters(path, split, settings):
        what = name if path is None else f"{name}:{path}"
        return texts.sequences(
            f"{what}, split {split}", text(path, None), split, settings.sequence_length
        )

    return Source(characters, OF_TEXTS, text)


def _forecast(read, path: Path | None, split: str, settings: Settings) -> Examples:
    of = () if path is None else (path,)
    return read(*of, split, settings.sequence_length, settings.horizon)


BY_NAME = {
    "digits": _ranged("digits", ranges.UNIT, lambda split, s: digits.read(split)),
    "scenes": _ranged("scenes", ranges.BYTES, lambda split, s: scenes.read(split, s.image_size)),
    "crowds": _ranged("crowds", ranges.BYTES, lambda split, s: crowds.read(split, s.image_size)),
    **{
        name: Source(lambda _, split, s, name=name: mixtures.read(name, split), NOTHING)
        for name in mixtures.MIXTURES
    },
    "diabetes": Source(lambda _, split, s: tables.diabetes(split), NOTHING),
    "python_docs": _text("python_docs", lambda *_: texts.python_docs()),
    "kjv": _text("kjv", lambda *_: texts.kjv()),
    "python_topics": Source(lambda _, split, s: texts.python_topics(split), OF_WORDS),
    "movie_reviews": Source(lambda _, split, s: tables.movie_reviews(split), OF_WORDS),
    "fortunes": Source(lambda _, split, s: texts.fortunes(split), OF_WORDS),
    "copying": Source(lambda _, split, s: tokens.copying(split, s.sequence_length), OF_TEXTS),
    "dates": Source(lambda _, split, s: pairs.dates(split), NOTHING),
    "numbers": Source(lambda _, split, s: pairs.numbers(split), NOTHING),
    "iso_codes": Source(lambda _, split, s: pairs.iso_codes(split), NOTHING),
    "adding": Source(partial(_forecast, series.adding), OF_SERIES),
    "mackey_glass": Source(partial(_forecast, series.mackey_glass), OF_SERIES),
    "hourly_temperatures": Source(partial(_forecast, series.hourly_temperatures), OF_SERIES),
}
# Those that a path follows, after a colon.
IN_FILES = {
    "images": Source(
        lambda path, split, s: folder.read(
            path, split, s.image_size, s.value_range, s.in_memory, bool(s.skip_damaged)
        ),
        IN_PICTURES,
    ),
    "arrays": Source(
        lambda path, split, s: arrays.read(path, split, s.value_range, s.in_memory),
        IN_ARRAYS | OF_WORDS,
    ),
    "text": _text("text", texts.read_text),
    "texts": Source(lambda path, split, s: texts.read_folder(path, split), OF_WORDS),
    "table": Source(lambda path, split, s: tables.read(path, split), OF_WORDS),
    "pairs": Source(lambda path, split, s: pairs.read_file(path, split), NOTHING),
    "series": Source(partial(_forecast, series.read), OF_SERIES),
}


def takes(name: str, setting: str) -> bool:
    """Whether data of that name, as `read` takes it, have a use for a setting.

    Args:
        name: The name, with anything that stands before it.
        setting: One of `Settings`.
    """
    return setting in source_of(without_prefixes(name))[0].takes


def source_of(name: str) -> tuple[Source, Path | None]:
    """The source that a name stands for, and the path in it; another is of tensorflow-datasets.

    Raises:
        UserError: If nothing follows a colon.
    """
    source, colon, location = name.partition(":")
    if colon and not location:
        raise UserError(f"the data set {name!r} lacks what must follow the colon")
    path = Path(location).expanduser() if colon else None
    if path is None and name in BY_NAME:
        return BY_NAME[name], None
    if path is not None and source in IN_FILES:
        return IN_FILES[source], path
    return Source(
        lambda path, split, s: catalogue.read(source, path, split, s.image_size, s.value_range),
        OF_IMAGES | OF_WORDS,
    ), path
