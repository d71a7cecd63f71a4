"""`amalthea export`."""

import json
from typing import Annotated, Any

import typer

from ..quiet import prepare_keras
from .options import (
    PATH,
    Force,
    RunFolder,
)
from .terminal import console


def export(
    run: RunFolder,
    out: Annotated[
        Any, typer.Option(help="Folder to write.", **PATH | {"show_default": "in the run"})
    ] = None,
    format: Annotated[str, typer.Option(help="savedmodel, onnx or litert.")] = "savedmodel",
    force: Force = False,
) -> None:
    """Export the endpoints of a run's model, and verify them."""
    prepare_keras()
    from ..exporting import export

    folder = export(run, out, format=format, force=force)
    console.print(f"exported and verified: {folder}")
    for name, ends in json.loads((folder / "endpoints.json").read_text()).items():
        console.print(f"  {name}: {', '.join(ends['inputs'])} → {', '.join(ends['outputs'])}")
