"""`amalthea predict`."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from ...errors import UserError
from ..files import check_replaceable
from ..quiet import prepare_keras
from .options import (
    PATH,
    Force,
    GibbsSteps,
    RunFolder,
    Seed,
    ValueRange,
)
from .terminal import console


def predict(
    run: RunFolder,
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="Pictures, texts, folders of such, or an .npz or .csv file.", show_default=False
        ),
    ],
    out: Annotated[Any, typer.Option(help="Folder to write all outputs to.", **PATH)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    top: Annotated[int, typer.Option(min=1, help="Classes named for each image.")] = 1,
    missing: Annotated[
        str | None,
        typer.Option(
            metavar="SIDE",
            help="Have upper, lower, left or right half completed, by a model that can.",
            show_default=False,
        ),
    ] = None,
    endpoint: Annotated[
        str | None, typer.Option(help="Endpoint to ask.", show_default="the one that says most")
    ] = None,
    steps: GibbsSteps = None,
    beam: Annotated[
        int | None,
        typer.Option(
            min=1,
            show_default="1, greedy",
            help="Beginnings that are kept as a translation is searched for.",
        ),
    ] = None,
    value_range: ValueRange = None,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Predict classes, of images or texts, or targets; translate; complete or score images."""
    if out is not None:
        check_replaceable(out, force, "prediction", "outputs.npz")
    prepare_keras()
    from ..prediction import predict

    prediction = predict(
        run,
        paths,
        endpoint=endpoint,
        missing=missing,
        steps=steps,
        beam=beam,
        value_range=value_range,
        seed=seed,
    )
    if prediction.pictures and out is None:
        raise UserError(
            f"the endpoint {prediction.endpoint!r} gives pictures: name the folder to write them "
            "to with --out"
        )
    rows = prediction.rows(top)
    if out is not None:
        prediction.write(out)
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    figures = [name for name in rows[0] if not isinstance(rows[0][name], list)]
    if len(figures) > 1:
        table = Table(*figures, box=None, pad_edge=False)
        for row in rows:
            table.add_row(*(_figure(row[name]) for name in figures))
        console.print(table)
    if out is not None:
        console.print(f"written: {len(rows)} {prediction.noun}s in {out}", soft_wrap=True)
    elif len(figures) < 2:
        console.print(
            f"{prediction.endpoint} gives vectors: print them by --json, or write them by --out"
        )


def _figure(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {share:.4g}" for name, share in value.items())
    return f"{value:.4g}" if isinstance(value, float) else str(value)
