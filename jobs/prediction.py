"""What a trained model says of images, or other examples, that it is given."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from .. import data as data_package
from ..callbacks import draw_grid, draw_rows
from ..checks import check_count, check_seed
from ..data import ImageSet
from ..data.features import FEATURES, Feature, Line, Text
from ..data.features.words import PLAIN
from ..errors import UserError, nearest
from ..recipes import Endpoint, Recipe, get_recipe
from ..recipes.tasks.sampling import STEPS
from .files import check_replaceable, replacing
from .run import Run

SIDES = {
    "upper": lambda mask: mask[:, : mask.shape[1] // 2],
    "lower": lambda mask: mask[:, mask.shape[1] // 2 :],
    "left": lambda mask: mask[:, :, : mask.shape[2] // 2],
    "right": lambda mask: mask[:, :, mask.shape[2] // 2 :],
}
# What an endpoint of texts takes, if it is one that can be asked.
OF_TEXTS = {"texts", "beam", "seed"}
# Pictures above each other in one.
SHOWN = 10


@dataclass(frozen=True)
class Prediction:
    """What a model says of examples.

    Attributes:
        names: What the examples are called: their files, or their numbers.
        images: The examples as the model took them: images, `(count, height, width, channels)`, or
            rows of numbers.
        endpoint: The endpoint that was asked.
        outputs: Its outputs by name, `(count, …)` each.
        class_names: The names of the classes, or of the tags, where there are any.
        noun: What one of the examples is.
    """

    names: list[str]
    images: np.ndarray
    endpoint: str
    outputs: Mapping[str, np.ndarray]
    class_names: tuple[str, ...]
    noun: str = "image"

    @property
    def pictures(self) -> Mapping[str, np.ndarray]:
        """Those of the outputs that are images, or masks of them, with values in [0, 1]."""
        masks = {
            name: value[..., None] / max(1, value.max())
            for name, value in self.outputs.items()
            if value.ndim == 3 and value.dtype.kind in "iu"
        }
        return {name: value for name, value in self.outputs.items() if value.ndim == 4} | masks

    def classes(self, top: int = 1) -> list[list[tuple[str, float]]]:
        """For each image its most probable classes, in order, with their probabilities."""
        probabilities = self.outputs["probabilities"]
        probabilities = probabilities.reshape(len(self.names), -1)
        names = self.class_names or tuple(map(str, range(probabilities.shape[1])))
        order = np.argsort(-probabilities, axis=1)[:, :top]
        return [
            [(names[label], float(row[label])) for label in labels]
            for labels, row in zip(order, probabilities, strict=True)
        ]

    def rows(self, top: int = 1) -> list[dict[str, Any]]:
        """A row for each image in the types of JSON: its classes, or what else the model says."""
        rows: list[dict[str, Any]] = [{self.noun: name} for name in self.names]
        for name, values in self.outputs.items():
            if name == "probabilities" and values[0].size == values.shape[-1]:
                for row, most_probable in zip(rows, self.classes(top), strict=True):
                    row["class"], row["probability"] = most_probable[0]
                    if top > 1:
                        row["classes"] = dict(most_probable)
            elif name == "labels":
                names = self.class_names
                for row, labels in zip(rows, values, strict=True):
                    known = [int(label) for label in labels if label >= 0]
                    row["labels"] = [names[label] for label in known] if names else known
            elif name == "tags":
                names = self.class_names or tuple(map(str, range(values.shape[1])))
                for row, probabilities in zip(rows, values, strict=True):
                    pairs = zip(names, map(float, probabilities), strict=True)
                    row["tags"] = {tag: share for tag, share in pairs if share >= 0.5}
            elif values.ndim < 4 and name not in self.pictures:
                for row, value in zip(rows, values, strict=True):
                    row[name] = np.asarray(value).squeeze().tolist()
        return rows

    def write(self, out: Path) -> None:
        """Write all outputs to `outputs.npz` in a folder, and those that are images as pictures."""
        with replacing(out) as aside:
            aside.mkdir(parents=True)
            np.savez(aside / "outputs.npz", names=np.array(self.names), **self.outputs)
            (aside / "rows.json").write_text(json.dumps(self.rows(), indent=2) + "\n")
            for name, images in self.pictures.items():
                first = {"input": self.images[:SHOWN], name: images[:SHOWN]}
                draw_rows(first, aside / f"{name}.png")
                (aside / name).mkdir()
                for number, (given, image) in enumerate(zip(self.names, images, strict=True)):
                    stem = Path(given).stem or str(number)
                    draw_grid(image[None], aside / name / f"{number:05d}-{stem}.png")


def predict(
    run: str | Path,
    images: Any,
    *,
    endpoint: str | None = None,
    missing: str | None = None,
    steps: int | None = None,
    beam: int | None = None,
    value_range: tuple[float, float] | None = None,
    batch_size: int = 256,
    seed: int = 0,
) -> Prediction:
    """What the model of a run says of images: classes, reconstructions, completions, scores.

    Args:
        run: The folder of a finished training or search.
        images: Paths of pictures, of folders of pictures, or of one `.npz` file, whose pictures are
            brought to the size and the colours that the model takes; or data from Python, as
            `train` takes them, of the model's size. For a model of points or values the path of an
            `.npz` file, or of a table `.csv`, or data from Python; for a model of series the end of
            such a table is one. For a model of texts strings, or
            a `Path` or several, each of a file that is a text, of a folder of such, or of one table
            `.csv` with a column `text`. For a model of lines the same, each line of a file being
            one.
        endpoint: The endpoint to ask; if not given, the one that gives probabilities, else
            reconstructions, else scores, else the first.
        missing: The side of the images that the model is to complete: "upper", "lower", "left" or
            "right"; only of a model with the endpoint `complete`.
        steps: Gibbs steps, where the endpoint takes them; 1,000 if not given.
        beam: Beginnings of a translation that are kept, where the endpoint takes their number; 1 if
            not given, which is greedy decoding.
        value_range: The values of black and white in arrays; those of the run's data if not given.
        batch_size: Images at a time.
        seed: Seed of what is drawn.

    Returns:
        The outputs of the endpoint, with the names of the images and of the classes.

    Raises:
        UserError: If `run` is no finished run, the images cannot be used, or there is no such
            endpoint.
    """
    run = Run.open(run)
    check_count("batch_size", batch_size)
    seed = check_seed(seed)
    model, entry = run.load_model(), get_recipe(run.settings["recipe"])
    (column,) = entry.task.inputs
    if column == "image":
        shape = tuple(model.inputs[0].shape[1:])
        names, pixels = read_images(images, shape, value_range or run.settings.get("value_range"))
    else:
        features = {**entry.features(model.origin.arguments), **run.features}
        read = _texts if isinstance(features[column], Line | Text) else _rows
        names, pixels, *strings = read(images, column, features[column], entry.name)
    inputs = FEATURES[column].given_as or FEATURES[column].noun
    if missing is not None and missing not in SIDES:
        raise UserError(f"missing must be one of {', '.join(SIDES)}, got {missing!r}")
    name = "complete" if missing else endpoint or _first_endpoint(entry, inputs)
    if name is None:  # conditional models guess the class themselves
        outputs = {"outputs": model.predict(pixels, batch_size=batch_size, verbose=0)}
        return Prediction(names, pixels, "predict", outputs, run.class_names)
    if name not in entry.endpoints:
        raise UserError(f"{entry.name} has no endpoint {name!r}{nearest(name, entry.endpoints)}")
    given = {inputs: pixels}
    if "texts" in entry.endpoints[name].inputs:
        given = {"texts": strings[0]}
    part = _bound(entry.endpoints[name], model, name, next(iter(given)), steps, beam)
    if "mask" in entry.endpoints[name].inputs:
        mask = np.ones_like(pixels)
        if missing is not None:
            SIDES[missing](mask)[:] = 0
            given[inputs] = pixels * mask
        given["mask"] = mask
    batches, seeds = [], {}
    if "seed" in part.input:
        seeds["seed"] = ops.convert_to_tensor(seed, "int32")
    for start in range(0, len(pixels), batch_size):
        rows = {key: value[start : start + batch_size] for key, value in given.items()}
        if "texts" in rows:
            rows["texts"] = ops.convert_to_tensor(list(rows["texts"]), "string")
        batches.append(part.predict_on_batch(rows | seeds))
    outputs = {key: _array(np.concatenate([b[key] for b in batches])) for key in batches[0]}
    if "completions" in outputs and (outputs.get("steps", np.zeros(1)) < 0).any():
        raise UserError(
            f"{run.path}: {entry.name} draws pixels row by row, each from those before it, so that "
            f"what is missing must come last, missing='lower', got missing={missing!r}"
        )
    noun = {"image": "image", "text": "text", "source": "line"}.get(column, "row")
    several = run.features.get("tags") or run.features.get("token_labels")
    class_names = several.names if several else run.class_names
    return Prediction(names, given.get(inputs, pixels), name, outputs, class_names, noun)


def _array(values: np.ndarray) -> np.ndarray:
    """An output of an endpoint, texts as those of Python."""
    if values.dtype != object:
        return values
    return np.array([text.decode() for text in values])


def features(
    run: str | Path,
    images: Any,
    *,
    out: str | Path | None = None,
    value_range: tuple[float, float] | None = None,
    batch_size: int = 256,
    force: bool = False,
) -> np.ndarray:
    """The features of images, or codes, that the model of a run computes before its last layer.

    Args:
        run: The folder of a finished training or search.
        images: As `predict` takes them.
        out: File `.npz` to write them to, as `features`, with the `names` of the images.
        value_range: The values of black and white in arrays; those of the run's data if not given.
        batch_size: Images at a time.
        force: Whether an earlier file is replaced.

    Returns:
        `(count, features)`, float32.

    Raises:
        UserError: If `run` is no finished run or has no features, the images cannot be used, or
            `out` exists or is no `.npz`.
    """
    if out is not None:
        out = Path(out)
        if out.suffix != ".npz":
            raise UserError(f"features are written to a file .npz, got {out}")
        check_replaceable(out, force, "file of features")
    entry = get_recipe(Run.open(run).settings["recipe"])
    giving = [
        (name, output)
        for output in ("features", "codes")
        for name, endpoint in entry.endpoints.items()
        if output in endpoint.outputs and len(endpoint.inputs) == 1
    ]
    if not giving:
        raise UserError(f"{entry.name} has no endpoint that gives features or codes")
    (endpoint, output), *_ = giving
    found = predict(run, images, endpoint=endpoint, value_range=value_range, batch_size=batch_size)
    values = found.outputs[output].reshape(len(found.names), -1)
    if out is not None:
        with replacing(out) as aside:
            np.savez(aside, features=values, names=np.array(found.names))
    return values


def _first_endpoint(entry: Recipe, inputs: str) -> str | None:
    """The endpoint that says most of inputs of that name alone."""
    of_images = {
        name: e for name, e in entry.endpoints.items() if set(e.inputs) <= {inputs, "seed"}
    }
    # Of texts their numbers say as much; where they do not, the texts themselves are asked about.
    of_texts = {
        name: e for name, e in entry.endpoints.items() if {"texts"} <= set(e.inputs) <= OF_TEXTS
    }
    for asked in (of_images, of_texts):
        for output in entry.task.answers:
            for name, endpoint in asked.items():
                if output in endpoint.outputs:
                    return name
    return next(iter(of_images), None)


def _bound(
    endpoint: Endpoint,
    model: keras.Model,
    name: str,
    inputs: str,
    steps: int | None,
    beam: int | None,
) -> keras.Model:
    """The endpoint as a model of inputs of that name, and of what else goes with each of them."""
    if unknown := set(endpoint.inputs) - {inputs, "mask", "steps", "seed", "beam"}:
        raise UserError(
            f"the endpoint {name!r} takes {', '.join(sorted(unknown))} beside {inputs}, which "
            "predict cannot give"
        )
    if steps is not None and "steps" not in endpoint.inputs:
        raise UserError(f"the endpoint {name!r} takes no Gibbs steps, got steps={steps}")
    if beam is not None and "beam" not in endpoint.inputs:
        raise UserError(f"the endpoint {name!r} searches for nothing, got beam={beam}")
    if "beam" in endpoint.inputs:
        return endpoint.bind(model, beam=check_count("beam", 1 if beam is None else beam))
    if "steps" in endpoint.inputs:
        return endpoint.bind(model, steps=check_count("steps", STEPS if steps is None else steps))
    return endpoint.bind(model)


def read_images(
    images: Any, shape: tuple[int, ...], value_range: Sequence[float] | None
) -> tuple[list[str], np.ndarray]:
    """The names and pixels of images, in the shape that a model takes."""
    paths = [images] if isinstance(images, str | Path) else images
    of_paths = isinstance(paths, list | tuple) and all(isinstance(p, str | Path) for p in paths)
    if of_paths and not paths:
        raise UserError("there are no images to predict: name pictures, folders or an .npz file")
    if of_paths and any(Path(path).suffix == ".npz" for path in paths):
        if len(paths) > 1:
            raise UserError(f"one .npz file is taken alone, got {len(paths)} paths")
        images = _arrays(Path(paths[0]))
    elif of_paths:
        names, pixels = data_package.read_pictures([Path(p).expanduser() for p in paths], shape)
        return names, ImageSet("the pictures", pixels, value_range=(0, 255)).as_float()
    whole = data_package.from_python(images, name="the images", value_range=value_range)
    if whole.image_shape != shape:
        raise UserError(f"the model takes images of shape {shape}, got some of {whole.image_shape}")
    return list(map(str, range(len(whole)))), whole.as_float()


def _rows(given: Any, column: str, feature: Feature, recipe: str) -> tuple[list[str], np.ndarray]:
    """The names and the numbers of rows, in the form that a model takes."""
    paths = [given] if isinstance(given, str | Path) else given
    if isinstance(paths, list | tuple) and all(isinstance(p, str | Path) for p in paths):
        nouns = FEATURES[column].noun
        if len(paths) != 1 or (path := Path(paths[0]).expanduser()).suffix not in (".npz", ".csv"):
            raise UserError(
                f"{recipe} takes {nouns}: name one file .npz or .csv, got "
                f"{', '.join(map(str, paths)) or 'none'}"
            )
        if path.suffix == ".csv":
            given = feature.of_table(*data_package.read_columns(path))
        else:
            given = _arrays(path, (column, nouns))
    values = data_package.from_python(given, name="the data", columns=(column,)).given(column)
    feature.check(recipe, values)
    return list(map(str, range(len(values)))), values


def _texts(
    given: Any, column: str, feature: Text | Line, recipe: str
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """The names of texts or lines, their numbers, and themselves."""
    of_lines = isinstance(feature, Line)
    if not of_lines and feature.is_written and feature.rule != PLAIN:
        raise UserError(f"{recipe} goes on with texts: ask for samples, with a prompt")
    given = [given] if isinstance(given, str | Path) else given
    if isinstance(given, list | tuple) and not given:
        raise UserError("there are no texts to predict: give strings, or name files")
    names = None
    if isinstance(given, list | tuple) and any(isinstance(each, Path) for each in given):
        names, given = data_package.read_texts([Path(path).expanduser() for path in given])
        if of_lines:
            lines = [line.rstrip("\r") for text in given for line in text.split("\n")]
            given = [line for line in lines if line.strip()]
            if not given:
                raise UserError("there are no lines to predict: the files have none")
    texts = data_package.from_python(given, name="the data", columns=(column,)).columns[column]
    if of_lines:
        names = list(texts)
    return names or list(map(str, range(len(texts)))), feature.given(texts), texts


def _arrays(path: Path, keys: Sequence[str] = ("images", "x_test", "x_train")) -> np.ndarray:
    """The first array of these names in an `.npz` file."""
    try:
        with np.load(path, allow_pickle=False) as file:
            found = ", ".join(file) or "none"
            for key in keys:
                if key in file:
                    return file[key]
    except (OSError, EOFError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}") from error
    raise UserError(f"{path} has no array {keys[0]}, only {found}")
