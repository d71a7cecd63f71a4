"""What commands say, and how they begin and end."""

import contextlib
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from ...errors import UserError

console = Console(highlight=False)


def as_text(value: Any) -> str:
    """A value as the command line takes it."""
    if isinstance(value, list | tuple):
        return ",".join(map(str, value)) or '""'
    return str(value)


def alone(context: typer.Context, *beside: str) -> None:
    """Refuse, beside `--resume`, any word but the options `beside`."""
    given = [n for n in context.params if context.get_parameter_source(n).name == "COMMANDLINE"]
    for name in given:
        if name not in ("resume", *beside):
            word = option(name) if name != "recipe" else context.params[name]
            raise UserError(
                f"'amalthea {context.info_name} --resume' goes on as the run began: beside the "
                f"folder it takes {', '.join(map(option, beside))} only, got {word}"
            )


def option(name: str) -> str:
    """An argument as an option."""
    return f"--{name.replace('_', '-')}"


def required(recipe: str | None, out: Path | None) -> Path:
    """The run folder; `UserError` unless it and a recipe are given."""
    if recipe is None:
        raise UserError("name a recipe, of those that 'amalthea list' shows, or --resume a run")
    if out is None:
        raise UserError("name the run folder to make with --out, for example --out runs/a")
    return out


@contextlib.contextmanager
def resumable(verb: str, out: Path) -> Iterator[None]:
    """Within, an interruption says how to go on."""
    try:
        yield
    except (KeyboardInterrupt, BrokenPipeError):
        if (out / "run.json").is_file():
            command = shlex.join(["amalthea", verb, "--resume", str(out)])
            complain(f"interrupted: go on with `{command}`")
        else:
            complain("interrupted before anything was written")
        raise typer.Exit(130) from None


def complain(sentence: str) -> None:
    """Print a sentence to the standard error."""
    Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(
        f"amalthea: {sentence}"
    )
