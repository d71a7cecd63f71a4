"""`amalthea list`."""

from typing import Annotated

import typer
from rich.table import Table

from ...errors import UserError
from .. import catalogue
from .terminal import console


def list_(
    pattern: Annotated[str, typer.Argument(help="Shell-style pattern of names.")] = "*",
) -> None:
    """List the recipes, their named sizes indented below them."""
    table = Table(box=None, pad_edge=False)
    for column in ("recipe", "family", "summary", "data"):
        table.add_column(column, no_wrap=column == "recipe")
    found = [catalogue.describe(name) for name in catalogue.list_recipes(pattern, variants=True)]
    if not found:
        raise UserError(f"no recipe is called like {pattern!r}: see 'amalthea list'")
    sizes = {entry["name"] for entry in found}
    for name in sorted({entry["variant_of"] or entry["name"] for entry in found}):
        entry = catalogue.describe(name)
        table.add_row(name, entry["family"], entry["summary"], entry["data"])
        for size in entry["variants"]:
            if size["name"] in sizes:
                table.add_row(f"  {size['name']}", "", f"{size['parameters']:,} parameters", "")
    console.print(table)
