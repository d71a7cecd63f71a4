"""Tasks: what models learn of which features, and how jobs watch, draw and ask them."""

from .classification import CLASSIFICATION, SERIES_CLASSIFICATION, TEXT_CLASSIFICATION
from .density_estimation import (
    CONDITIONAL_DENSITY_ESTIMATION,
    DENSITY_ESTIMATION,
    JOINT_DENSITY_ESTIMATION,
)
from .forecasting import FORECASTING
from .generation import CONDITIONAL_GENERATION, GENERATION, POINT_GENERATION
from .language_modeling import LANGUAGE_MODELING
from .localization import LOCALIZATION
from .reconstruction import CONDITIONAL_RECONSTRUCTION, RECONSTRUCTION
from .regression import REGRESSION
from .segmentation import SEGMENTATION
from .tagging import TAGGING
from .task import Task
from .token_classification import TOKEN_CLASSIFICATION
from .translation import TRANSLATION
from .word_embedding import WORD_EMBEDDING

__all__ = [
    "CLASSIFICATION",
    "CONDITIONAL_DENSITY_ESTIMATION",
    "CONDITIONAL_GENERATION",
    "CONDITIONAL_RECONSTRUCTION",
    "DENSITY_ESTIMATION",
    "FORECASTING",
    "GENERATION",
    "JOINT_DENSITY_ESTIMATION",
    "LANGUAGE_MODELING",
    "LOCALIZATION",
    "POINT_GENERATION",
    "RECONSTRUCTION",
    "REGRESSION",
    "SEGMENTATION",
    "SERIES_CLASSIFICATION",
    "TAGGING",
    "TEXT_CLASSIFICATION",
    "TOKEN_CLASSIFICATION",
    "TRANSLATION",
    "WORD_EMBEDDING",
    "Task",
]
