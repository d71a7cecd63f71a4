"""Mixtures of normal distributions in the plane: sets of points, on which modes can be counted."""

from __future__ import annotations

import numpy as np

from .examples import Examples
from .features import Label, Points
from .labels import numbered
from .splits import take

COUNT = 25_000


def ring() -> tuple[np.ndarray, float]:
    """Centres of 8 modes on a circle of radius 2, and their standard deviation."""
    angles = np.arange(8) * np.pi / 4
    return 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1), 0.02


def grid() -> tuple[np.ndarray, float]:
    """Centres of 25 modes two apart, and their standard deviation."""
    steps = np.arange(-4, 5, 2)
    return np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2), 0.05


MIXTURES = {"ring8": ring, "grid25": grid}


def read(name: str, split: str) -> Examples:
    """The split of 25,000 points, `points`, with the mode of each as its class, `label`.

    The square from (−5, −5) to (5, 5) is scaled to [0, 1].
    """
    centres, deviation = MIXTURES[name]()
    random = np.random.default_rng(0)
    modes = (np.arange(COUNT) % len(centres)).astype(np.int32)
    points = centres[modes] + deviation * random.standard_normal((COUNT, 2))
    columns = {"points": (0.5 + points / 10).astype(np.float32), "label": modes}
    names = numbered(modes)
    features = {"points": Points(2), "label": Label(len(names), names=names)}
    return take(Examples(name, columns, features), split)
