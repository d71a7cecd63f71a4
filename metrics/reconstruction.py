"""Reconstruction error of images, and that of principal component analysis to compare it with."""

import numpy as np


def reconstruction_error(images: np.ndarray, reconstructions: np.ndarray) -> float:
    """Squared error of an image, summed over its pixels and averaged over the images.

    Args:
        images: `(count, ...)`, values in [0, 1].
        reconstructions: The same shape.

    Returns:
        The error, in squared units of pixel value for each image.

    Raises:
        ValueError: If the shapes differ.
    """
    if np.shape(images) != np.shape(reconstructions):
        raise ValueError(
            "images and reconstructions must have one shape, "
            f"got {np.shape(images)} and {np.shape(reconstructions)}"
        )
    differences = np.asarray(images, "float64") - np.asarray(reconstructions, "float64")
    return float(np.square(differences).reshape(len(differences), -1).sum(axis=1).mean())


def pca_reconstruction_error(
    train_images: np.ndarray, test_images: np.ndarray, latent_dim: int
) -> float:
    """Reconstruction error of test images by principal component analysis.

    Args:
        train_images: `(count, ...)`, the images that the components are fitted to.
        test_images: `(count, ...)`, images of the same shape, for the error.
        latent_dim: Number of components, the size of the code.

    Returns:
        The error as `reconstruction_error` measures it.

    Raises:
        ValueError: If `latent_dim` is above the number of pixels or of training images.
    """
    from sklearn.decomposition import PCA

    pca = PCA(latent_dim, svd_solver="full").fit(_flat(train_images))
    flat = _flat(test_images)
    return reconstruction_error(flat, pca.inverse_transform(pca.transform(flat)))


def _flat(images):
    return np.asarray(images, "float64").reshape(len(images), -1)
