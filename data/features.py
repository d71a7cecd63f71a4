"""What the columns of a data set are, as far as a model is made for them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Image:
    """Images.

    Attributes:
        shape: Height, width and channels.
    """

    shape: tuple[int, int, int]


@dataclass(frozen=True)
class Label:
    """Classes of examples.

    Attributes:
        count: Number of classes.
        length: Labels of an example.
    """

    count: int
    length: int = 1
