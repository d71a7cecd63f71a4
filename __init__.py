"""Keras recipes for the classic deep-learning models: complete, tunable, exportable.

Importing the package is cheap: its parts, and Keras with them, are imported when first used. Once
Keras is there, so are the classes that saved models are loaded with.
"""

import importlib
import sys

from wrapt import when_imported

__all__ = [
    "__version__",
    "callbacks",
    "data",
    "errors",
    "jobs",
    "layers",
    "metrics",
    "optimizers",
    "recipes",
]


def __getattr__(name: str):
    if name == "__version__":
        from importlib.metadata import version

        return version("amalthea")
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__


@when_imported("keras")
def _register(keras) -> None:
    """Have Keras know the package's classes, unless a part that imports it is on its way to it."""
    with_keras = ("callbacks", "layers", "metrics", "recipes")
    if not any(f"amalthea.{part}" in sys.modules for part in with_keras):
        importlib.import_module("amalthea.recipes")
