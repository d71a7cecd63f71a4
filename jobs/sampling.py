"""Draw samples from a trained model."""

from pathlib import Path

import numpy as np

from ..callbacks import draw_samples
from ..checks import check_seed
from ..errors import UserError
from ..recipes import get_recipe
from .files import replacing
from .run import Run


def sample(
    run: str | Path,
    n: int | None = None,
    *,
    label: int | str | None = None,
    grid: str | Path | None = None,
    steps: int | None = None,
    truncation: float | None = None,
    prompt: str | None = None,
    temperature: float | None = None,
    top_k: int | None = None,
    top_p: float | None = None,
    length: int | None = None,
    seed: int = 0,
) -> np.ndarray | list[str]:
    """Draw samples from the model of a run, images or texts.

    Args:
        run: The folder of a finished training or search.
        n: Number of samples; 64 images or one text if not given.
        label: Class of the images, its number or its name, for a model that draws them from a
            label; any if not given, or equally many of each, one class after another.
        grid: PNG file for the images in a grid.
        steps: Gibbs steps of a model that samples by Markov chains; 1,000 if not given.
        truncation: Share of the distance from the mean style that remains, for a model with
            styles: with 1, as if not given, the images have all variety, with less they are better
            and more alike.
        prompt: What texts begin with; the end of a line if not given.
        temperature: Of texts, and of images that are drawn pixel by pixel: 0 for the most probable
            token or value each time, 1, as if not given, for each by its probability.
        top_k: Of texts, draw from so many of the most probable ones alone; all if not given.
        top_p: Of texts, draw from the fewest of these whose probabilities add up to that share; 1
            if not given.
        length: Tokens that are added to the prompt, of the kind that the model knows: characters,
            words, sub-words or bytes; 200 if not given.
        seed: Seed of the samples.

    Returns:
        Images, `(n, height, width, channels)` with values in [0, 1]; or a list of texts.

    Raises:
        UserError: If `run` is no finished run, its model does not sample, or not so.
    """
    run = Run.open(run)
    asked = {
        "label": run.class_number(label),
        "steps": steps,
        "truncation": truncation,
        "prompt": prompt,
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "length": length,
    }
    asked = {name: value for name, value in asked.items() if value is not None}
    asked["seed"] = check_seed(seed)
    entry = get_recipe(run.settings["recipe"])
    try:
        samples = entry.task.sample(entry, run.load_model(), n, **asked)
    except UserError as error:
        raise UserError(f"{run.path}: {error}") from None
    if grid is not None:
        if isinstance(samples, list):
            raise UserError(f"{run.path}: {entry.name} writes texts, got grid={str(grid)!r}")
        with replacing(Path(grid)) as aside:
            draw_samples(samples, aside)
    return samples
