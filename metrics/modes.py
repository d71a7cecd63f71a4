"""Which modes of a mixture a model's samples come from."""

import numpy as np
from scipy.spatial.distance import cdist


def modes_covered(samples: np.ndarray, centres: np.ndarray, deviation: float) -> tuple[int, float]:
    """Number of modes that samples come from, and the share of good samples.

    A sample is good if it is within three standard deviations of a centre, and covers the nearest.

    Args:
        samples: Points, `(count, dimensions)`.
        centres: Means of the modes, `(modes, dimensions)`.
        deviation: Standard deviation of each mode, above 0.

    Returns:
        The number of modes covered, at most `len(centres)`, and the share of good samples in
        [0, 1].

    Raises:
        ValueError: If the deviation is not above 0.

    Reference:
        Srivastava et al. 2017, "VEEGAN: Reducing Mode Collapse in GANs using Implicit Variational
        Learning": https://arxiv.org/abs/1705.07761
    """
    if not deviation > 0:
        raise ValueError(f"deviation must be above 0, got {deviation}")
    distances = cdist(samples, centres)
    good = distances.min(axis=1) <= 3 * deviation
    return len(np.unique(distances.argmin(axis=1)[good])), float(good.mean())
