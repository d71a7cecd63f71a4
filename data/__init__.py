"""Images from many places, all in memory and all cut into the same splits.

`read` gives arrays, `load` gives batches to train with; importing this package needs only NumPy.
"""

from .image_set import ImageSet
from .own import from_python, split
from .read import absolute, load, read
from .splits import SPLITS

__all__ = ["SPLITS", "ImageSet", "absolute", "from_python", "load", "read", "split"]
