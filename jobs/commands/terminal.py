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


def alone(context: typer.Context, *beside: str, of: str = "resume") -> None:
    """Refuse, beside `--resume` or another option, any word but the options `beside`."""
    why = {
        "resume": "goes on as the run began: beside the folder it takes "
        f"{', '.join(map(option, beside))} only",
        "report": "takes nothing beside the folder",
    }
    for name in context.params:
        if _is_given(context, name) and name not in (of, *beside):
            word = option(name) if name != "recipe" else context.params[name]
            raise UserError(f"'amalthea {context.info_name} {option(of)}' {why[of]}, got {word}")


def given(context: typer.Context, *names: str) -> list[str]:
    """Those of some options that were given, as they were."""
    words = [(option(n), str(context.params[n])) for n in names if _is_given(context, n)]
    return [word for pair in words for word in pair]


def _is_given(context: typer.Context, name: str) -> bool:
    return context.get_parameter_source(name).name == "COMMANDLINE"


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
def resumable(verb: str, out: Path, *options: str) -> Iterator[None]:
    """Within, an interruption says how to go on, with these options."""
    try:
        yield
    except (KeyboardInterrupt, BrokenPipeError):
        if (out / "run.json").is_file():
            command = shlex.join(["amalthea", verb, "--resume", str(out), *options])
            complain(f"interrupted: go on with `{command}`")
        else:
            complain("interrupted before anything was written")
        raise typer.Exit(130) from None


def complain(sentence: str) -> None:
    """Print a sentence to the standard error."""
    Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(
        f"amalthea: {sentence}"
    )
