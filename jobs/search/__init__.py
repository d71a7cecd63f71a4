"""Searches: oracles that propose hyperparameters, trials, and the workers that do them.

`Bayesian` and `Grid` are tuners for anybody's hypermodel; they are imported when first used.
"""

import importlib

_HOMES = {
    "Bayesian": "bayesian",
    "BayesianOracle": "bayesian",
    "Grid": "grid",
    "GridOracle": "grid",
}
__all__ = list(_HOMES)


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
