"""Recipes: one function per model, each building a complete, compiled `keras.Model`."""

from ..compatibility import check_keras

check_keras()

from .autoencoders.deep_autoencoder import deep_autoencoder  # noqa: E402
from .autoencoders.tied_autoencoder import tied_autoencoder  # noqa: E402
from .boltzmann.boltzmann_machine import boltzmann_machine  # noqa: E402
from .boltzmann.dbm import dbm  # noqa: E402
from .boltzmann.dbn import dbn  # noqa: E402
from .boltzmann.dbn_classifier import dbn_classifier  # noqa: E402
from .boltzmann.gaussian_rbm import gaussian_rbm  # noqa: E402
from .boltzmann.hopfield import hopfield  # noqa: E402
from .boltzmann.multimodal_dbn import multimodal_dbn  # noqa: E402
from .boltzmann.rbm import rbm  # noqa: E402
from .classifiers.lenet5 import lenet5  # noqa: E402
from .endpoint import Endpoint, Function, Part  # noqa: E402
from .registry import (  # noqa: E402
    Objective,
    Origin,
    Parameter,
    Published,
    Recipe,
    get_recipe,
    list_recipes,
    recipe,
)

__all__ = [
    "Endpoint",
    "Function",
    "Objective",
    "Origin",
    "Parameter",
    "Part",
    "Published",
    "Recipe",
    "boltzmann_machine",
    "dbm",
    "dbn",
    "dbn_classifier",
    "deep_autoencoder",
    "gaussian_rbm",
    "get_recipe",
    "hopfield",
    "lenet5",
    "list_recipes",
    "multimodal_dbn",
    "rbm",
    "recipe",
    "tied_autoencoder",
]
