"""How data differ from those of before, in words."""

from __future__ import annotations

from .fingerprint import Fingerprint
from .manifest import differences, few, hash_of
from .origin import WHOLE


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
    if old.image_shape != new.image_shape:
        now, before = ("×".join(map(str, each.image_shape)) for each in (new, old))
        words.append(f"images of {now} instead of {before}")
    if old.value_range != new.value_range:
        now, before = (f"{r[0]} to {r[1]}" for r in (new.value_range, old.value_range))
        words.append(f"pixels from {now} instead of {before}")
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
    alike = (old.image_shape, old.value_range) == (new.image_shape, new.value_range)
    for name in sorted(both, key=lambda name: (name != WHOLE, name)):
        where = "" if name == WHOLE else f" in {name}"
        before, now = old.origins[name], new.origins[name]
        if before.count != now.count:
            words.append(f"{now.count} images instead of {before.count}{where}")
        elif before.pixels != now.pixels and alike:
            words.append(f"other pixels{where}")
        elif bool(before.labels) != bool(now.labels):
            words.append(f"{'labels' if now.labels else 'no labels'}{where}, unlike before")
        elif before.labels != now.labels and old.class_names == new.class_names:
            words.append(f"other labels{where}")
        if words and name == WHOLE:
            break  # which says it for the parts, too
    return _changed_classes(old.class_names, new.class_names) + words


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
    if not names:
        return "none"
    return ", ".join(names) if len(names) <= 10 else f"{len(names)} ({few(names)})"
