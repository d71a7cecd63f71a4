"""The command line: `amalthea VERB`, from list, describe, train and tune to export and demo.

Keras and TensorFlow take seconds to import, so each command imports what it needs when it runs; the
options that a recipe adds to `train` come from the catalogue.
"""

import atexit
import contextlib
import errno
import os
import sys
import warnings
from typing import Annotated

import typer

from ..errors import UserError
from . import catalogue
from .commands.demo import demo
from .commands.describe import describe
from .commands.evaluate import evaluate
from .commands.explain import explain
from .commands.export import export
from .commands.features import features
from .commands.list import list_
from .commands.predict import predict
from .commands.sample import sample
from .commands.terminal import complain, console
from .commands.train import with_options
from .commands.tune import tune
from .files import plain_path

# What typer raises for a wrong option, in a place that all its versions have.
UsageError = typer.BadParameter.__base__


def _app(words: list[str]) -> typer.Typer:
    """The application; `words` are the command line's, which may name a recipe to train."""
    app = typer.Typer(
        help="Keras recipes for the classic deep-learning models: complete, tunable, exportable.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )

    @app.callback(invoke_without_command=True)
    def version(
        version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
    ) -> None:
        if version:
            from importlib.metadata import version

            console.print(f"amalthea {version('amalthea')}")
            raise typer.Exit

    app.command("list")(list_)
    app.command()(describe)
    entry = {"name": "", "arguments": []}
    if words[:1] == ["train"]:
        known = set(catalogue.list_recipes(variants=True))
        unknown = "" if _completed() else "".join(words[1:2])
        name = next((word for word in words[1:] if word in known), unknown)
        if name and not name.startswith("-"):
            entry = catalogue.describe(name)
    app.command()(with_options(entry))
    for command in (tune, evaluate, predict, explain, features, sample, export, demo):
        app.command()(command)
    return app


def _completed() -> list[str]:
    """The words so far where a shell completes them: it has them in the environment."""
    if "_AMALTHEA_COMPLETE" not in os.environ:
        return []
    words = os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS", "")
    return words.split()[1:]


def _received(error: Exception) -> str:
    """The value that a wrong option had, where typer's message leaves it out."""
    causes = getattr(error.__cause__, "errors", list)()
    return f", got {causes[0]['input']!r}" if causes else ""


def main() -> None:
    """Run the command line; a user's mistake is one sentence and exit status 2."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.showwarning = lambda message, *_, **__: complain(str(message))
    words = sys.argv[1:]
    try:
        status = _app(_completed() or words)(words, prog_name="amalthea", standalone_mode=False)
    except UsageError as error:
        status = complain(error.format_message() + _received(error)) or 2
    except (UserError, ImportError) as error:
        status = complain(str(error)) or 2
    except BrokenPipeError:
        sys.stderr.close()
        status = 1
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno in errno.errorcode else str(error)
        where = f": {error.filename}" if error.filename else ""
        status = complain(plain_path(reason.splitlines()[0] + where)) or 2
    sys.exit(status if isinstance(status, int) else 0)


def program() -> None:
    """Run the command line as a process that ends when all is done.

    Python would take another second to take TensorFlow apart, object by object.
    """
    try:
        main()
    except SystemExit as end:
        status = end.code
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # nobody reads it, or it is closed
            stream.flush()
    os._exit(status)
