"""How endpoints that sample are asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...callbacks import SampleGrid
from ..endpoint import Endpoint

if TYPE_CHECKING:
    from ..registry import Recipe

# What a sample is drawn by as a model learns: fewer Gibbs steps than good samples take.
GRID = {"n": 64, "steps": 100, "seed": 0}


def sample_inputs(endpoint: Endpoint, classes: int | None, n: int) -> dict[str, Any]:
    """What a sampling endpoint takes for n samples: the number, or equally many of each class."""
    if "n" not in endpoint.inputs and "labels" in endpoint.inputs:
        return {"labels": np.arange(n) * classes // n}
    return {"n": n} | ({"truncation": 1.0} if "truncation" in endpoint.inputs else {})


def sample_grid(recipe: Recipe, arguments: Mapping[str, Any], folder: Path) -> list[SampleGrid]:
    """What draws samples after each epoch; nothing for a recipe that does not sample."""
    endpoint = recipe.endpoints.get("sample")
    if endpoint is None:
        return []
    given = sample_inputs(endpoint, recipe.num_classes(arguments), GRID["n"])
    given |= {name: GRID[name] for name in ("steps", "seed") if name in endpoint.inputs}
    return [SampleGrid(endpoint.bind, folder, **given)]
