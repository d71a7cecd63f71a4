"""Keras recipes for the classic deep-learning models: complete, tunable, exportable.

Importing the package is cheap: its parts, and Keras with them, are imported when first used.
"""

import importlib

__all__ = ["__version__", "callbacks", "data", "errors", "jobs", "layers", "metrics", "recipes"]


def __getattr__(name: str):
    if name == "__version__":
        from importlib.metadata import version

        return version("amalthea")
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
