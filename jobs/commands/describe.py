"""`amalthea describe`."""

from typing import Annotated

import typer
from rich.padding import Padding
from rich.table import Table

from .. import catalogue
from .options import complete_recipe
from .terminal import as_text, console


def describe(
    recipe: Annotated[
        str,
        typer.Argument(
            help="Name of the recipe.", show_default=False, autocompletion=complete_recipe
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Describe a recipe: paper, arguments, search space, endpoints, published sizes."""
    entry = catalogue.describe(recipe)
    if as_json:
        console.print_json(data=entry)
        return
    console.print(f"[bold]{entry['name']}[/bold]  {entry['summary']}")
    facts = Table(box=None, pad_edge=False, show_header=False)
    name, direction = entry["objective"]
    facts.add_row("family", entry["family"])
    facts.add_row("task", entry["task"])
    facts.add_row("paper", entry["paper"])
    facts.add_row("data", f"{entry['data']}, in batches of {entry['batch_size']}")
    facts.add_row("objective", f"{direction} {name}")
    for endpoint, ends in entry["endpoints"].items():
        call = f"{', '.join(ends['inputs'])} → {', '.join(ends['outputs'])}"
        facts.add_row("endpoint", f"{endpoint}: {call}")
    for published in entry["published"]:
        given = ", ".join(f"{k}={as_text(v)}" for k, v in published["arguments"].items())
        count = f"{published['parameters']:,} parameters"
        facts.add_row(
            "published",
            f"{published['configuration']}: {count} ({published['source']})"
            + (f", by {given}" if given else ""),
        )
    if entry["variant_of"]:
        facts.add_row("a size of", entry["variant_of"])
    for size in entry["variants"]:
        count = f"{size['parameters']:,} parameters ({size['source']})"
        facts.add_row("size", f"{size['name']}: {count}")
    console.print(facts)
    console.print()
    for argument in entry["arguments"]:
        console.print(f"[bold]{argument['name']}[/bold] = {as_text(argument['default'])}")
        lines = [argument["help"]]
        if argument["range"]:
            lines.append(f"[dim]tuned over {argument['range']} (rank {argument['rank']})[/dim]")
        console.print(Padding("\n".join(lines), (0, 0, 0, 4)))
