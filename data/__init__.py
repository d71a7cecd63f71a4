"""Images from many places, all in memory and all cut into the same splits.

`read` gives arrays, `load` gives batches to train with; importing this package needs only NumPy.
"""

from .image_set import ImageSet
from .read import absolute, load, read
from .splits import SPLITS

__all__ = ["SPLITS", "ImageSet", "absolute", "load", "read"]
