"""Checked images in memory and the batches made of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError
from . import value_range as ranges
from .as_array import as_images
from .features import Image, Label
from .labels import class_numbers, read_labels
from .origin import Origin

if TYPE_CHECKING:
    import tensorflow as tf

# Bytes of pixels, as float32, that one element of the input pipeline has at most.
MADE_AT_ONCE = 2**17


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images in memory, with or without labels.

    Images of shape (count, height, width) get a channel axis. What their values mean is decided by
    their type and by what the whole set holds, once, and is in `value_range` and `reading` then;
    where two readings are possible, a `value_range` must be given. Arrays are not copied where they
    have the stored form already.

    A set is made of whole data. Of its parts `dataclasses.replace` makes sets that are read as the
    whole was: it takes images and labels in the form in which they are stored.

    Attributes:
        name: What messages call the images, such as "digits, split train".
        images: Array (count, height, width, channels): uint8 if black and white are 0 and 255 in
            whole numbers, or else float32 in [0, 1].
        labels: Array (count,) of int32 class numbers in [0, num_classes), or None. One-hot rows and
            the names of classes are taken, too.
        class_names: The classes' names in the order of their numbers; may be empty.
        value_range: The values that were black and white in the images given; None has it decided.
        reading: How the images given were read, in words. Only sets made of a set's parts are given
            it.
        origin: The whole set that this one was cut from; None for whole sets.
    """

    name: str
    images: np.ndarray
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] = ()
    value_range: tuple[float, float] | None = None
    reading: str | None = field(default=None, kw_only=True)
    origin: Origin | None = field(default=None, kw_only=True, repr=False)

    def __post_init__(self) -> None:
        """Check everything and bring it to the stored types."""
        set_field = object.__setattr__  # the way that frozen dataclasses leave open
        set_field(self, "class_names", tuple(str(name) for name in self.class_names))
        images = as_images(self.name, self.images)
        if self.reading is not None:
            set_field(self, "images", _checked_part(self.name, images))
            if self.labels is not None:
                labels = class_numbers(self.name, self.labels, len(images), self.class_names)
                set_field(self, "labels", labels)
            return
        if self.value_range is None:
            set_field(self, "value_range", ranges.decide(self.name, [images]))
        else:
            set_field(self, "value_range", ranges.checked(self.value_range))
        set_field(self, "reading", ranges.reading(images.dtype, self.value_range))
        set_field(self, "images", ranges.scaled(self.name, images, self.value_range))
        if self.labels is not None:
            labels, names = read_labels(self.name, self.labels, len(images), self.class_names)
            set_field(self, "labels", labels)
            set_field(self, "class_names", names)

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

    @property
    def features(self) -> dict[str, Image | Label]:
        """What there is of an example, by name: `image`, and `label` if there are any."""
        features = {"image": Image(self.image_shape)}
        return features if self.labels is None else features | {"label": Label(self.num_classes)}

    @property
    def is_plain(self) -> bool:
        """Whether `reading` goes without saying: bytes, true and false, or numbers in [0, 1]."""
        return self.reading in ranges.PLAIN

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

            # To hand on a small batch costs more than to make it, so several are made at once.
            several = max(1, MADE_AT_ONCE // (4 * size * math.prod(self.image_shape)))
            # Beside generators and nested data sets this begins an epoch in a quarter of the time,
            # and takes half of it for a batch of 100.
            indices = tf.data.Dataset.range(1).map(whole).rebatch(size * several)
        else:
            several = 1
            some = tf.TensorSpec((None,), tf.int64)
            indices = tf.data.Dataset.from_generator(order, output_signature=some)
        batches = indices.map(batch, num_parallel_calls=2, deterministic=True).prefetch(4)
        if several > 1:
            batches = batches.rebatch(size)
        count = tf.data.experimental.assert_cardinality(self.batch_count(batch_size, epoch))
        batches = batches.apply(count).with_options(options)
        # For whoever has to know what is in them: to draw some would count as an iteration.
        batches.examples = self._extremes
        return batches

    def _extremes(self) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Two of the images as `batches` gives them, those with the least and the largest label."""
        if self.labels is None:
            return self.first(2).as_float()
        rows = [self.labels.argmin(), self.labels.argmax()]
        chosen = replace(self, images=self.images[rows], labels=self.labels[rows])
        return chosen.as_float(), chosen.labels

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


def _checked_part(name: str, images: np.ndarray) -> np.ndarray:
    if images.dtype not in (np.uint8, np.float32):
        raise UserError(
            f"{name}: the images are of type {images.dtype}, but in place of a set's images there "
            "can only be others as it stores them, uint8 or float32 in [0, 1]"
        )
    return images if images.dtype == np.uint8 else ranges.scaled(name, images, ranges.UNIT)
