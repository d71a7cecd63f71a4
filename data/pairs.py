"""Pairs of lines, each a line and its translation."""

from __future__ import annotations

import datetime
import gettext
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..errors import UserError
from .columns import examples_of
from .examples import Examples
from .splits import take

# Pairs that are made up, before those are left out that are twice there.
COUNT = 12_000
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# With four digits of the year and a name of the month a date means one day alone.
FORMS = (
    "{day} {month} {year}",
    "{day} {short} {year}",
    "{month} {day}, {year}",
    "{short} {day}, {year}",
    "{day}{th} {month} {year}",
    "{month} {day}{th}, {year}",
    "the {day}{th} of {month} {year}",
    "{weekday}, {day} {month} {year}",
    "{weekday}, {month} {day}{th}, {year}",
    "{year} {short} {day}",
)
FIRST_DAY, LAST_DAY = datetime.date(1900, 1, 1), datetime.date(2099, 12, 31)

BELOW_TWENTY = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS = (
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
)  # fmt: skip

# Where Debian's package `iso-codes` puts its names and their translations, and what it has names
# of: countries, their parts, what they were, languages and their families, money, writing.
ISO_CODES, LOCALE = Path("/usr/share/iso-codes/json"), Path("/usr/share/locale")
DOMAINS = ("3166-1", "3166-2", "3166-3", "639-2", "639-3", "639-5", "4217", "15924")
NAMES = ("name", "common_name", "official_name", "inverted_name")


def pairs(name: str, found: Iterable[tuple[str, str]], split: str) -> Examples:
    """The split of pairs of lines; what is twice there is taken once.

    Args:
        name: What messages call them.
        found: The pairs.
        split: One of `SPLITS`.

    Returns:
        Examples with the columns `source` and `translation`.
    """
    sources, translations = zip(*dict.fromkeys(found), strict=True)
    columns = {"source": list(sources), "translation": list(translations)}
    return take(examples_of(name, columns), split)


def read_file(path: Path, split: str) -> Examples:
    """The split of a file of pairs, one a line, with a tab between a line and its translation.

    Empty lines are left out.
    """
    name = f"pairs:{path}"
    if not path.is_file():
        raise UserError(f"{name} is no file")
    found = []
    for number, row in enumerate(path.read_bytes().split(b"\n"), start=1):
        try:
            line = row.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r")
        except UnicodeDecodeError as error:
            raise UserError(f"{name}: line {number} is no UTF-8: {error.reason}") from None
        if not line.strip():
            continue
        cells = line.split("\t")
        if len(cells) != 2:
            what = "no tab" if len(cells) == 1 else f"{len(cells) - 1} tabs"
            raise UserError(
                f"{name}: line {number} has {what}, but must have one, between a line and its "
                "translation"
            )
        found.append((cells[0], cells[1]))
    if not found:
        raise UserError(f"{name} has no pairs of lines")
    return pairs(name, found, split)


def dates(split: str) -> Examples:
    """Dates of the 20th and 21st century as people write them, and as ISO 8601 does."""
    random = np.random.default_rng(0)
    days = random.integers(0, (LAST_DAY - FIRST_DAY).days + 1, COUNT)
    forms = random.integers(0, len(FORMS), COUNT)

    def pair(days: int, form: int) -> tuple[str, str]:
        date = FIRST_DAY + datetime.timedelta(days=days)
        month = MONTHS[date.month - 1]
        line = FORMS[form].format(
            day=date.day,
            th=_ending(date.day),
            month=month,
            short=month[:3],
            year=date.year,
            weekday=WEEKDAYS[date.weekday()],
        )
        return line, date.isoformat()

    return pairs("dates", map(pair, days.tolist(), forms.tolist()), split)


def _ending(day: int) -> str:
    """What follows on the number of a day."""
    return "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def numbers(split: str) -> Examples:
    """Numbers up to 999,999 and their English words; those of few digits are all there."""
    random = np.random.default_rng(0)
    digits = random.integers(1, 7, COUNT)
    drawn = random.integers(10 ** (digits - 1) * (digits > 1), 10**digits)
    return pairs("numbers", ((str(n), in_words(n)) for n in drawn.tolist()), split)


def in_words(number: int) -> str:
    """A number from 0 to 999,999 in English words."""
    if number < 20:
        return BELOW_TWENTY[number]
    if number < 100:
        tens, rest = divmod(number, 10)
        return TENS[tens] + (f"-{BELOW_TWENTY[rest]}" if rest else "")
    if number < 1000:
        hundreds, rest = divmod(number, 100)
        return f"{BELOW_TWENTY[hundreds]} hundred" + (f" and {in_words(rest)}" if rest else "")
    thousands, rest = divmod(number, 1000)
    between = "" if not rest else " and " if rest < 100 else " "
    return f"{in_words(thousands)} thousand{between}" + (in_words(rest) if rest else "")


class _Untranslated(gettext.NullTranslations):
    """What a name is where it has no translation."""

    def gettext(self, message):
        return ""


def iso_codes(split: str) -> Examples:
    """English and French names of countries, languages and the like, of Debian's `iso-codes`."""
    found = []
    for domain in DOMAINS:
        file = gettext.find(f"iso_{domain}", LOCALE, ["fr"])
        names = ISO_CODES / f"iso_{domain}.json"
        if file is None or not names.is_file():
            continue
        with open(file, "rb") as opened:
            french = gettext.GNUTranslations(opened)
        french.add_fallback(_Untranslated())
        for entry in json.loads(names.read_text("utf-8"))[domain]:
            english = [entry[key] for key in NAMES if key in entry]
            found += [(name, french.gettext(name)) for name in english if french.gettext(name)]
    if not found:
        raise UserError(
            f"iso_codes are read from {ISO_CODES} and {LOCALE}, which have none: install Debian's "
            "package iso-codes"
        )
    return pairs("iso_codes", found, split)
