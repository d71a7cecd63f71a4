"""`amalthea demo`."""

from typing import Annotated, Any

import typer
from rich.table import Table

from ..quiet import prepare_keras
from .options import (
    PATH,
)
from .terminal import console


def demo(
    out: Annotated[
        Any, typer.Option(help="Folder to make.", **PATH | {"show_default": True})
    ] = "runs/demo",
    trials: Annotated[int, typer.Option(min=1, help="Models that the search trains.")] = 8,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of the models compared.")] = 60,
) -> None:
    """Search, train, compare, export and serve an autoencoder of the embedded digits."""
    prepare_keras()
    from ..demonstration import LATENT_DIM, demo

    result = demo(out, trials=trials, epochs=epochs)
    console.print()
    table = Table("code of size " + str(LATENT_DIM), "squared error of a held-out digit", box=None)
    for name, error in sorted(result.errors.items(), key=lambda item: item[1]):
        table.add_row(name, f"{error:.4f}")
    console.print(table)
    gain = 1 - result.errors["tuned"] / result.errors["PCA"]
    verdict = "beats" if gain > 0 else "does not beat"
    console.print(
        f"the tuned recipe {verdict} PCA: its error is {abs(gain):.1%} "
        + ("smaller" if gain > 0 else "larger")
    )
    console.print("served from a process with TensorFlow alone:")
    for line in result.served:
        console.print(f"  {line}")
    for name, what in {
        "search/trials.csv": "every trial",
        "search/best.json": "the best arguments",
        "tuned/curves.png": "curves of the training",
        "tuned/reconstructions.png": "held-out digits above their reconstructions",
        "tuned/export": "the SavedModel",
    }.items():
        console.print(f"  {result.out / name}  {what}", soft_wrap=True)
