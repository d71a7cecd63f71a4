"""The sliced Wasserstein distance between two sets of images, scale by scale."""

from collections.abc import Iterator

import numpy as np
from scipy.ndimage import convolve1d

# The filter of the Laplacian pyramid (Burt & Adelson 1983).
BINOMIAL = np.array([1, 4, 6, 4, 1], "float32") / 16
PATCH = 7


def sliced_wasserstein(
    real: np.ndarray,
    fake: np.ndarray,
    *,
    patches: int = 128,
    directions: int = 512,
    repeats: int = 4,
    seed: int = 0,
) -> dict[str, float]:
    """Distance between patches of two sets of images at each level of their Laplacian pyramids.

    Each level shows detail of one scale, the last one the rest. Patches of 7×7 pixels, normalised
    channel by channel, are projected on random directions; the distance of two equally large sets
    of numbers is the mean difference once both are sorted.

    Args:
        real: Images, `(count, height, width, channels)`; of odd sides the last pixels are left out
            at each level.
        fake: As many images of the same shape.
        patches: Patches of each image and level.
        directions: Random directions of each repeat.
        repeats: How often directions are drawn anew.
        seed: Seed of patches and directions.

    Returns:
        `"28"`, `"14"`, … to the distances of these heights, times 1,000 as in the paper, and
        `"mean"` to their mean. Of two sets of the same source they are small, but above 0, as
        patches are drawn from each.

    Raises:
        ValueError: If the sets differ in shape, or images are smaller than a patch.

    Reference:
        Karras et al. 2017, "Progressive Growing of GANs for Improved Quality, Stability, and
        Variation": https://arxiv.org/abs/1710.10196
    """
    real, fake = np.asarray(real, "float32"), np.asarray(fake, "float32")
    if real.shape != fake.shape or real.ndim != 4 or min(real.shape[1:3]) < PATCH:
        raise ValueError(
            f"two equal shapes (count, height, width, channels) of at least {PATCH} pixels a side "
            f"are needed, got {real.shape} and {fake.shape}"
        )
    random, distances = np.random.default_rng(seed), {}
    for a, b in zip(_pyramid(real), _pyramid(fake), strict=True):
        rows = [_normalised(_patches(images, patches, random)) for images in (a, b)]
        total = 0.0
        for _ in range(repeats):
            projection = random.standard_normal((rows[0].shape[1], directions), "float32")
            projection /= np.linalg.norm(projection, axis=0)
            projected = [np.sort(some @ projection, axis=0) for some in rows]
            total += float(np.abs(projected[0] - projected[1]).mean())
        distances[str(a.shape[1])] = 1000 * total / repeats
    return distances | {"mean": float(np.mean(list(distances.values())))}


def _pyramid(images: np.ndarray) -> Iterator[np.ndarray]:
    """The levels of the Laplacian pyramid, the finest first."""
    while min(images.shape[1:3]) // 2 >= PATCH:
        images = images[:, : images.shape[1] // 2 * 2, : images.shape[2] // 2 * 2]
        below = _blurred(images)[:, ::2, ::2]
        apart = np.zeros_like(images)
        apart[:, ::2, ::2] = 4 * below
        yield images - _blurred(apart)
        images = below
    yield images


def _blurred(images: np.ndarray) -> np.ndarray:
    for axis in (1, 2):
        images = convolve1d(images, BINOMIAL, axis=axis, mode="mirror")
    return images


def _patches(images: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """Patches from random places: `(images · count, PATCH, PATCH, channels)`."""
    windows = np.lib.stride_tricks.sliding_window_view(images, (PATCH, PATCH), axis=(1, 2))
    rows, columns = (random.integers(0, n, (len(images), count)) for n in windows.shape[1:3])
    return np.moveaxis(windows[np.arange(len(images))[:, None], rows, columns], 2, -1).reshape(
        -1, PATCH, PATCH, images.shape[-1]
    )


def _normalised(patches: np.ndarray) -> np.ndarray:
    """Each channel with mean 0 and standard deviation 1 over all patches, as rows."""
    mean = patches.mean((0, 1, 2))
    deviation = np.maximum(patches.std((0, 1, 2)), 1e-8)
    return ((patches - mean) / deviation).reshape(len(patches), -1)
