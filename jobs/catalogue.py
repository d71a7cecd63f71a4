"""What the registry says of every recipe, from a file: read in an instant, without Keras.

`python -m amalthea.jobs.catalogue` writes `catalogue.json`, and the table of recipes in README.md;
a test compares both with the registry. The recipes of other distributions are looked up in the
registry itself.
"""

import fnmatch
import functools
import json
import re
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from ..errors import UserError, nearest

FILE = Path(__file__).with_name("catalogue.json")
# What encloses the table of recipes in README.md.
BEGIN = "<!-- recipes: written by `make catalogue` -->"
END = "<!-- end of recipes -->"


@functools.cache
def _written() -> dict[str, dict[str, Any]]:
    return {entry["name"]: entry for entry in json.loads(FILE.read_text())}


def _entries() -> dict[str, dict[str, Any]]:
    """All descriptions by name, those of other distributions' recipes included."""
    entries = dict(_written())
    if entry_points(group="amalthea.recipes"):
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
    entries = _written() if name in _written() else _entries()
    if name not in entries:
        raise UserError(f"there is no recipe {name!r}{nearest(name, entries)}")
    return entries[name]


def registered() -> list[dict[str, Any]]:
    """The descriptions of this package's own recipes as the registry gives them now."""
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
    entries = registered()
    FILE.write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n")
    readme = FILE.parents[1] / "README.md"
    before, _, rest = readme.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    readme.write_text(f"{before}{BEGIN}\n{table(entries)}\n{END}{after}")
