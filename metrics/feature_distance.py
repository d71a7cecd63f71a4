"""Distances between two sets of images by the features of any model."""

import numpy as np
from scipy.spatial.distance import cdist

# Rows whose distances to all others are computed at once.
ROWS = 1000


def frechet_distance(real: np.ndarray, fake: np.ndarray) -> float:
    """Fréchet distance of two sets of features, as of normal distributions.

    It is named after the model that the features are from: with those of the Inception net, and of
    none other, it is the "FID".

    Args:
        real: Features, `(count, features)`, of at least two images.
        fake: Features of other images, any count.

    Returns:
        `‖m₁ − m₂‖² + Tr(C₁ + C₂ − 2 (C₁C₂)^½)` of means m and covariances C, at least 0.

    Raises:
        ValueError: If the sets are not rows of equally many features.

    Reference:
        Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash
        Equilibrium": https://arxiv.org/abs/1706.08500
    """
    real, fake = _checked(real, fake)
    one, other = (np.cov(rows, rowvar=False).reshape(2 * rows.shape[1:]) for rows in (real, fake))
    # The trace of (C₁C₂)^½ is that of the root of the symmetric C₁^½ C₂ C₁^½.
    values, vectors = np.linalg.eigh(one)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ other @ root), 0)).sum()
    apart = np.square(real.mean(0) - fake.mean(0)).sum()
    return float(max(apart + np.trace(one) + np.trace(other) - 2 * cross, 0))


def kernel_distance(
    real: np.ndarray, fake: np.ndarray, *, subsets: int = 100, size: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Kernel distance of two sets of features: unlike the Fréchet distance, unbiased.

    The squared maximum mean discrepancy for the kernel `(x·y / features + 1)³`, over random
    subsets.

    Args:
        real: Features, `(count, features)`, of at least two images.
        fake: Features of other images, any count.
        subsets: Number of subsets.
        size: Rows of each, at most; no more than there are.
        seed: Seed of the subsets.

    Returns:
        The mean over the subsets, and its standard error.

    Raises:
        ValueError: If the sets are not rows of equally many features.

    Reference:
        Bińkowski et al. 2018, "Demystifying MMD GANs": https://arxiv.org/abs/1801.01401
    """
    real, fake = _checked(real, fake)
    random, size = np.random.default_rng(seed), min(size, len(real), len(fake))

    def kernel(a, b):
        return (a @ b.T / a.shape[1] + 1) ** 3

    values = []
    for _ in range(subsets):
        a, b = (rows[random.choice(len(rows), size, replace=False)] for rows in (real, fake))
        own = kernel(a, a) + kernel(b, b)
        others = own.sum() - np.trace(own)
        values.append(others / (size * (size - 1)) - 2 * kernel(a, b).mean())
    return float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(subsets))


def precision_recall(
    real: np.ndarray, fake: np.ndarray, *, neighbours: int = 3
) -> tuple[float, float]:
    """How many generated images are among the real ones, and how many real among the generated.

    A set's region is made of a ball around each of its rows that reaches to its k-th neighbour.

    Args:
        real: Features, `(count, features)`.
        fake: Features of other images.
        neighbours: The k, at least 1 and below either count.

    Returns:
        Precision, the share of `fake` in the region of `real`, and recall, the reverse.

    Raises:
        ValueError: If the sets are not rows of equally many features, or too few.

    Reference:
        Kynkäänniemi et al. 2019, "Improved Precision and Recall Metric for Assessing Generative
        Models": https://arxiv.org/abs/1904.06991
    """
    real, fake = _checked(real, fake)
    if not 1 <= neighbours < min(len(real), len(fake)):
        raise ValueError(
            f"neighbours must be at least 1 and below {min(len(real), len(fake))}, got {neighbours}"
        )
    return _share_within(fake, real, neighbours), _share_within(real, fake, neighbours)


def _share_within(points: np.ndarray, region: np.ndarray, neighbours: int) -> float:
    """Share of the points in a ball around any row of the region."""
    radii = np.concatenate(
        [
            np.partition(cdist(region[i : i + ROWS], region), neighbours, axis=1)[:, neighbours]
            for i in range(0, len(region), ROWS)
        ]
    )  # a row's nearest is itself
    inside = [
        (cdist(points[i : i + ROWS], region) <= radii).any(1) for i in range(0, len(points), ROWS)
    ]
    return float(np.concatenate(inside).mean())


def _checked(real, fake) -> tuple[np.ndarray, np.ndarray]:
    real, fake = np.asarray(real, "float64"), np.asarray(fake, "float64")
    if real.ndim != 2 or fake.ndim != 2 or real.shape[1] != fake.shape[1]:
        raise ValueError(f"two arrays (count, features) are needed, got {real.shape}, {fake.shape}")
    if min(len(real), len(fake)) < 2:
        raise ValueError(f"at least two rows of each are needed, got {len(real)} and {len(fake)}")
    return real, fake
