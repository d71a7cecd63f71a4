"""Optimizers that Keras lacks."""

from ..compatibility import check_keras

check_keras()

from .coupled_sgd import CoupledSGD  # noqa: E402

__all__ = ["CoupledSGD"]
