"""Checked images in memory and the batches made of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError

if TYPE_CHECKING:
    import tensorflow as tf

# Labels beyond this are surely identifiers, for which no model could have an output each.
_MOST_CLASSES = 100_000


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images in memory, with or without labels.

    Images of shape (count, height, width) get a channel axis. Whole numbers mean brightness 0 to
    255 and are stored as uint8; floating-point and boolean images, in [0, 1], as float32.

    Attributes:
        name: What messages call the images, such as "digits, split train".
        images: Array (count, height, width, channels), uint8 or float32.
        labels: Array (count,) of int32 class numbers in [0, num_classes), or None.
        class_names: The classes' names in the order of their numbers; may be empty.
    """

    name: str
    images: np.ndarray
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check everything and bring it to the stored types."""
        set_field = object.__setattr__  # the way that frozen dataclasses leave open
        set_field(self, "class_names", tuple(str(name) for name in self.class_names))
        set_field(self, "images", _checked_images(self.name, self.images))
        if self.labels is not None:
            set_field(self, "labels", _checked_labels(self))

    def __len__(self) -> int:
        """Number of images."""
        return len(self.images)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return self.images.shape[1:]

    @property
    def num_classes(self) -> int:
        """Number of classes; 0 without labels."""
        if self.labels is None:
            return 0
        return max(len(self.class_names), int(self.labels.max()) + 1)

    def first(self, count: int) -> ImageSet:
        """The first `count` images with their labels, or all if there are fewer."""
        labels = None if self.labels is None else self.labels[:count]
        return replace(self, images=self.images[:count], labels=labels)

    def as_float(self) -> np.ndarray:
        """All images as float32 in [0, 1], as `batches` gives them."""
        if self.images.dtype == np.uint8:
            return self.images.astype(np.float32) / np.float32(255)
        return self.images

    def batches(
        self,
        batch_size: int | Callable[[int], int],
        *,
        shuffle: bool = True,
        seed: int = 0,
        epoch: int = 0,
    ) -> tf.data.Dataset:
        """Batches of float32 images in [0, 1], paired with int32 labels if there are any.

        Iteration number k over the dataset has the order that (`seed`, `epoch` + k) determines, in
        every process, so a training that resumes with the number of epochs done goes on exactly.
        An iteration counts from its first batch on. Train with `fit(..., shuffle=False)`, or Keras
        warns that it cannot shuffle what is shuffled already.

        Args:
            batch_size: Images in a batch; the last batch of an epoch may be smaller. A function
                gives that of the batch that follows on so many images, those of earlier epochs and
                of skipped ones included. Keras takes all epochs of a `fit` to have as many batches
                as the first: where that changes, begin another one.
            shuffle: Whether each iteration has its own order, or all have the stored one.
            seed: Which sequence of orders to use, 0 or more.
            epoch: How many orders of the sequence to skip, 0 or more.
        """
        size_of = batch_size if callable(batch_size) else None
        for argument, value, least in (
            ("batch_size", 1 if size_of else batch_size, 1),
            ("seed", seed, 0),
            ("epoch", epoch, 0),
        ):
            if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
                raise UserError(
                    f"{argument} is {value!r}, but must be a whole number of at least {least}"
                )
        import tensorflow as tf

        with tf.device("CPU"):  # beside the input pipeline, not in an accelerator's memory
            images = tf.constant(self.images)
            labels = None if self.labels is None else tf.constant(self.labels)

        # A Python counter, advanced when an iteration draws its first batch: Keras makes more
        # iterators than it uses, and a tf.Variable would be mirrored under a strategy's scope.
        epochs = itertools.count(int(epoch))

        def order() -> Iterator[np.ndarray]:
            done = next(epochs)
            if shuffle:
                all_ = np.random.default_rng((int(seed), done)).permutation(len(self))
            else:
                all_ = np.arange(len(self))
            if size_of is None:
                yield all_
                return
            for start, end in itertools.pairwise(self._starts(size_of, done)):
                yield all_[start:end]

        def batch(index: tf.Tensor) -> tf.Tensor | tuple[tf.Tensor, tf.Tensor]:
            pictures = tf.gather(images, index)
            if pictures.dtype == tf.uint8:
                pictures = tf.cast(pictures, tf.float32) / 255.0
            return pictures if labels is None else (pictures, tf.gather(labels, index))

        # Where TensorFlow 2.21 tunes a pipeline, ending an epoch of it often takes a second.
        options = tf.data.Options()
        options.autotune.enabled = False
        if size_of is None:
            size = min(int(batch_size), len(self))

            def whole(_: tf.Tensor) -> tf.Tensor:
                all_ = tf.numpy_function(lambda: next(order()), [], tf.int64)
                return tf.ensure_shape(all_, (None,))

            # Beside generators and nested data sets this begins an epoch in a quarter of the time,
            # and takes half of it for a batch of 100.
            indices = (
                tf.data.Dataset.range(1)
                .map(whole)
                .rebatch(size)
                .apply(tf.data.experimental.assert_cardinality(-(-len(self) // size)))
            )
        else:
            some = tf.TensorSpec((None,), tf.int64)
            count = self.batch_count(size_of, epoch)
            indices = tf.data.Dataset.from_generator(order, output_signature=some).apply(
                tf.data.experimental.assert_cardinality(count)
            )
        return (
            indices.map(batch, num_parallel_calls=2, deterministic=True)
            .prefetch(4)
            .with_options(options)
        )

    def batch_count(self, batch_size: int | Callable[[int], int], epoch: int = 0) -> int:
        """How many batches an epoch has, its number from 0."""
        if not callable(batch_size):
            return -(-len(self) // batch_size)
        return len(self._starts(batch_size, epoch)) - 1

    def _starts(self, size_of: Callable[[int], int], epoch: int) -> list[int]:
        """Where the batches of an epoch begin, and where the last one ends."""
        starts = [0]
        while starts[-1] < len(self):
            size = size_of(epoch * len(self) + starts[-1])
            if size < 1:  # else there would be no end
                raise UserError(f"batch_size gives {size!r}, but must give at least 1")
            starts.append(min(starts[-1] + size, len(self)))
        return starts


def _checked_images(name: str, images: np.ndarray) -> np.ndarray:
    images = _array(name, "images", images)
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if images.ndim != 4:
        raise UserError(
            f"{name}: the images have shape {images.shape}, but must be "
            "(count, height, width) or (count, height, width, channels)"
        )
    if 0 in images.shape:
        raise UserError(f"{name}: there are no pixels in images of shape {images.shape}")
    if images.dtype.kind not in "buif":
        raise UserError(
            f"{name}: the images are of type {images.dtype}, but must be whole numbers 0 to 255 "
            "or floating-point numbers in [0, 1]"
        )
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind == "f":
        _check_range(name, images, 1, "floating-point images must be finite and lie in [0, 1]")
    elif images.dtype.kind in "ui":
        _check_range(name, images, 255, "whole-number images must lie in 0 to 255")
        return images.astype(np.uint8)
    return images.astype(np.float32, copy=False)


def _check_range(name: str, images: np.ndarray, largest: int, rule: str) -> None:
    wrong = ~((images >= 0) & (images <= largest))  # NaN compares false, so it is wrong too
    if not wrong.any():
        return
    image, *pixel = (int(i) for i in np.unravel_index(wrong.argmax(), wrong.shape))
    raise UserError(
        f"{name}: {rule}, but {int(wrong.any(axis=(1, 2, 3)).sum())} of {len(images)} images do "
        f"not (first image {image} at row, column, channel {tuple(pixel)}: "
        f"{images[image, *pixel]}; {_extent(images)})"
    )


def _extent(images: np.ndarray) -> str:
    """Between which values the pixels lie, in words."""
    known = images[~np.isnan(images)]
    if not known.size:
        return "all values are NaN"
    nan = " and NaN" if known.size < images.size else ""
    return f"values go from {known.min()} to {known.max()}{nan}"


def _checked_labels(images: ImageSet) -> np.ndarray:
    name, classes = images.name, len(images.class_names)
    labels = _array(name, "labels", images.labels)
    if labels.shape != (len(images),):
        raise UserError(
            f"{name}: the labels have shape {labels.shape}, but must be ({len(images)},), "
            "one class number per image"
        )
    if labels.dtype.kind not in "buif" or not np.all(labels == np.floor(labels)):
        raise UserError(
            f"{name}: the labels, of type {labels.dtype}, must be class numbers, "
            "whole numbers from 0 on"
        )
    limit = classes or _MOST_CLASSES
    wrong = (labels < 0) | (labels >= limit)
    if wrong.any():
        first = int(wrong.argmax())
        raise UserError(
            f"{name}: labels must be class numbers from 0 to {limit - 1}, but {wrong.sum()} are "
            f"not (first label {first}: {labels[first]}; they go from {labels.min()} to "
            f"{labels.max()})"
        )
    return labels.astype(np.int32, copy=False)


def _array(name: str, what: str, values: object) -> np.ndarray:
    try:
        return np.asarray(values)
    except ValueError as error:  # lists of unequal lengths
        raise UserError(f"{name}: the {what} do not form an array, as they must") from error
