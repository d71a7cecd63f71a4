"""A page that shows a search: one file, which needs no network and nothing beside it."""

import html
import io
import math
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras_tuner
import matplotlib as mpl
import numpy as np
from keras_tuner.engine import hyperparameters as kinds
from keras_tuner.engine.trial import Trial
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..curves import COLUMNS, PIXELS, draw_best
from ..run import READ
from .progress import short
from .record import reason_of
from .scores import best_first, bounded, score_of

# Trials that importance needs at the least, twice the hyperparameters being more of them, and those
# that a table shows at the most.
FEWEST, SHOWN = 10, 10
# Letters below an axis that have room side by side.
WIDE = 24
COLOURS = "viridis"  # of the least; reversed where the largest is the best

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff;
       max-width: 76rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin-top: 2.5rem }
svg { max-width: 100%; height: auto }
table { border-collapse: collapse; font-size: .875rem; display: block; overflow-x: auto }
th, td { text-align: left; padding: .25rem .75rem; border-bottom: 1px solid #ddd }
td.number { text-align: right; font-variant-numeric: tabular-nums }
code, pre { font-family: ui-monospace, monospace; font-size: .875rem }
pre { background: #f4f4f4; padding: .75rem 1rem; overflow-x: auto }
"""


def page(settings: Mapping[str, Any], trials: Sequence[Trial], folder: Path) -> str:
    """The report of a search, as HTML of at most a megabyte.

    Args:
        settings: What `run.json` says.
        trials: The trials that have ended, in their order.
        folder: The run folder.
    """
    name, direction = settings["objective"]
    good = best_first(trials, direction)
    failed = [trial for trial in trials if score_of(trial) is None]
    space = _space(trials)
    recipe, data = settings["recipe"], settings["data"] or "data from Python"
    parts = [
        f"<h1>Search of {_text(recipe)}</h1>",
        f"<p>{len(trials)} of {settings['trials']} trials on {_text(data)}, proposed by "
        f"{_text(settings['strategy'])}, for the {'least' if direction == 'min' else 'largest'} "
        f"<code>{_text(name)}</code>.{_after(settings)}</p>",
    ]
    if good:
        parts += [
            f"<p>The best is trial {_text(good[0].trial_id)}: {_text(name)} "
            f"{short(score_of(good[0]))} after epoch {good[0].best_step + 1}. It is trained by</p>",
            f"<pre>{_text(_command(settings, folder))}</pre>",
            "<h2>Best so far</h2>",
            _svg(_best_so_far(trials, name, direction)),
        ]
    if good and space:
        parts += ["<h2>Each hyperparameter</h2>", _svg(_slices(good, space, name, direction))]
        some = good[:PIXELS]
        which = "All together" if some == good else f"The best {PIXELS} together"
        parts += [f"<h2>{which}</h2>", _svg(_parallel(some, space, name, direction))]
        parts += ["<h2>Importance</h2>", _importance_part(trials, space, direction)]
        parts += ["<h2>The best trials</h2>", _table(good[:SHOWN], space, name)]
    if failed:
        parts += ["<h2>Failed trials</h2>", _failures(failed)]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Search of {_text(recipe)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def importance(
    trials: Sequence[Trial], space: Sequence[Any], direction: str
) -> dict[str, float] | None:
    """How much of the score each hyperparameter decides, the largest first; None if unknown.

    Each is permuted in a random forest that is fitted to the scores; a failed trial is as the worst
    (Breiman 2001, "Random Forests").

    Args:
        trials: The trials that have ended.
        space: The hyperparameters.
        direction: Whether small scores are better, `"min"`, or large ones, `"max"`.
    """
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance

    scores = bounded(trials, direction)
    if len(trials) < max(FEWEST, 2 * len(space)) or np.ptp(scores) == 0:
        return None
    points = np.array([[_place(hp, trial) for hp in space] for trial in trials])
    forest = RandomForestRegressor(100, min_samples_leaf=2, random_state=0).fit(points, scores)
    found = permutation_importance(forest, points, scores, n_repeats=10, random_state=0)
    means = np.maximum(found.importances_mean, 0)
    if not means.any():
        return None
    parts = {hp.name: float(mean) for hp, mean in zip(space, means / means.sum(), strict=True)}
    return dict(sorted(parts.items(), key=lambda item: -item[1]))


def _space(trials: Sequence[Trial]) -> list[Any]:
    """The hyperparameters that differ between trials."""
    space = keras_tuner.HyperParameters()
    for trial in trials:
        space.merge(trial.hyperparameters.space, overwrite=False)
    values = [trial.hyperparameters.values for trial in trials]
    by_name = {hp.name: hp for hp in space.space}
    return [
        hp
        for hp in by_name.values()
        if not isinstance(hp, kinds.Fixed) and len({repr(v.get(hp.name)) for v in values}) > 1
    ]


# How a flag is called where it is not as its setting.
FLAGS = {("in_memory", False): "--on-disk"}


def _command(settings: Mapping[str, Any], folder: Path) -> str:
    """What trains the best, on the data of the search and read as there."""
    words = ["amalthea", "train", settings["recipe"], "--best", str(folder)]
    if settings["data"] is None:
        call = f"jobs.train({settings['recipe']!r}, data, best={str(folder)!r}, out='runs/best')"
        return f"from amalthea import jobs\n{call}"
    for name in ("data", *READ, "precision", "epochs", "seed"):
        value = settings.get(name)
        if isinstance(value, bool):
            words.append(FLAGS.get((name, value), f"--{name.replace('_', '-')}"))
        elif value is not None:
            words += [f"--{name.replace('_', '-')}", _as_word(value)]
    finish = []
    if not settings["arguments"]:
        finish = [shlex.join(["amalthea", "tune", "--resume", str(folder)])]
    return "\n".join([*finish, shlex.join([*words, "--out", "runs/best"])])


def _as_word(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _after(settings: Mapping[str, Any]) -> str:
    if not (earlier := settings.get("from")):
        return ""
    return f" Its ranges are narrowed by those of {_text(earlier['run'])}."


def _place(hp: Any, trial: Trial) -> float:
    """Where in its range a hyperparameter of a trial is, from 0 to 1."""
    value = trial.hyperparameters.values.get(hp.name, hp.default)
    if isinstance(hp, kinds.Choice | kinds.Boolean):
        values = list(hp.values)
        return values.index(value) / max(1, len(values) - 1)
    return hp.value_to_prob(value)


def _best_so_far(trials: Sequence[Trial], name: str, direction: str) -> Figure:
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    axis = figure.subplots()
    scores = [score_of(trial) for trial in trials]
    numbers = [math.nan if score is None else score for score in scores]
    draw_best(axis, numbers, name, direction)
    shown = bounded(trials, direction)
    margin = 0.05 * np.ptp(shown) or 1
    axis.set_ylim(shown.min() - margin, shown.max() + margin)
    if beyond := sum(
        score is not None and score != at for score, at in zip(scores, shown, strict=True)
    ):
        axis.set_title(f"{beyond} worse ones are beyond the edge", fontsize="small", loc="right")
    return figure


def _slices(good: Sequence[Trial], space: Sequence[Any], name: str, direction: str) -> Figure:
    """The score by each hyperparameter."""
    columns = min(COLUMNS, len(space))
    rows = math.ceil(len(space) / columns)
    figure = Figure(figsize=(3 * columns, 2.6 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for axis in axes[len(space) :]:
        axis.remove()
    scores = dict(
        zip(
            (t.trial_id for t in good),
            bounded(good, direction),
            strict=True,
        )
    )
    for axis, hp in zip(axes, space, strict=False):
        active = [trial for trial in good if hp.name in trial.hyperparameters.values]
        values = [trial.hyperparameters.values[hp.name] for trial in active]
        heights = [scores[trial.trial_id] for trial in active]
        if isinstance(hp, kinds.Choice | kinds.Boolean):
            places = [list(hp.values).index(value) for value in values]
            axis.set_xticks(range(len(hp.values)), [str(value) for value in hp.values])
            axis.set_xlim(-0.5, len(hp.values) - 0.5)
            if sum(len(str(value)) for value in hp.values) > WIDE:
                axis.tick_params("x", labelrotation=20)
        else:
            places = values
            if hp.sampling == "log":
                axis.set_xscale("log")
            else:
                axis.xaxis.set_major_locator(MaxNLocator(5, integer=isinstance(hp, kinds.Int)))
            axis.set_xlim(*_edges(hp))
        axis.scatter(places, heights, s=14, alpha=0.7, rasterized=len(good) > PIXELS)
        axis.set_title(hp.name.replace("_", " "), fontsize="medium")
        axis.grid(alpha=0.3)
    for axis in axes[: len(space) : columns]:
        axis.set_ylabel(name.replace("_", " "))
    return figure


def _edges(hp: Any) -> tuple[float, float]:
    """The range of a number, and a little more."""
    low, high = hp.min_value, hp.max_value
    if hp.sampling == "log":
        margin = (high / low) ** 0.04
        return low / margin, high * margin
    return low - 0.04 * (high - low), high + 0.04 * (high - low)


def _parallel(good: Sequence[Trial], space: Sequence[Any], name: str, direction: str) -> Figure:
    """A line a trial across all hyperparameters, in the colour of its score."""
    figure = Figure(figsize=(12, 4.2), layout="constrained")
    axis = figure.subplots()
    scores = bounded(good, direction)
    colours = mpl.colormaps[COLOURS if direction == "min" else f"{COLOURS}_r"]
    scale = Normalize(scores.min(), scores.max())
    points = np.array(
        [
            [_place(hp, t) if hp.name in t.hyperparameters.values else math.nan for hp in space]
            for t in reversed(good)  # the best is on top
        ]
    )
    across = np.broadcast_to(np.arange(len(space)), points.shape)
    lines = np.stack([across, points], axis=-1)
    axis.add_collection(LineCollection(lines, colors=colours(scale(scores[::-1])), alpha=0.75))
    shades = np.repeat(scores[::-1], len(space))
    axis.scatter(across.ravel(), points.ravel(), s=8, c=colours(scale(shades)), alpha=0.75)
    for place, hp in enumerate(space):
        axis.axvline(place, color="0.6", linewidth=0.8)
        for height, text in _ticks(hp):
            axis.text(place + 0.03, height, text, fontsize="x-small", va="center", color="0.3")
    axis.set_xticks(
        range(len(space)), [hp.name.replace("_", " ") for hp in space], rotation=20, ha="right"
    )
    axis.set_yticks([])
    axis.set_ylim(-0.06, 1.06)
    axis.set_xlim(-0.2, len(space) - 0.6)
    for side in axis.spines.values():
        side.set_visible(False)
    figure.colorbar(ScalarMappable(scale, colours), ax=axis, label=name.replace("_", " "), pad=0.01)
    return figure


def _ticks(hp: Any) -> list[tuple[float, str]]:
    """Heights on the axis of a hyperparameter, with the values there."""
    if isinstance(hp, kinds.Choice | kinds.Boolean):
        values = list(hp.values)
        return [(at / max(1, len(values) - 1), str(value)) for at, value in enumerate(values)]
    return [(0.0, short(hp.min_value)), (1.0, short(hp.max_value))]


def _importance_part(trials: Sequence[Trial], space: Sequence[Any], direction: str) -> str:
    parts = importance(trials, space, direction)
    if parts is None:
        least = max(FEWEST, 2 * len(space))
        return f"<p>It takes {least} trials, of scores that differ, to say anything of it.</p>"
    figure = Figure(figsize=(9, 0.5 + 0.3 * len(parts)), layout="constrained")
    axis: Axes = figure.subplots()
    axis.barh([name.replace("_", " ") for name in parts], list(parts.values()))
    axis.invert_yaxis()
    axis.set_xlabel("part of the score that a random forest takes from it, by permutation")
    axis.grid(alpha=0.3, axis="x")
    return _svg(figure)


def _table(good: Sequence[Trial], space: Sequence[Any], name: str) -> str:
    head = ["trial", name, "epoch", *(hp.name for hp in space)]
    rows = [
        [
            trial.trial_id,
            score_of(trial),
            trial.best_step + 1,
            *(trial.hyperparameters.values.get(hp.name, "") for hp in space),
        ]
        for trial in good
    ]
    return _rows(head, rows)


def _failures(failed: Sequence[Trial]) -> str:
    """How many trials failed for which reason, and which."""
    counts = Counter(map(reason_of, failed))
    rows = []
    for reason, count in counts.most_common():
        which = [trial.trial_id for trial in failed if reason_of(trial) == reason]
        listed = ", ".join(which[:SHOWN]) + (", …" if count > SHOWN else "")
        rows.append([count, listed, reason])
    return _rows(["how many", "which", "why"], rows[: 5 * SHOWN])


def _rows(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    cells = [
        "".join(
            f'<td class="number">{_text(short(cell))}</td>'
            if isinstance(cell, int | float)
            else f"<td>{_text(cell)}</td>"
            for cell in row
        )
        for row in rows
    ]
    titles = "".join(f"<th>{_text(title)}</th>" for title in head)
    return f"<table><tr>{titles}</tr>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"


def _text(value: Any) -> str:
    return html.escape(str(value))


def _svg(figure: Figure) -> str:
    """A figure as an element of a page."""
    written = io.StringIO()
    # Texts stay texts; the names of parts are by the figure, as all are in one page.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": str(figure.get_figwidth())}):
        figure.savefig(written, format="svg", metadata={"Date": None}, dpi=120)
    text = written.getvalue()
    return text[text.index("<svg") :]
