"""One way to read examples from any source, by name."""

from __future__ import annotations

import math
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..checks import check_count
from ..errors import UserError
from . import arrays, catalogue, crowds, digits, folder, mixtures, scenes, series, tables, texts
from . import value_range as ranges
from .examples import Examples
from .features import FEATURES, Series
from .fingerprint import PREFIXES
from .origin import origin_of
from .resize import resize
from .splits import check_split

if TYPE_CHECKING:
    import tensorflow as tf


# Images are kept in memory: of this many grey pixels they take 8 GiB.
MOST_PIXELS = 2**33
# Texts with classes, by name.
LABELLED = {"fortunes": texts.fortunes, "python_topics": texts.python_topics}
# Series with what follows, by name.
FORECAST = {
    "adding": series.adding,
    "hourly_temperatures": series.hourly_temperatures,
    "mackey_glass": series.mackey_glass,
}
# The shapes of images as series.
SERIES = {
    "rows": lambda count, height, width, channels: (count, height, width * channels),
    "pixels": lambda count, height, width, channels: (count, height * width, channels),
}


def read(
    name: str,
    split: str = "train",
    *,
    image_size: int | tuple[int, int] | None = None,
    value_range: tuple[float, float] | None = None,
    sequence_length: int | None = None,
    horizon: int | None = None,
) -> Examples:
    """Read a split of a data set into memory.

    Args:
        name: `digits`; `scenes`, digits among clutter with masks and boxes; `crowds`, several
            digits with tags; `ring8` or `grid25`, points in the plane; an image-classification
            data set of tensorflow-datasets such as `fashion_mnist`, or `fashion_mnist:FOLDER` to
            prepare it from the original files in a folder; `images:FOLDER` for a folder of
            pictures, or of class folders of pictures;
            `arrays:FILE.npz` for NumPy arrays, of images or of any columns. `padded:NAME` is any of
            these with black margins around the images, up to the next powers of two: 28×28 pixels
            become 32×32. `rows:NAME` and `pixels:NAME` are series: the rows of such images one
            after another, or their pixels. Of text:
            `python_docs`, the prose of Python's own help, or `text:FILE`, or `text:FOLDER` for all
            its files `*.txt`. Of texts with a class each: `python_topics`, paragraphs of that help
            with their topics, `fortunes` of the Debian package of that name with their categories,
            `texts:FOLDER` for a folder of files `*.txt` for each class, or `table:FILE.csv` with
            the columns `text` and `label`. Of numbers: `diabetes`, patients, or another
            `table:FILE.csv`, whose last column is to be predicted. Of series with what follows:
            `series:FILE.csv`, a row for each step in time, `mackey_glass`, `hourly_temperatures` of
            the package `vega-datasets`; `adding`, sums to tell.
        split: One of `SPLITS`.
        image_size: Height and width wanted, one number for both; each image is scaled until it
            just covers them, and its centre cut out.
        value_range: The values of black and of white pixels, such as (0, 255) or (-1, 1), for data
            that can be read in two ways. What is used by default is in the set's `value_range` and,
            in words, its `reading`; it is the same for all splits.
        sequence_length: Characters of the sequences that a text is cut into, 50 if not given; of
            texts with classes the words that are taken at the most, 200 if not given; of a series
            the steps before those to be forecast, 168 if not given.
        horizon: Steps of a series that are to be forecast; 24 if not given.
    """
    check_split(split)
    source, colon, location = name.partition(":")
    if colon and not location:
        raise UserError(f"the data set {name!r} lacks what must follow the colon")
    path = Path(location).expanduser()
    if name in FORECAST or (source == "series" and colon):
        if image_size is not None or value_range is not None:
            raise UserError(f"{name} is a series, which has no image_size or value_range")
        given = {"sequence_length": sequence_length, "horizon": horizon}
        sizes = [n if n is None else check_count(key, n) for key, n in given.items()]
        examples = series.read(path, split, *sizes) if colon else FORECAST[name](split, *sizes)
        return examples.replaced(name=f"{name}, split {split}")
    if horizon is not None:
        raise UserError(f"{name} is no series with what follows, which alone has a horizon")
    if source in SERIES and colon:
        if sequence_length is not None:
            raise UserError(f"{name} is no text, which alone has a sequence_length")
        images = read(location, split, image_size=image_size, value_range=value_range)
        return _as_series(images, source, f"{name}, split {split}")
    if name == "python_docs" or (source == "text" and colon):
        if image_size is not None or value_range is not None:
            raise UserError(f"{name} is text, which has no image_size or value_range")
        if sequence_length is not None:
            sequence_length = check_count("sequence_length", sequence_length)
        text = texts.read_text(path) if colon else texts.python_docs()
        return texts.sequences(f"{name}, split {split}", text, split, sequence_length)
    if name in LABELLED or (source == "texts" and colon):
        if image_size is not None or value_range is not None:
            raise UserError(f"{name} is text, which has no image_size or value_range")
        examples = texts.read_folder(path, split) if colon else LABELLED[name](split)
        return _cut(examples, name, split, sequence_length)
    size = _checked_size(image_size)
    if value_range is not None:
        value_range = ranges.checked(value_range)
    if source == "padded" and colon:
        images = read(location, split, image_size=size, value_range=value_range)
        return _with_images(images, _padded(_images(images, name)), f"{name}, split {split}")
    if name in ("crowds", "scenes"):
        if value_range not in (None, ranges.BYTES):
            raise UserError(f"{name} has bytes from 0 to 255, not from {value_range}")
        return {"crowds": crowds, "scenes": scenes}[name].read(split, size)
    if name in mixtures.MIXTURES or name == "diabetes" or (source == "table" and colon):
        if size is not None or value_range is not None:
            raise UserError(f"{name} has no images, which alone have an image_size or value_range")
        if name in mixtures.MIXTURES:
            images = mixtures.read(name, split)
        else:
            images = tables.read(path, split) if colon else tables.diabetes(split)
    elif name == "digits":
        if value_range not in (None, ranges.UNIT):
            raise UserError(
                f"{name} has numbers in [0, 1], so its value_range is (0, 1), not {value_range}"
            )
        images = digits.read(split)
    elif source == "images" and colon:
        images = folder.read(path, split, size, value_range)
    elif source == "arrays" and colon:
        images = arrays.read(path, split, value_range)
    else:
        images = catalogue.read(source, path if colon else None, split, size, value_range)
    title = f"{name}, split {split}"
    if size is None:
        return _cut(images, name, split, sequence_length)
    if sequence_length is not None:
        raise UserError(f"{name} is no text, which alone has a sequence_length")
    pixels = _images(images, name)
    if len(images) * math.prod(size) > MOST_PIXELS:
        raise UserError(
            f"{len(images):,} images of {size[0]}×{size[1]} pixels do not fit in memory; the image "
            "size must be smaller"
        )
    if pixels.shape[1:3] != size:
        pixels = np.stack([resize(picture, size) for picture in pixels])
    return _with_images(images, pixels, title)


