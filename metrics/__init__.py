"""How good a model is, measured against what it ought to beat."""

from .belief_net import belief_net_bound
from .mean_field import mean_field_bound
from .partition import (
    Annealed,
    annealed_importance_sampling,
    exact_log_partition,
    log_likelihood,
    reverse_annealed_importance_sampling,
)
from .pseudo_likelihood import pseudo_log_likelihood
from .reconstruction import pca_reconstruction_error, reconstruction_error

__all__ = [
    "Annealed",
    "annealed_importance_sampling",
    "belief_net_bound",
    "exact_log_partition",
    "log_likelihood",
    "mean_field_bound",
    "pca_reconstruction_error",
    "pseudo_log_likelihood",
    "reconstruction_error",
    "reverse_annealed_importance_sampling",
]
