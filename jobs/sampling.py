"""Draw images from a trained model."""

from pathlib import Path

import numpy as np
from keras import ops

from ..callbacks import draw_samples
from ..checks import check_count, check_seed, is_number, is_whole
from ..errors import UserError, nearest
from ..recipes import get_recipe
from ..recipes.tasks.sampling import sample_inputs
from .files import replacing
from .run import Run

STEPS = 1000


def sample(
    run: str | Path,
    n: int = 64,
    *,
    label: int | str | None = None,
    grid: str | Path | None = None,
    steps: int | None = None,
    truncation: float | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Draw images from the model of a run, by its endpoint `sample`, or `generate` with a label.

    Where `sample` itself takes labels, it draws those of a label, too.

    Args:
        run: The folder of a finished training or search.
        n: Number of images.
        label: Class of the images, its number or its name, for a model that draws them from a
            label; any if not given, or equally many of each, one class after another.
        grid: PNG file for the images in a grid.
        steps: Gibbs steps of a model that samples by Markov chains; 1,000 if not given.
        truncation: Share of the distance from the mean style that remains, for a model with
            styles: with 1, as if not given, the images have all variety, with less they are better
            and more alike.
        seed: Seed of the images.

    Returns:
        `(n, height, width, channels)`, values in [0, 1].

    Raises:
        UserError: If `run` is no finished run, its model does not sample, or there is no such
            label.
    """
    run = Run.open(run)
    n, seed = check_count("n", n), check_seed(seed)
    entry, arguments = get_recipe(run.settings["recipe"]), run.settings["arguments"]
    endpoint = entry.endpoints.get("sample")
    if label is not None and not (endpoint and "labels" in endpoint.inputs):
        endpoint = entry.endpoints.get("generate")
    if endpoint is None or (label is not None and {"label", "labels"}.isdisjoint(endpoint.inputs)):
        what = "does not sample" if label is None else "draws nothing from a label"
        raise UserError(f"{run.path} is a run of {entry.name}, which {what}")
    classes = entry.num_classes(arguments)
    given = sample_inputs(endpoint, classes, n)
    if label is not None:
        label = _class_number(run, label, classes)
        given |= {"labels": np.full(n, label)} if "labels" in given else {"label": label}
    if "steps" in endpoint.inputs:
        given["steps"] = check_count("steps", STEPS if steps is None else steps)
    elif steps is not None:
        raise UserError(f"{entry.name} samples without Markov chains, got steps={steps}")
    if truncation is not None and "truncation" not in endpoint.inputs:
        raise UserError(f"{entry.name} has no styles to truncate, got truncation={truncation}")
    if truncation is not None:
        if not is_number(truncation):
            raise UserError(f"truncation must be a finite number, got {truncation!r}")
        given["truncation"] = truncation
    seed = ops.convert_to_tensor(seed, "int32")
    # Compiled, as a prediction is: chains are long loops of tiny steps.
    images = endpoint.bind(run.load_model(), **given).predict_on_batch({"seed": seed})["images"]
    if grid is not None:
        with replacing(Path(grid)) as aside:
            draw_samples(images, aside)
    return images


def _class_number(run: Run, label: int | str, classes: int) -> int:
    """The number of a class that is given by it or by a name."""
    names = run.class_names
    if label in names:  # first, for names may be numbers
        return names.index(label)
    if isinstance(label, str) and label.isdecimal():
        label = int(label)
    if isinstance(label, str):
        raise UserError(f"{run.path} has no class {label!r}{nearest(label, names)}")
    if not is_whole(label) or not 0 <= label < classes:
        raise UserError(
            f"label must be a whole number from 0 to {classes - 1} or the name of a class, "
            f"got {label!r}"
        )
    return int(label)