def _images(examples: Examples, name: str) -> np.ndarray:
    """The images of examples that consist of nothing else that has their size."""
    if "image" not in examples.columns:
        raise UserError(f"{name} has no images to bring to another form")
    if beside := {"mask", "boxes"} & examples.columns.keys():
        nouns = " and ".join(sorted(FEATURES[column].noun for column in beside))
        raise UserError(f"{name} has {nouns}, so that its images cannot be brought to another form")
    return examples.columns["image"]


def _cut(examples: Examples, name: str, split: str, length: int | None) -> Examples:
    """Examples whose texts are taken up to a length, if there is one."""
    title = f"{name}, split {split}"
    if length is None:
        return examples.replaced(name=title)
    if "text" not in examples.features:
        raise UserError(f"{name} is no text, which alone has a sequence_length")
    text = replace(examples.features["text"], length=check_count("sequence_length", length))
    return examples.replaced(name=title, features={**examples.features, "text": text})


def _as_series(examples: Examples, kind: str, name: str) -> Examples:
    """Images as series: of their rows, or of their pixels."""
    images = _images(examples, name.partition(", split")[0])
    pixels = examples.features["image"].given(images)
    count, height, width, channels = pixels.shape
    column = pixels.reshape(SERIES[kind](count, height, width, channels))
    feature = Series(*column.shape[1:])
    beside = [column for column in examples.columns if column != "image"]
    columns = {"series": column, **{column: examples.columns[column] for column in beside}}
    features = {"series": feature, **{column: examples.features[column] for column in beside}}
    return Examples(name, columns, features, origin=examples.origin or origin_of(examples))


