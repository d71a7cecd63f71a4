"""How data differ from those of before, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .fingerprint import Fingerprint
from .manifest import differences, few, hash_of
from .origin import WHOLE, Origin

# What messages call a fact of a feature before its value, and what a column holds.
SAID = {
    "image_shape": "images of",
    "sequence_length": "sequences of",
    "value_range": "pixels from",
    "vocabulary": "a vocabulary of",
}
VALUES = {
    "image": "pixels",
    "label": "labels",
    "mask": "masks",
    "source": "lines",
    "text": "texts",
    "translation": "translations",
}
# What is counted, by the first column.
NOUNS = {"image": "images", "series": "steps", "source": "pairs", "text": "texts"}


def changes(old: Fingerprint, new: Fingerprint) -> str | None:
    """In words, how the data of `new` differ from those of `old`; None if nothing shows.

    Only what both know is compared: of stored splits those that both read.

    Args:
        old: The fingerprint as it was, such as `Fingerprint.from_json` gives it.
        new: The fingerprint as it is.
    """
    if (old.folder is None) != (new.folder is None):
        before, now = (
            "a folder of pictures" if each.folder else "images in memory" for each in (old, new)
        )
        return f"they are {now} instead of {before}"
    words = []
    for fact in {**old.facts, **new.facts}:
        before, now = (each.facts.get(fact) for each in (old, new))
        if before != now and fact != "class_names":  # of which more is said
            said = SAID.get(fact, fact)
            words.append(f"{said} {_text(fact, now)} instead of {_text(fact, before)}")
    if old.split_rule != new.split_rule:
        words.append(f"splits cut by {new.split_rule} instead of by {old.split_rule}")
    words += _changes_of_folder(old, new) if old.folder else _changes_of_origins(old, new)
    return ", ".join(words) or None


def _changes_of_folder(old: Fingerprint, new: Fingerprint) -> list[str]:
    if old.folder.contents == new.folder.contents:
        return []
    # A manifest that is not that of its summary belongs to other data.
    if all(each.files and hash_of(each.files) == each.folder.contents for each in (old, new)):
        return differences(old.files, new.files)
    words = _changed_classes(old.class_names, new.class_names)
    if old.folder.files != new.folder.files:
        words.append(f"{new.folder.files} pictures instead of {old.folder.files}")
    return words or ["the pictures have other contents"]


def _changes_of_origins(old: Fingerprint, new: Fingerprint) -> list[str]:
    words = []
    both = old.origins.keys() & new.origins.keys()
    for name in sorted(both, key=lambda name: (name != WHOLE, name)):
        where = "" if name == WHOLE else f" in {name}"
        before, now = old.origins[name], new.origins[name]
        if before.count != now.count:
            nouns = _noun(NOUNS, new, next(iter(now.columns), ""), "examples")
            words.append(f"{now.count} {nouns} instead of {before.count}{where}")
        else:
            words += _changed_columns(old, new, before, now, where)[:1]
        if words and name == WHOLE:
            break  # which says it for the parts, too
    return _changed_classes(old.class_names, new.class_names) + words


def _changed_columns(
    old: Fingerprint, new: Fingerprint, before: Origin, now: Origin, where: str
) -> list[str]:
    """What is in the columns of a part instead of what was there, and not said otherwise."""
    words = []
    facts = [{**each.facts, "class_names": None} for each in (old, new)]
    for column in {**before.columns, **now.columns}:
        values = _noun(VALUES, new, column, f"values of {column}")
        if (column in before.columns) != (column in now.columns):
            there = values if column in now.columns else f"no {values}"
            words.append(f"{there}{where}, unlike before")
        elif before.columns[column] != now.columns[column] and (
            old.class_names == new.class_names if column == "label" else facts[0] == facts[1]
        ):
            words.append(f"other {values}{where}")
    return words


def _noun(nouns: Mapping[str, str], data: Fingerprint, column: str, other: str) -> str:
    """What messages call what is in a column; texts without labels are one of characters."""
    labelled = any("label" in origin.columns for origin in data.origins.values())
    if column == "text" and not labelled:
        return "characters"
    return nouns.get(column, other)


def _text(fact: str, value: Any) -> str:
    if fact == "image_shape" and value:
        return "×".join(map(str, value))
    if fact == "value_range" and value:
        return f"{value[0]} to {value[1]}"
    if isinstance(value, str):
        return f"{len(value)} characters"
    return str(value)


def _changed_classes(old: tuple[str, ...], new: tuple[str, ...]) -> list[str]:
    if old == new:
        return []
    pairs = [(before, now) for before, now in zip(old, new, strict=False) if before != now]
    if len(old) == len(new) and not set(old) & {now for _, now in pairs}:
        return [f"class {before} is renamed {now}" for before, now in pairs]
    return [f"the classes are {_listed(new)} instead of {_listed(old)}"]


def _listed(names: tuple[str, ...]) -> str:
    if not names:
        return "none"
    return ", ".join(names) if len(names) <= 10 else f"{len(names)} ({few(names)})"
