"""`amalthea evaluate`."""

import time
from typing import Annotated

import typer
from rich.table import Table

from ..quiet import prepare_keras
from .options import (
    AcceptChangedData,
    RunFolder,
    ValueRange,
)
from .terminal import console


def evaluate(
    run: RunFolder,
    data: Annotated[
        str | None, typer.Option(help="Data set.", show_default="that of the run")
    ] = None,
    split: Annotated[
        str, typer.Option(help="test, validation, train or train+validation.")
    ] = "test",
    batch_size: Annotated[int, typer.Option(min=1, help="Images at a time.")] = 256,
    value_range: ValueRange = None,
    accept_changed_data: AcceptChangedData = False,
) -> None:
    """Evaluate the model of a run on held-out images."""
    prepare_keras()
    from ..evaluation import evaluate

    began = time.time()
    figures = evaluate(
        run,
        data,
        split=split,
        batch_size=batch_size,
        value_range=value_range,
        accept_changed_data=accept_changed_data,
    )
    table = Table("metric", split, box=None, pad_edge=False)
    for name, value in figures.items():
        table.add_row(name, f"{value:.6g}")
    console.print(table)
    names = ("evaluation.json", "reconstructions.png", "codes.png", "traversal.png")
    files = (run / name for name in names)
    written = [f.name for f in files if f.exists() and f.stat().st_mtime >= began - 1]
    if written:  # not in a folder that can only be read
        console.print(f"written to {run}: {', '.join(written)}")