def _with_images(examples: Examples, pixels: np.ndarray, name: str) -> Examples:
    """The same with other images."""
    image = replace(examples.features["image"], shape=pixels.shape[1:])
    return examples.replaced(
        name=name,
        columns={**examples.columns, "image": pixels},
        features={**examples.features, "image": image},
    )


def absolute(name: str) -> str:
    """The name of a data set with its path, if it has one, made absolute.

    Args:
        name: A name as `read` takes it.
    """
    source, _, location = name.partition(":")
    if source in PREFIXES and location:
        return f"{source}:{absolute(location)}"
    return f"{source}:{Path(location).expanduser().absolute()}" if location else name


def load(
    name: str,
    split: str = "train",
    batch_size: int = 64,
    *,
    image_size: int | tuple[int, int] | None = None,
    value_range: tuple[float, float] | None = None,
    sequence_length: int | None = None,
    horizon: int | None = None,
    shuffle: bool | None = None,
    seed: int = 0,
    epoch: int = 0,
) -> tf.data.Dataset:
    """Batches of a split of a data set: `read(...)` followed by `Examples.batches(...)`.

    They are shuffled as they are made: train with `fit(..., shuffle=False)`, or Keras warns.

    Args:
        name: Name of the data set, as `read` takes it.
        split: "train", "validation", "test" or "train+validation".
        batch_size: Images in a batch.
        image_size: Height and width to resize to, one number for both.
        value_range: The values of black and of white pixels, as `read` takes them.
        sequence_length: Characters of the sequences of a text, as `read` takes them.
        horizon: Steps of a series that are to be forecast, as `read` takes them.
        shuffle: Whether each epoch has its own order; by default, where the split is to train with.
        seed: Seed of the orders.
        epoch: Number of orders to skip, those of epochs that are done.
    """
    if shuffle is None:
        shuffle = "train" in split
    lengths = {"sequence_length": sequence_length, "horizon": horizon}
    examples = read(name, split, image_size=image_size, value_range=value_range, **lengths)
    return examples.batches(batch_size, shuffle=shuffle, seed=seed, epoch=epoch)


def _padded(pixels: np.ndarray) -> np.ndarray:
    """Images in the middle of black ones whose sides are the next powers of two."""
    margins = [2 ** math.ceil(math.log2(side)) - side for side in pixels.shape[1:3]]
    return np.pad(pixels, [(0, 0), *((m // 2, m - m // 2) for m in margins), (0, 0)])


def _checked_size(image_size: int | tuple[int, int] | None) -> tuple[int, int] | None:
    if image_size is None:
        return None
    size = (image_size, image_size) if isinstance(image_size, Integral) else image_size
    if (
        not isinstance(size, tuple | list)
        or len(size) != 2
        or not all(isinstance(n, Integral) and not isinstance(n, bool) and n >= 1 for n in size)
    ):
        raise UserError(
            f"the image size is {image_size!r}, but must be a whole number of at least 1, or two "
            "of them, height and width"
        )
    return int(size[0]), int(size[1])
