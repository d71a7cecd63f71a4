"""scikit-learn's 1,797 handwritten digits of 8 x 8 pixels, which need no network."""

from __future__ import annotations

import numpy as np

from .image_set import ImageSet
from .splits import take


def read(split: str) -> ImageSet:
    """The split of the digits, about 1,257 to train, 180 to validate and 360 to test."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    whole = ImageSet(
        "digits",
        (digits.images / 16).astype(np.float32),  # stored as 0 to 16: exact as float32
        digits.target,
        tuple(map(str, digits.target_names)),
    )
    return take(whole, split, test=0.2)
