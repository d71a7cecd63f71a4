"""Examples from many places, in memory or on disk, all cut into the same splits.

`read` gives examples, `load` gives batches to train with; importing this package needs only NumPy.
"""

from .changes import changes
from .examples import Examples
from .fingerprint import Fingerprint, fingerprint
from .image_set import ImageSet
from .own import from_python, split
from .pictures import read_pictures
from .read import absolute, load, read
from .sources import takes
from .splits import SPLITS
from .tables import read_columns, read_texts

__all__ = [
    "SPLITS",
    "Examples",
    "Fingerprint",
    "ImageSet",
    "absolute",
    "changes",
    "fingerprint",
    "from_python",
    "load",
    "read",
    "read_columns",
    "read_pictures",
    "read_texts",
    "split",
    "takes",
]
