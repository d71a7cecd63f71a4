"""How good a model is, measured against what it ought to beat."""

from .reconstruction import pca_reconstruction_error, reconstruction_error

__all__ = ["pca_reconstruction_error", "reconstruction_error"]
