"""Draw images from a trained model."""

from pathlib import Path

import numpy as np
from keras import ops

from ..callbacks import draw_grid
from ..errors import UserError
from ..recipes import get_recipe
from .files import replacing
from .run import Run
from .training import check_count

STEPS = 1000


def sample(
    run: str | Path,
    n: int = 64,
    *,
    label: int | None = None,
    grid: str | Path | None = None,
    steps: int | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Draw images from the model of a run, by its endpoint `sample`, or `generate` with a label.

    Args:
        run: The folder of a finished training or search.
        n: Number of images.
        label: Class of the images, for a model that draws them from a label; any if not given.
        grid: PNG file for the images in a grid.
        steps: Gibbs steps of a model that samples by Markov chains; 1,000 if not given.
        seed: Seed of the images.

    Returns:
        `(n, height, width, channels)`, values in [0, 1].

    Raises:
        UserError: If `run` is no finished run, its model does not sample, or there is no such
            label.
    """
    run = Run.open(run)
    given = {"n": check_count("n", n), "seed": check_count("seed", seed, least=0)}
    entry = get_recipe(run.settings["recipe"])
    endpoint = entry.endpoints.get("sample" if label is None else "generate")
    if endpoint is None or (label is not None and "label" not in endpoint.inputs):
        what = "does not sample" if label is None else "draws nothing from a label"
        raise UserError(f"{run.path} is a run of {entry.name}, which {what}")
    if label is not None:
        given["label"] = check_count("label", label, least=0)
        classes = run.settings["arguments"]["num_classes"]
        if label >= classes:
            raise UserError(f"label must be below {classes}, the number of classes, got {label}")
    if "steps" in endpoint.inputs:
        given["steps"] = check_count("steps", STEPS if steps is None else steps)
    elif steps is not None:
        raise UserError(f"{entry.name} samples without Markov chains, got steps={steps}")
    seed = ops.convert_to_tensor(given.pop("seed"), "int32")
    # Compiled, as a prediction is: chains are long loops of tiny steps.
    images = endpoint.bind(run.load_model(), **given).predict_on_batch({"seed": seed})["images"]
    if grid is not None:
        with replacing(Path(grid)) as aside:
            draw_grid(images, aside)
    return images
