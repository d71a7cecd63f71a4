"""What the registry says of every recipe, from a cache of the user's: read in an instant.

To ask the registry takes Keras, and seconds. So what it says is kept in a file of the user's cache
folder, by a hash of the code that it follows from. The recipes of other distributions are looked up
in the registry itself. `python -m amalthea.jobs.catalogue` writes the table of recipes in
README.md.
"""

import contextlib
import fnmatch
import functools
import hashlib
import json
import re
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any

import platformdirs

from ..errors import UserError, nearest
from .files import write_json
from .quiet import prepare_keras

PACKAGE = Path(__file__).parents[1]
# What the descriptions follow from.
CODE = ("recipes", "data/features")
# Files of that many versions are kept.
KEPT = 5
# What encloses the table of recipes in README.md.
BEGIN = "<!-- recipes: written by `make catalogue` -->"
END = "<!-- end of recipes -->"


@functools.cache
def _own() -> dict[str, dict[str, Any]]:
    """The descriptions of this package's recipes by name."""
    file = cache_file()
    try:
        entries = json.loads(file.read_text())
    except (OSError, ValueError):
        entries = registered()
        with contextlib.suppress(OSError):  # a cache that cannot be written is done without
            _keep(file, entries)
    return {entry["name"]: entry for entry in entries}


def cache_file() -> Path:
    """Where the descriptions are kept that follow from the code as it is."""
    hasher = hashlib.blake2b(version("keras").encode(), digest_size=12)
    for folder in CODE:
        for path in sorted((PACKAGE / folder).rglob("*.py")):
            hasher.update(f"{path.relative_to(PACKAGE)} {path.stat().st_size} ".encode())
            hasher.update(path.read_bytes())
    folder = platformdirs.user_cache_path("amalthea", appauthor=False)
    return folder / f"catalogue-{hasher.hexdigest()}.json"


def _keep(file: Path, entries: list[dict[str, Any]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, entries)
    files = sorted(file.parent.glob("catalogue-*.json"), key=lambda path: path.stat().st_mtime)
    for path in files[:-KEPT]:
        path.unlink(missing_ok=True)


def _entries() -> dict[str, dict[str, Any]]:
    """All descriptions by name, those of other distributions' recipes included."""
    entries = dict(_own())
    if entry_points(group="amalthea.recipes"):
        prepare_keras()
        from .. import recipes

        names = recipes.list_recipes(variants=True)
        entries |= {n: recipes.get_recipe(n).describe() for n in names if n not in entries}
    return entries


def list_recipes(pattern: str = "*", *, variants: bool = False) -> list[str]:
    """Names of all recipes, as `amalthea.recipes.list_recipes` gives them.

    Args:
        pattern: A shell-style pattern such as `"*autoencoder*"`.
        variants: Whether their named sizes are listed, too.

    Returns:
        The names that match, sorted.
    """
    listed = [name for name, entry in _entries().items() if variants or not entry["variant_of"]]
    return sorted(fnmatch.filter(listed, pattern))


def describe(name: str) -> dict[str, Any]:
    """All that the registry knows of one recipe.

    Args:
        name: The recipe.

    Returns:
        Paper, summary, arguments with default, range and rank, endpoints, published configurations,
        default data and objective, in the types of JSON.

    Raises:
        UserError: If there is no such recipe, with the nearest names.
    """
    entries = _own() if name in _own() else _entries()
    if name not in entries:
        raise UserError(f"there is no recipe {name!r}{nearest(name, entries)}")
    return entries[name]


def registered() -> list[dict[str, Any]]:
    """The descriptions of this package's own recipes as the registry gives them now."""
    prepare_keras()
    from .. import recipes

    entries = [recipes.get_recipe(name) for name in recipes.list_recipes(variants=True)]
    package = __package__.split(".")[0]
    return [e.describe() for e in entries if e.build.__module__.split(".")[0] == package]


def table(entries: list[dict[str, Any]]) -> str:
    """The recipes as a table in Markdown."""
    lines = ["| recipe | what it is | published sizes | paper |", "|---|---|---|---|"]
    for entry in entries:
        if entry["variant_of"]:
            continue
        sizes = [(p["configuration"], p["parameters"]) for p in entry["published"]]
        sizes += [(f"`{v['name']}`", v["parameters"]) for v in entry["variants"]]
        sizes = "; ".join(f"{name}: {parameters:,} parameters" for name, parameters in sizes)
        paper = re.sub(r"(.*): (https?://\S+)$", r"[\1](\2)", entry["paper"])
        lines.append(f"| `{entry['name']}` | {entry['summary']} | {sizes} | {paper} |")
    return "\n".join(lines)


if __name__ == "__main__":
    readme = PACKAGE / "README.md"
    before, _, rest = readme.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    readme.write_text(f"{before}{BEGIN}\n{table(registered())}\n{END}{after}")
