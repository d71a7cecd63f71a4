"""`amalthea features`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ..quiet import prepare_keras
from .options import PATH, Force, RunFolder, ValueRange
from .terminal import console


def features(
    run: RunFolder,
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="Pictures, folders of pictures, or an .npz or .csv file.", show_default=False
        ),
    ],
    out: Annotated[Any, typer.Option(help="File .npz to write them to.", **PATH)],
    value_range: ValueRange = None,
    force: Force = False,
) -> None:
    """Write the features of images, or codes, that a model computes before its last layer."""
    prepare_keras()
    from ..prediction import features

    values = features(run, paths, out=out, value_range=value_range, force=force)
    count, width = values.shape
    console.print(f"written: {count} rows of {width} features to {out}", soft_wrap=True)
