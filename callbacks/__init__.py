"""Callbacks: crash-safe backups of a training, and pictures of what a model does as it learns."""

from ..compatibility import check_keras

check_keras()

from .backup import Backup  # noqa: E402
from .pictures import draw_grid, draw_rows  # noqa: E402
from .reconstructions import Reconstructions  # noqa: E402

__all__ = ["Backup", "Reconstructions", "draw_grid", "draw_rows"]
