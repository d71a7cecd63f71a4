"""`amalthea sample`."""

from typing import Annotated, Any

import typer

from ...errors import UserError
from ..files import check_replaceable
from ..quiet import prepare_keras
from .options import (
    PATH,
    Force,
    GibbsSteps,
    RunFolder,
    Seed,
)
from .terminal import console


def sample(
    run: RunFolder,
    n: Annotated[
        int | None,
        typer.Option("-n", min=1, show_default="64 images, 1 text", help="Number of samples."),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            show_default="any", help="Class of the images, its number or name, where there are any."
        ),
    ] = None,
    grid: Annotated[Any, typer.Option(help="PNG file to write.", **PATH)] = None,
    steps: GibbsSteps = None,
    truncation: Annotated[
        float | None,
        typer.Option(show_default="1", help="Share of the styles' variety, where there are some."),
    ] = None,
    prompt: Annotated[
        str | None, typer.Option(show_default="the end of a line", help="What texts begin with.")
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(min=0, show_default="1", help="0 for the most probable tokens, or pixels."),
    ] = None,
    top_k: Annotated[
        int | None,
        typer.Option(min=1, show_default="all", help="Of texts, most probable tokens drawn."),
    ] = None,
    top_p: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            show_default="1",
            help="Of texts, share of the probability that the tokens drawn must have.",
        ),
    ] = None,
    length: Annotated[
        int | None,
        typer.Option(
            min=1,
            show_default="200",
            help="Characters added to the prompt, or words, sub-words or bytes.",
        ),
    ] = None,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Draw images from a run's model, or have it write texts."""
    if grid is not None:
        check_replaceable(grid, force, "picture")
    prepare_keras()
    from ..sampling import sample

    asked = {"label": label, "steps": steps, "truncation": truncation}
    asked |= {"prompt": prompt, "temperature": temperature, "length": length}
    asked |= {"top_k": top_k, "top_p": top_p}
    samples = sample(run, n, grid=grid, seed=seed, **asked)
    if isinstance(samples, list):
        for text in samples:
            console.print(text, markup=False, highlight=False, soft_wrap=True)
    elif grid is None:
        raise UserError("name the picture to write with --grid, for example --grid samples.png")
    else:
        console.print(f"drawn: {len(samples)} images in {grid}")
