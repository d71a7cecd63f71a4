"""Values over time, cut into what is known and what is to be forecast."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import UserError
from .examples import Examples
from .features import Series, Targets
from .origin import origin_of
from .splits import take
from .tables import file_of, read_columns
from .texts import PARTS

# A week of hours, and a day.
WINDOW, HORIZON = 168, 24
# Of the adding problem: steps of a series, and series in all.
STEPS, COUNT = 100, 12_500


def read(path: Path, split: str, window: int | None, horizon: int | None) -> Examples:
    """The split of the series in a table, a row for each step in time.

    Args:
        path: The file. Columns that are no numbers, such as dates, are left out.
        split: One of `SPLITS`.
        window: Steps that are known, one after another; 168 if not given.
        horizon: Steps after them that are to be forecast; 24 if not given.
    """
    names, numbers = read_columns(path)
    return windows(f"series:{path}", numbers, names, split, window, horizon)


def hourly_temperatures(split: str, window: int | None, horizon: int | None) -> Examples:
    """The temperatures of Seattle in 2010, hour by hour, of the package `vega-datasets`."""
    path = file_of("hourly_temperatures", "vega-datasets", "_data/seattle-temps.csv")
    names, numbers = read_columns(path)
    return windows("hourly_temperatures", numbers, names, split, window, horizon)


def mackey_glass(split: str, window: int | None, horizon: int | None) -> Examples:
    """The delay differential equation of Mackey and Glass, chaotic at a delay of 17.

    `dx/dt = 0.2 x(t - 17) / (1 + x(t - 17)¹⁰) - 0.1 x(t)`, from 1.2 on, by steps of 0.1 of Heun's
    method, of which every tenth is a value; the first 300 values are left out.
    """
    per_unit, delay, count = 10, 17, 5000
    values = np.full((300 + count) * per_unit + delay * per_unit, 1.2)

    def change(x, before):
        return 0.2 * before / (1 + before**10) - 0.1 * x

    for t in range(delay * per_unit, len(values) - 1):
        before, then = values[t - delay * per_unit], values[t + 1 - delay * per_unit]
        slope = change(values[t], before)
        ahead = change(values[t] + slope / per_unit, then)
        values[t + 1] = values[t] + (slope + ahead) / (2 * per_unit)
    series = values[(delay + 300) * per_unit :: per_unit][:count, None]
    return windows("mackey_glass", series, ("x",), split, window, horizon)


def adding(split: str, steps: int | None, horizon: int | None) -> Examples:
    """The adding problem: the sum of the two values of a series that are marked.

    Values are uniform in [0, 1], and one in each half of a series has the mark 1 beside it. Who
    always says 1 has a mean squared error of 1/6.

    Args:
        split: One of `SPLITS`.
        steps: Steps of a series; 100 if not given.
        horizon: Not of this problem.

    Reference:
        Hochreiter & Schmidhuber 1997: https://doi.org/10.1162/neco.1997.9.8.1735, section 5.4,
        with uniform values and a fixed length as in Le, Jaitly & Hinton 2015:
        https://arxiv.org/abs/1504.00941
    """
    steps = STEPS if steps is None else steps
    if horizon is not None:
        raise UserError(f"adding has a sum to tell, no horizon, got horizon={horizon}")
    if steps < 2:
        raise UserError(f"adding needs a sequence_length of 2 steps or more, got {steps}")
    random = np.random.default_rng(0)
    series = np.zeros((COUNT, steps, 2), np.float32)
    series[..., 0] = random.random((COUNT, steps), dtype=np.float32)
    rows = np.arange(COUNT)
    places = random.integers(0, steps // 2, COUNT), random.integers(steps // 2, steps, COUNT)
    for place in places:
        series[rows, place, 1] = 1
    targets = sum(series[rows, place, :1] for place in places)
    columns = {"series": series, "targets": targets}
    features = {"series": Series(steps, 2), "targets": Targets(1, ("sum",))}
    return take(Examples("adding", columns, features), split)


def windows(
    name: str,
    numbers: np.ndarray,
    names: tuple[str, ...],
    split: str,
    window: int | None = None,
    horizon: int | None = None,
) -> Examples:
    """The split of a series, in windows that begin at each step.

    The first eight tenths of the time are to train with, one tenth is to validate and the last one
    to test, and no window reaches from one part into another.

    Args:
        name: What messages call it.
        numbers: `(steps, channels)`.
        names: Names of the channels; may be empty.
        split: One of `SPLITS`.
        window: Steps of a window; 168 if not given.
        horizon: Steps after it, which are to be forecast; 24 if not given.

    Returns:
        Examples with the columns `series`, `(count, window, channels)`, and `targets`,
        `(count, horizon · channels)`.
    """
    window, horizon = window or WINDOW, horizon or HORIZON
    numbers = np.float32(numbers)
    part, training = (_part(numbers, which) for which in (split, "train"))
    count = len(part) - window - horizon + 1
    if count < 1:
        raise UserError(
            f"{name} has {len(part):,} steps in its {split} split, too few for {window} and the "
            f"{horizon} that follow: give a longer series, or a smaller sequence_length "
            "(--sequence-length) or horizon (--horizon)"
        )
    both = np.lib.stride_tricks.sliding_window_view(part, window + horizon, axis=0)
    both = both[:count].swapaxes(1, 2)
    channels = numbers.shape[1]
    columns = {
        "series": np.ascontiguousarray(both[:, :window]),
        "targets": both[:, window:].reshape(count, horizon * channels),
    }
    named = [f"{name} in {step}" for step in range(1, horizon + 1) for name in names]
    targets = Targets(horizon * channels, tuple(named)).fitted(
        np.tile(training, (1, horizon))  # each step has the moments of its channel
    )
    features = {"series": Series(window, channels).fitted(training[None]), "targets": targets}
    whole = Examples(name, {"series": numbers[None]}, {"series": features["series"]})
    return Examples(name, columns, features, origin=origin_of(whole)._replace(count=len(numbers)))


def _part(numbers: np.ndarray, split: str) -> np.ndarray:
    start, end = (len(numbers) * tenths // 10 for tenths in PARTS[split])
    return numbers[start:end]
