"""Callbacks: backups of a training, its stages, and pictures of what a model does as it learns."""

from ..compatibility import check_keras

check_keras()

from .backup import Backup  # noqa: E402
from .collapse_monitor import CollapseMonitor  # noqa: E402
from .drawing import made_of  # noqa: E402
from .early_stopping import EarlyStopping  # noqa: E402
from .epoch_pictures import EpochPictures  # noqa: E402
from .free_energy_gap import FreeEnergyGap  # noqa: E402
from .gradient_over_time import GradientOverTime  # noqa: E402
from .greedy_layerwise import GreedyLayerwise  # noqa: E402
from .kl_warm_up import KLWarmUp  # noqa: E402
from .learning_rate_decay import LearningRateDecay, steps  # noqa: E402
from .measurement import Measurement  # noqa: E402
from .pictures import (  # noqa: E402
    draw_attention,
    draw_boxes,
    draw_codes,
    draw_forecasts,
    draw_grid,
    draw_predictions,
    draw_rows,
    draw_samples,
)
from .progressive_growing import ProgressiveGrowing  # noqa: E402
from .reconstructions import Reconstructions  # noqa: E402
from .sample_grid import SampleGrid  # noqa: E402
from .sample_text import SampleText  # noqa: E402
from .schedule import Schedule  # noqa: E402
from .separation import Separation  # noqa: E402
from .unit_watch import UnitWatch  # noqa: E402

__all__ = [
    "Backup",
    "CollapseMonitor",
    "EarlyStopping",
    "EpochPictures",
    "FreeEnergyGap",
    "GradientOverTime",
    "GreedyLayerwise",
    "KLWarmUp",
    "LearningRateDecay",
    "Measurement",
    "ProgressiveGrowing",
    "Reconstructions",
    "SampleGrid",
    "SampleText",
    "Schedule",
    "Separation",
    "UnitWatch",
    "draw_attention",
    "draw_boxes",
    "draw_codes",
    "draw_forecasts",
    "draw_grid",
    "draw_predictions",
    "draw_rows",
    "draw_samples",
    "made_of",
    "steps",
]
