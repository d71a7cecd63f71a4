"""`amalthea train`, with the options of a recipe."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from ..quiet import prepare_keras
from .options import (
    PATH,
    AcceptChangedData,
    Data,
    Devices,
    Force,
    Horizon,
    ImageSize,
    InMemory,
    Out,
    Precision,
    Seed,
    SequenceLength,
    SkipDamaged,
    ValueRange,
    VocabularySize,
    complete_recipe,
    read_numbers,
)
from .terminal import alone, as_text, console, required, resumable


def train(
    context: typer.Context,
    recipe: Annotated[
        str | None,
        typer.Argument(
            help="Name of the recipe; 'amalthea train RECIPE --help' shows its own options.",
            show_default=False,
            autocompletion=complete_recipe,
        ),
    ] = None,
    data: Data = None,
    out: Out = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, show_default="the recipe's own", help="Epochs.")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, show_default="the recipe's own", help="Mini-batch size.")
    ] = None,
    image_size: ImageSize = None,
    value_range: ValueRange = None,
    sequence_length: SequenceLength = None,
    horizon: Horizon = None,
    vocabulary_size: VocabularySize = None,
    in_memory: InMemory = None,
    skip_damaged: SkipDamaged = False,
    precision: Precision = None,
    devices: Devices = None,
    early_stopping: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="PATIENCE",
            help="End after so many epochs without a better objective, with the best weights.",
            show_default=False,
        ),
    ] = None,
    best: Annotated[
        Any, typer.Option(help="Take the best arguments of the search in this folder.", **PATH)
    ] = None,
    initial: Annotated[
        Any,
        typer.Option(
            "--from", help="Begin with the weights of the run in this folder, or of a file.", **PATH
        ),
    ] = None,
    freeze: Annotated[
        str,
        typer.Option(
            metavar="none|features|N",
            help="Layers that keep their weights: those of the features, or the first N.",
        ),
    ] = "none",
    seed: Seed = 0,
    resume: Annotated[
        Any,
        typer.Option(
            help="Go on with the training in this folder; beside it, --epochs, "
            "--batch-size, --devices or --data change what comes.",
            **PATH,
        ),
    ] = None,
    accept_changed_data: AcceptChangedData = False,
    force: Force = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write TensorBoard logs, too.")
    ] = False,
    **arguments: Any,
) -> None:
    """Train a recipe on a data set, or go on with an interrupted training."""
    prepare_keras()
    from .. import training

    given = {name: value for name, value in arguments.items() if value is not None}
    if resume is not None:
        alone(context, "epochs", "batch_size", "devices", "data", "accept_changed_data")
        changes = {"epochs": epochs, "batch_size": batch_size, "devices": devices}
        with resumable("train", resume):
            run = training.resume(resume, data, accept_changed_data=accept_changed_data, **changes)
    else:
        out = required(recipe, out)
        with resumable("train", out):
            run = training.train(
                recipe,
                data,
                out=out,
                arguments=given,
                best=best,
                initial=initial,
                freeze=freeze,
                epochs=epochs,
                batch_size=batch_size,
                image_size=image_size,
                value_range=value_range,
                sequence_length=sequence_length,
                horizon=horizon,
                vocabulary_size=vocabulary_size,
                in_memory=in_memory,
                skip_damaged=skip_damaged,
                precision=precision,
                devices=devices,
                early_stopping=early_stopping,
                seed=seed,
                force=force,
                tensorboard=tensorboard,
            )
    console.print(f"trained: {run.model_path}, curves in {run.path / 'curves.png'}")


def with_options(entry: dict[str, Any]) -> Callable:
    """`train` with the options of one recipe, from its entry in the catalogue."""
    parameters = [
        p for p in inspect.signature(train).parameters.values() if p.kind is not p.VAR_KEYWORD
    ]
    taken = {p.name for p in parameters}
    for argument in entry["arguments"]:
        if argument["name"] in taken or argument["from_data"]:
            continue
        words = argument["help"].rstrip(".")
        tuned = f" Tuned over {argument['range']}." if argument["range"] else ""
        options = {
            "help": f"{words}; {argument['valid']}.{tuned}",
            "show_default": as_text(argument["default"]),
            "rich_help_panel": f"Arguments of {entry['name']}",
        }
        if argument["type"] == "ints":
            kind, options = Any, options | {"parser": read_numbers, "metavar": "N,N,…"}
        else:
            kind = {"int": int, "float": float, "bool": bool, "str": str}[argument["type"]] | None
        parameters.append(
            inspect.Parameter(
                argument["name"],
                inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=Annotated[kind, typer.Option(**options)],
            )
        )

    @functools.wraps(train)
    def command(**options):
        train(**options)

    command.__signature__ = inspect.Signature(parameters)
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    return command
