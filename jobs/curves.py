"""Curves of a training or a search, as pictures."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

# Panels side by side.
COLUMNS = 4
# Points beyond which they are pixels, as each is some hundred bytes of a drawing.
PIXELS = 150


def draw_log(log: Path, path: Path) -> None:
    """Draw every column of a `log.csv` by epoch, each metric with its validation curve, as PNG."""
    with log.open(newline="") as file:
        rows = list(csv.DictReader(file))
    epochs = [int(row.pop("epoch")) + 1 for row in rows]
    curves = {name: [float(row[name] or "nan") for row in rows] for name in rows[0]}
    # A metric that is the loss itself, but for rounding, needs no second panel.
    same = {
        name
        for name, values in curves.items()
        if name not in ("loss", "val_loss") and np.allclose(values, curves["loss"], rtol=1e-4)
    }
    names = [n for n in dict.fromkeys(c.removeprefix("val_") for c in curves) if n not in same]
    columns = min(COLUMNS, len(names))
    height = math.ceil(len(names) / columns)
    figure = Figure(figsize=(4.5 * columns, 3.4 * height), dpi=120)
    axes = figure.subplots(height, columns, squeeze=False).ravel()
    for axis in axes[len(names) :]:
        axis.remove()
    for axis, name in zip(axes, names, strict=False):
        for column, label in ((name, "training"), (f"val_{name}", "validation")):
            if column in curves:
                marker = "." if len(rows) < 20 else ""
                axis.plot(epochs, curves[column], label=label, marker=marker)
        axis.set(xlabel="epoch", title=name.replace("_", " "))
        axis.set_xlim(0.5, len(rows) + 0.5)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axis.legend()
        axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, format="png")


def draw_trials(scores: Sequence[float], objective: str, direction: str, path: Path) -> None:
    """Draw the score of every trial of a search and the best so far, as PNG; NaN is a failure."""
    figure = Figure(figsize=(6, 3.6), dpi=120)
    draw_best(figure.subplots(), scores, objective, direction)
    figure.tight_layout()
    figure.savefig(path, format="png")


def draw_best(axis: Axes, scores: Sequence[float], objective: str, direction: str) -> None:
    """Draw the scores of trials and the best so far on an axis; NaN is a failure."""
    trials = np.arange(len(scores))  # as everywhere else in the run
    best = (np.fmin if direction == "min" else np.fmax).accumulate(np.asarray(scores, float))
    axis.plot(trials, scores, "o", label="trial", rasterized=len(scores) > PIXELS)
    axis.step(trials, best, where="post", label="best so far")
    axis.set(xlabel="trial", ylabel=objective.replace("_", " "))
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.legend()
    axis.grid(alpha=0.3)
