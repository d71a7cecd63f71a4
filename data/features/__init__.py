"""Features: what the columns of examples are, and what models take of them."""

from .boxes import Boxes
from .feature import Feature
from .image import Image
from .label import Label
from .line import Line
from .mask import Mask
from .points import Points
from .series import Series
from .tags import Tags
from .text import Text
from .token_labels import TokenLabels
from .values import Targets, Values

# By the name of the column that holds it, as tensorflow-datasets has it where it has one.
FEATURES = {
    "image": Image,
    "label": Label,
    "text": Text,
    "mask": Mask,
    "boxes": Boxes,
    "points": Points,
    "series": Series,
    "source": Line,
    "tags": Tags,
    "targets": Targets,
    "token_labels": TokenLabels,
    "translation": Line,
    "values": Values,
}

__all__ = [
    "FEATURES",
    "Boxes",
    "Feature",
    "Image",
    "Label",
    "Line",
    "Mask",
    "Points",
    "Series",
    "Tags",
    "Targets",
    "Text",
    "TokenLabels",
    "Values",
]
