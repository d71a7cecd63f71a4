"""Synthetic objectives of a search: errors of models that nobody has to train.

Each is a function of KerasTuner's hyperparameters: it declares its space, and gives the error that
a training would end with, or None where it would diverge. Learning rates, widths and the like
matter as they do in recipes: on a logarithmic scale, some far more than others, and some only where
another one has a value.
"""

import math
import zlib
from collections.abc import Callable, Generator
from typing import Any

NOISE = 0.008
# A whole training.
EPOCHS = 27


def few(hp) -> float | None:
    """Three hyperparameters: learning rate, width and batch size."""
    rate = hp.Float("learning_rate", 1e-5, 1e-1, sampling="log", default=1e-3)
    width = hp.Int("width", 16, 1024, sampling="log", default=128)
    batch = hp.Choice("batch_size", [16, 32, 64, 128, 256], default=64)
    # The largest rate that is stable grows with the batch and falls with the width.
    limit = 0.03 * math.sqrt(batch / 64) * math.sqrt(128 / width)
    if rate > limit:
        return None
    best = 0.3 * limit
    error = 0.05 + 0.06 * math.log10(rate / best) ** 2 + 0.02 * math.log2(width / 300) ** 2 / 2
    return error + 0.01 * abs(math.log2(batch / 32))


def conditional(hp) -> float | None:
    """Nine hyperparameters, some of which are there only if the net is deep enough."""
    rate = hp.Float("learning_rate", 1e-5, 1e-1, sampling="log", default=1e-3)
    depth = hp.Int("depth", 1, 4, default=1)
    widths = []
    for level in range(1, 5):
        with hp.conditional_scope("depth", list(range(level, 5))):
            if depth >= level:
                widths.append(hp.Int(f"width_{level}", 16, 1024, sampling="log", default=128))
    momentum = hp.Float("momentum", 0.0, 0.99, default=0.9)
    dropout = hp.Float("dropout", 0.0, 0.8, default=0.0)
    activation = hp.Choice("activation", ["relu", "tanh", "sigmoid", "elu"], default="relu")
    effective = rate / (1 - momentum)
    limit = 0.3 / depth
    if effective > limit:
        return None
    error = 0.08 + 0.03 * math.log10(effective / (0.2 * limit)) ** 2
    error += {1: 0.05, 2: 0.01, 3: 0.0, 4: 0.015}[depth]
    error += 0.012 * sum(math.log2(width / 256) ** 2 for width in widths) / len(widths) / 2
    error += 0.15 * (dropout - 0.25) ** 2
    return error + {"relu": 0.0, "elu": 0.004, "tanh": 0.015, "sigmoid": 0.05}[activation]


def many(hp) -> float | None:
    """Ten hyperparameters, half of which hardly matter."""
    rate = hp.Float("learning_rate", 1e-5, 1e-1, sampling="log", default=1e-3)
    decay = hp.Float("weight_decay", 1e-6, 1e-1, sampling="log", default=1e-3)
    width = hp.Int("width", 16, 2048, sampling="log", default=256)
    dropout = hp.Float("dropout", 0.0, 0.8, default=0.0)
    smoothing = hp.Float("label_smoothing", 0.0, 0.3, default=0.0)
    rest = [hp.Float(f"other_{number}", 0.0, 1.0, default=0.5) for number in range(5)]
    if rate * width > 20:
        return None
    error = 0.06 + 0.05 * math.log10(rate / 2e-3) ** 2 + 0.015 * math.log10(decay / 1e-4) ** 2
    error += 0.02 * math.log2(width / 512) ** 2 / 2 + 0.2 * (dropout - 0.4) ** 2
    error += 0.5 * (smoothing - 0.1) ** 2
    return error + 0.004 * sum((value - 0.3) ** 2 for value in rest)


# With the least error that each can have.
OBJECTIVES = {"few": (few, 0.05), "conditional": (conditional, 0.08), "many": (many, 0.06)}


def noise(values: dict, seed: int) -> float:
    """What chance adds to an error: for the same values the same."""
    number = zlib.crc32(f"{sorted(values.items())}{seed}".encode()) / 2**32
    return NOISE * math.sqrt(12) * (number - 0.5)


def unfinished(error: float, values: dict, epochs: int) -> float:
    """The error after some of the epochs, being `error` after all of them.

    Large learning rates are fast in the beginning, whatever they come to.
    """
    speed = min(12.0, max(0.5, 4 * (values["learning_rate"] / 3e-3) ** 0.3))
    return error + 0.5 * (math.exp(-speed * epochs / EPOCHS) - math.exp(-speed))


def found(
    proposals: Callable[[Any, int, int], Generator], objective: str, seed: int, budget: int
) -> tuple[list[float], int]:
    """The true error of what looked best after each training, and how many failed.

    A training that is ended early costs the part of it that it had.

    Args:
        proposals: From an objective, a seed and the budget to hyperparameters with the epochs that
            a training begins and ends at; it is sent what each came to, None of a failed one.
        objective: Name of the objective.
        seed: Seed of the search and of the noise.
        budget: How many whole trainings there are.
    """
    of, _ = OBJECTIVES[objective]
    best, errors, failed, spent = (math.inf, 1.0), [], 0, 0
    asked = proposals(of, seed, budget)
    told = None
    while len(errors) < budget:
        hp, begun, epochs = asked.send(told)
        spent += epochs - begun
        error = of(hp)
        failed += error is None
        told = None
        whole = spent // EPOCHS
        # Before this one has ended.
        errors += [best[1]] * ((spent - 1) // EPOCHS - len(errors))
        if error is not None:
            error = unfinished(error, hp.values, epochs)
            told = error + noise(hp.values, seed)
            best = min(best, (told, error))
        errors += [best[1]] * (whole - len(errors))
    asked.close()
    return [float(error) for error in errors[:budget]], failed
