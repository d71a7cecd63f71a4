"""`amalthea explain`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ..quiet import prepare_keras
from .options import PATH, Force, RunFolder, ValueRange
from .terminal import console


def explain(
    run: RunFolder,
    paths: Annotated[
        list[Path],
        typer.Argument(help="Pictures, folders of pictures, or an .npz file.", show_default=False),
    ],
    out: Annotated[Any, typer.Option(help="Folder to write to.", **PATH)],
    label: Annotated[
        str | None,
        typer.Option(show_default="the most probable", help="Class, its number or name."),
    ] = None,
    value_range: ValueRange = None,
    force: Force = False,
) -> None:
    """Draw what in images speaks for a class: saliency, integrated gradients, Grad-CAM."""
    prepare_keras()
    from ..explaining import explain

    found = explain(run, paths, out=out, label=label, value_range=value_range, force=force)
    names = found.class_names
    for image, number in zip(found.names, found.outputs["labels"], strict=True):
        console.print(f"{image}: {names[number] if names else number}", soft_wrap=True)
    console.print(f"written: {out / 'explanations.png'}, outputs.npz", soft_wrap=True)
