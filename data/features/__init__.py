"""Features: what the columns of examples are, and what models take of them."""

from .boxes import Boxes
from .feature import Feature
from .image import Image
from .label import Label
from .mask import Mask
from .text import Text

# By the name of the column that usually holds it, as tensorflow-datasets has it.
FEATURES = {"image": Image, "label": Label, "text": Text, "mask": Mask, "boxes": Boxes}

__all__ = ["FEATURES", "Boxes", "Feature", "Image", "Label", "Mask", "Text"]
