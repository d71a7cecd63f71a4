"""How good a model is, measured against what it ought to beat."""

from .active_units import active_units
from .belief_net import belief_net_bound
from .feature_distance import frechet_distance, kernel_distance, precision_recall
from .importance_weighted_bound import importance_weighted_bound
from .mean_field import mean_field_bound
from .modes import modes_covered
from .partition import (
    Annealed,
    annealed_importance_sampling,
    exact_log_partition,
    log_likelihood,
    reverse_annealed_importance_sampling,
)
from .pseudo_likelihood import pseudo_log_likelihood
from .reconstruction import pca_reconstruction_error, reconstruction_error
from .sliced_wasserstein import sliced_wasserstein

__all__ = [
    "Annealed",
    "active_units",
    "annealed_importance_sampling",
    "belief_net_bound",
    "exact_log_partition",
    "frechet_distance",
    "importance_weighted_bound",
    "kernel_distance",
    "log_likelihood",
    "mean_field_bound",
    "modes_covered",
    "pca_reconstruction_error",
    "precision_recall",
    "pseudo_log_likelihood",
    "reconstruction_error",
    "reverse_annealed_importance_sampling",
    "sliced_wasserstein",
]
