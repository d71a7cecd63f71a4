"""Jobs: train, evaluate, sample, tune and export a recipe; each is a function and a command.

The functions are imported, and Keras with them, when they are first used.
"""

import importlib

from ..compatibility import check_keras

_HOMES = {
    "Run": "run",
    "demo": "demonstration",
    "describe": "catalogue",
    "evaluate": "evaluation",
    "explain": "explaining",
    "export": "exporting",
    "features": "prediction",
    "list_recipes": "catalogue",
    "predict": "prediction",
    "report": "tuning",
    "resume": "training",
    "resume_search": "tuning",
    "sample": "sampling",
    "train": "training",
    "tune": "tuning",
}
__all__ = list(_HOMES)


def __getattr__(name: str):
    if name in _HOMES:
        if _HOMES[name] != "catalogue":
            check_keras()
        return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
