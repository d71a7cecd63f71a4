"""Checked images."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ..errors import UserError
from . import value_range as ranges
from .as_array import as_images
from .examples import Examples
from .features import Feature, Image, Label
from .labels import class_numbers, numbered, read_labels
from .on_disk import OnDisk
from .origin import Origin


@dataclass(frozen=True, eq=False)
class ImageSet(Examples):
    """Examples that are images, with or without labels.

    Images of shape (count, height, width) get a channel axis. What their values mean is decided by
    their type and by what the whole set holds, once, and is in `value_range` and `reading` then;
    where two readings are possible, a `value_range` must be given. Arrays are not copied where they
    have the stored form already.

    A set is made of whole data. Of its parts `dataclasses.replace` makes sets that are read as the
    whole was: it takes images and labels in the form in which they are stored.

    Attributes:
        name: What messages call the images, such as "digits, split train".
        images: Array (count, height, width, channels), or a column on disk: uint8 if black and
            white are 0 and 255 in whole numbers, or else float32 in [0, 1].
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
        if self.reading is not None:
            images = as_images(self.name, self.images)
            set_field(self, "images", _checked_part(self.name, images))
            if self.labels is not None:
                labels = class_numbers(self.name, self.labels, len(images), self.class_names)
                set_field(self, "labels", labels)
            return
        image, images = Image.read(self.name, self.images, self.value_range)
        set_field(self, "value_range", image.value_range)
        set_field(self, "reading", image.reading)
        set_field(self, "images", images)
        if self.labels is not None:
            labels, names = read_labels(self.name, self.labels, len(images), self.class_names)
            set_field(self, "labels", labels)
            set_field(self, "class_names", names)

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
    def columns(self) -> dict[str, np.ndarray]:
        """The images as they are stored, `image`, and their classes, `label`, if there are any."""
        return {"image": self.images} | ({} if self.labels is None else {"label": self.labels})

    @property
    def features(self) -> dict[str, Feature]:
        """What the columns are."""
        image = Image(self.image_shape, value_range=self.value_range, reading=self.reading)
        if self.labels is None:
            return {"image": image}
        return {"image": image, "label": Label(self.num_classes, names=self.class_names)}

    def replaced(self, *, name=None, columns=None, features=None, origin=None):
        columns = self.columns if columns is None else columns
        features = self.features if features is None else features
        image, label = features["image"], features.get("label")
        return replace(
            self,
            name=self.name if name is None else name,
            images=columns["image"],
            labels=columns.get("label"),
            class_names=label.names if label else self.class_names,
            value_range=image.value_range,
            reading=image.reading,
            origin=origin or self.origin,
        )

    def take(self, rows):
        part = super().take(rows)
        if self.labels is None or self.class_names:
            return part
        # Named by their numbers, so that all parts agree on how many there are.
        return replace(part, class_names=numbered(self.labels))

    def as_float(self) -> np.ndarray:
        """All images as float32 in [0, 1], as `batches` gives them."""
        return self.given("image")


def _checked_part(name: str, images: np.ndarray) -> np.ndarray:
    if images.dtype not in (np.uint8, np.float32):
        raise UserError(
            f"{name}: the images are of type {images.dtype}, but in place of a set's images there "
            "can only be others as it stores them, uint8 or float32 in [0, 1]"
        )
    known = images.dtype == np.uint8 or isinstance(images, OnDisk)
    return images if known else ranges.scaled(name, images, ranges.UNIT)
