"""`amalthea tune`."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from ...errors import UserError, nearest
from .. import catalogue
from ..quiet import prepare_keras
from .options import (
    PATH,
    AcceptChangedData,
    Data,
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
from .terminal import alone, console, given, required, resumable

# By whom and how trials are done: options that a search goes on with as it likes.
EXECUTION = ("workers", "cluster", "cpus_per_trial", "gpus_per_trial", "trial_limit", "retries")


def tune(
    context: typer.Context,
    recipe: Annotated[
        str | None,
        typer.Argument(
            help="Name of the recipe.", show_default=False, autocompletion=complete_recipe
        ),
    ] = None,
    data: Data = None,
    out: Out = None,
    trials: Annotated[
        int | None, typer.Option(min=1, show_default="20", help="Models to train, at the most.")
    ] = None,
    strategy: Annotated[str, typer.Option(help="random, bayesian, hyperband or grid.")] = "random",
    epochs: Annotated[
        int | None,
        typer.Option(min=1, show_default="the recipe's own", help="Epochs of a trial."),
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(
            min=1, show_default="all", help="Tune only so many hyperparameters, by their rank."
        ),
    ] = None,
    fix: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Keep an argument at a value; 'amalthea describe RECIPE' lists them.",
            show_default=False,
        ),
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(
            help="Logged metric to optimise, such as val_loss or max:val_recall.",
            show_default="the recipe's own",
        ),
    ] = None,
    image_size: ImageSize = None,
    value_range: ValueRange = None,
    sequence_length: SequenceLength = None,
    horizon: Horizon = None,
    vocabulary_size: VocabularySize = None,
    in_memory: InMemory = None,
    skip_damaged: SkipDamaged = False,
    precision: Precision = None,
    seed: Seed = 0,
    from_run: Annotated[
        Any,
        typer.Option(
            "--from",
            help="Narrow each range to where the best of the search in this folder lie.",
            **PATH,
        ),
    ] = None,
    workers: Annotated[
        int,
        typer.Option(min=0, show_default="none", help="Processes that do trials side by side."),
    ] = 0,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="A running Ray cluster, such as 10.0.0.1:6379 or auto, whose nodes do the trials.",
            show_default=False,
        ),
    ] = None,
    cpus_per_trial: Annotated[
        int | None,
        typer.Option(
            min=1, show_default="1 of a worker", help="Processors, and threads, of a trial."
        ),
    ] = None,
    gpus_per_trial: Annotated[
        float, typer.Option(min=0, help="GPUs of a worker's trial, or the part of one.")
    ] = 0,
    trial_limit: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS", help="After which a trial has failed.", show_default="none"
        ),
    ] = None,
    retries: Annotated[
        int,
        typer.Option(min=0, help="How often a trial is done again whose process has died."),
    ] = 2,
    resume: Annotated[
        Any,
        typer.Option(
            help="Go on with the search in this folder; beside it, --trials changes what comes.",
            **PATH,
        ),
    ] = None,
    accept_changed_data: AcceptChangedData = False,
    report: Annotated[
        Any,
        typer.Option(
            help="Write the report of the search in this folder anew, though it is under way.",
            **PATH,
        ),
    ] = None,
    force: Force = False,
) -> None:
    """Search a recipe's hyperparameters, or go on with an interrupted search."""
    prepare_keras()
    from .. import tuning

    execution = {name: context.params[name] for name in EXECUTION}
    again = given(context, *EXECUTION)
    if report is not None:
        alone(context, of="report")
        console.print(f"report: {tuning.report(report)}", soft_wrap=True)
        return
    if resume is not None:
        alone(context, "trials", "data", "accept_changed_data", *EXECUTION)
        with resumable("tune", resume, *again):
            run = tuning.resume_search(
                resume, data, trials=trials, accept_changed_data=accept_changed_data, **execution
            )
    else:
        out = required(recipe, out)
        with resumable("tune", out, *again):
            run = tuning.tune(
                recipe,
                data,
                out=out,
                trials=trials or 20,
                strategy=strategy,
                epochs=epochs,
                top=top,
                fixed=fixed_arguments(recipe, fix or ()),
                objective=objective,
                image_size=image_size,
                value_range=value_range,
                sequence_length=sequence_length,
                horizon=horizon,
                vocabulary_size=vocabulary_size,
                in_memory=in_memory,
                skip_damaged=skip_damaged,
                precision=precision,
                seed=seed,
                from_run=from_run,
                force=force,
                **execution,
            )
    console.print(
        f"best: {run.path / 'best.json'}, its model in {run.model_path}; report: "
        f"{run.path / 'report.html'}",
        soft_wrap=True,
    )


def fixed_arguments(recipe: str, settings: list[str]) -> dict[str, Any]:
    """The values of `--fix NAME=VALUE`, of the types of the recipe's arguments."""
    arguments = {a["name"]: a for a in catalogue.describe(recipe)["arguments"]}
    arguments["batch_size"] = {"type": "int", "valid": "a whole number of at least 1"}
    values = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        name = name.replace("-", "_")  # as the options of `train` are spelt
        if not equals or not name:
            raise UserError(f"--fix takes NAME=VALUE, got {setting!r}")
        if name not in arguments:
            raise UserError(f"{recipe} has no argument {name!r}{nearest(name, arguments)}")
        if name in values:
            raise UserError(f"--fix gives {name} twice, {values[name]!r} and {text!r}")
        try:
            values[name] = PARSE[arguments[name]["type"]](text)
        except (ValueError, typer.BadParameter):
            valid = arguments[name]["valid"]
            raise UserError(f"--fix {name}= takes {valid}, got {text!r}") from None
    return values


def read_flag(text: str) -> bool:
    """True or false, by its word."""
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


PARSE: dict[str, Callable[[str], Any]] = {
    "bool": read_flag,
    "int": int,
    "float": float,
    "str": str,
    "ints": read_numbers,
}
