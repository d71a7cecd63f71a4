"""How endpoints that sample are asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from ...callbacks import SampleGrid, made_of
from ...checks import check_count, is_number, is_whole
from ...errors import UserError
from ..endpoint import Endpoint

if TYPE_CHECKING:
    from ..registry import Recipe

# What a sample is drawn by as a model learns: fewer Gibbs steps than good samples take.
GRID = {"n": 64, "steps": 100, "seed": 0}
# Gibbs steps of good ones.
STEPS = 1000
# What changes the samples of a model that has it, and leaves them as they were learnt if it is one.
USUALLY_ONE = ("truncation", "temperature")


def sample_inputs(endpoint: Endpoint, classes: int | None, n: int) -> dict[str, Any]:
    """What a sampling endpoint takes for n samples: the number, or equally many of each class."""
    usual = {name: 1.0 for name in USUALLY_ONE if name in endpoint.inputs}
    if "n" not in endpoint.inputs and "labels" in endpoint.inputs:
        return {"labels": np.arange(n) * classes // n} | usual
    return {"n": n} | usual


# What is said of a model that cannot be asked for something.
WITHOUT = {
    "steps": "samples without Markov chains",
    "truncation": "has no styles to truncate",
    "temperature": "draws at one temperature",
}


def sample_images(
    recipe: Recipe,
    model: keras.Model,
    n: int | None = None,
    *,
    seed: int,
    label: int | str | None = None,
    **asked: Any,
) -> np.ndarray:
    """Images by the endpoint `sample`, or `generate` with a label.

    Where `sample` itself takes labels, it draws those of a label, too.

    Args:
        recipe: The recipe.
        model: The model.
        n: Number of images; 64 if not given.
        seed: Seed of what is drawn.
        label: Class of the images; any if not given, or equally many of each.
        **asked: `steps`, Gibbs steps of a model that samples by Markov chains; `truncation`, the
            share of the distance from the mean style that remains, for a model with styles;
            `temperature`, 0 for the most probable value of each pixel, of a model that draws pixel
            by pixel.

    Returns:
        `(n, height, width, channels)`, values in [0, 1]; of a model of points `(n, dimensions)`.
    """
    n = check_count("n", 64 if n is None else n)
    endpoint = recipe.endpoints.get("sample")
    if label is not None and not (endpoint and "labels" in endpoint.inputs):
        endpoint = recipe.endpoints.get("generate")
    if endpoint is None or (label is not None and {"label", "labels"}.isdisjoint(endpoint.inputs)):
        what = "does not sample" if label is None else "draws nothing from a label"
        raise UserError(f"{recipe.name} {what}")
    classes = recipe.num_classes(model.origin.arguments)
    given = sample_inputs(endpoint, classes, n)
    if label is not None:
        if not is_whole(label) or not 0 <= label < classes:
            raise UserError(
                f"label must be a whole number from 0 to {classes - 1} or the name of a class, "
                f"got {label!r}"
            )
        given |= {"labels": np.full(n, label)} if "labels" in given else {"label": label}
    if "steps" in endpoint.inputs:
        given["steps"] = check_count("steps", asked.pop("steps", STEPS))
    for name in USUALLY_ONE:
        if name in endpoint.inputs and name in asked:
            given[name] = asked.pop(name)
            if not is_number(given[name]):
                raise UserError(f"{name} must be a finite number, got {given[name]!r}")
            if name == "temperature" and given[name] < 0:
                raise UserError(f"temperature must be at least 0, got {given[name]!r}")
    for name, value in asked.items():
        why = WITHOUT.get(name, "draws images")
        raise UserError(f"{recipe.name} {why}, got {name}={value!r}")
    # Compiled, as a prediction is: chains are long loops of tiny steps.
    draw = endpoint.bind(model, **given).predict_on_batch
    return made_of(draw({"seed": ops.convert_to_tensor(seed, "int32")}))


def sample_grid(recipe: Recipe, arguments: Mapping[str, Any], folder: Path) -> list[SampleGrid]:
    """What draws samples after each epoch; nothing for a recipe that does not sample."""
    endpoint = recipe.endpoints.get("sample")
    if endpoint is None:
        return []
    given = sample_inputs(endpoint, recipe.num_classes(arguments), GRID["n"])
    given |= {name: GRID[name] for name in ("steps", "seed") if name in endpoint.inputs}
    return [SampleGrid(endpoint.bind, folder, **given)]
