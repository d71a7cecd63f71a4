"""What in images a classifier goes by, in pictures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..callbacks import draw_rows
from ..checks import check_count, is_whole
from ..errors import UserError
from ..recipes import get_recipe
from .files import check_replaceable, replacing
from .prediction import SHOWN, Prediction, read_images
from .run import Run


def explain(
    run: str | Path,
    images: Any,
    *,
    out: str | Path | None = None,
    label: int | str | None = None,
    value_range: tuple[float, float] | None = None,
    batch_size: int = 32,
    force: bool = False,
) -> Prediction:
    """What in images speaks for a class: saliency, integrated gradients and Grad-CAM.

    Args:
        run: The folder of a finished training or search of a classifier.
        images: As `predict` takes them.
        out: Folder to write to: `explanations.png` with the first images in columns, and all
            outputs in `outputs.npz`.
        label: The class, its number or its name; of each image the most probable one if not given.
        value_range: The values of black and white in arrays; those of the run's data if not given.
        batch_size: Images at a time.
        force: Whether an earlier folder is replaced.

    Returns:
        The outputs of the endpoint `explain`: `labels`, `saliency`, `integrated_gradients` and, of
        models with feature maps, `grad_cam`.

    Raises:
        UserError: If `run` is no finished run of a classifier, the images cannot be used, there is
            no such class, or `out` exists.
    """
    check_count("batch_size", batch_size)
    if out is not None:
        out = Path(out)
        check_replaceable(out, force, "explanation", "outputs.npz")
    run = Run.open(run)
    entry = get_recipe(run.settings["recipe"])
    if "explain" not in entry.endpoints:
        raise UserError(f"{entry.name} has no endpoint 'explain': classifiers of images have one")
    number = run.class_number(label)
    model = run.load_model()
    classes = entry.num_classes(model.origin.arguments)
    if number is not None and not (is_whole(number) and 0 <= number < classes):
        raise UserError(f"label must be from 0 to {classes - 1}, got {number!r}")
    shape = tuple(model.origin.arguments["image_shape"])
    names, pixels = read_images(images, shape, value_range or run.settings.get("value_range"))
    part = entry.endpoints["explain"].bind(model)
    labels = np.full(len(pixels), -1 if number is None else number, "int32")
    batches = [
        part.predict_on_batch(
            {"images": pixels[i : i + batch_size], "labels": labels[i : i + batch_size]}
        )
        for i in range(0, len(pixels), batch_size)
    ]
    outputs = {key: np.concatenate([b[key] for b in batches]) for key in batches[0]}
    prediction = Prediction(names, pixels, "explain", outputs, run.class_names)
    if out is not None:
        with replacing(out) as aside:
            aside.mkdir(parents=True)
            np.savez(aside / "outputs.npz", names=np.array(names), **outputs)
            draw_rows(_rows(pixels[:SHOWN], outputs), aside / "explanations.png")
    return prediction


def _rows(images: np.ndarray, outputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The images, and what speaks for a class in each: white most, in all but the first."""
    count = len(images)
    rows = {"image": images, "saliency": _scaled(outputs["saliency"][:count])}
    attributed = outputs["integrated_gradients"][:count].sum(-1)
    rows["integrated gradients"] = _scaled(np.maximum(attributed, 0))
    if "grad_cam" in outputs:
        rows["Grad-CAM"] = outputs["grad_cam"][:count]
    return rows


def _scaled(values: np.ndarray) -> np.ndarray:
    """Each picture with its largest value 1."""
    return values / np.maximum(values.max((1, 2), keepdims=True), 1e-12)
