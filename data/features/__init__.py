"""Features: what the columns of examples are, and what models take of them."""

from .feature import Feature
from .image import Image
from .label import Label
from .text import Text

# By the name of the column that usually holds it, as tensorflow-datasets has it.
FEATURES = {"image": Image, "label": Label, "text": Text}

__all__ = ["FEATURES", "Feature", "Image", "Label", "Text"]
