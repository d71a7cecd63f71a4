"""How many dimensions of a code say anything about the images."""

import numpy as np


def active_units(codes: np.ndarray, threshold: float = 0.01) -> int:
    """Number of the dimensions of codes that differ from image to image.

    Args:
        codes: Means of the codes of images, `(count, latent_dim)`, two images at least.
        threshold: Variance over the images above which a dimension is active.

    Returns:
        The number, from 0 to `latent_dim`.

    Raises:
        ValueError: If `codes` are not those of two or more images.

    Reference:
        Burda, Grosse & Salakhutdinov 2015, "Importance Weighted Autoencoders", section 5.2:
        https://arxiv.org/abs/1509.00519
    """
    if np.ndim(codes) != 2 or len(codes) < 2:
        raise ValueError(
            "active units are of the codes of two or more images, (count, latent_dim), "
            f"got shape {np.shape(codes)}"
        )
    return int((np.var(np.asarray(codes, "float64"), axis=0) > threshold).sum())
