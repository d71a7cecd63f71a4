"""Recipes: one function per model, each building a complete, compiled `keras.Model`."""

from .autoencoders.tied_autoencoder import tied_autoencoder
from .classifiers.lenet5 import lenet5
from .endpoint import Endpoint, Part
from .registry import (
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
    "Objective",
    "Origin",
    "Parameter",
    "Part",
    "Published",
    "Recipe",
    "get_recipe",
    "lenet5",
    "list_recipes",
    "recipe",
    "tied_autoencoder",
]
