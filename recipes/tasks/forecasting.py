"""Forecasting: what follows on a series."""

import numpy as np

from ...callbacks import draw_forecasts
from .pictured import Pictured


class Forecasting(Pictured):
    """Models from series to what follows, shown by a few of them."""

    file, shown = "forecasts.png", 6

    def few(self, examples):
        """Examples far from each other: windows side by side look alike."""
        count = min(self.shown, len(examples))
        return examples.take(np.linspace(0, len(examples) - 1, count, dtype=int))

    def picture(self, recipe, model, few, path):
        known, true = few.given("series"), few.given("targets")
        forecast = model.predict(known, verbose=0)
        # Of several channels the last is drawn; a target that is no forecast stands by itself.
        every = known.shape[-1] if true.shape[1] % known.shape[-1] == 0 else 1
        last = slice(every - 1, None, every)
        draw_forecasts(known[..., -1], true[:, last], forecast[:, last], path)


FORECASTING = Forecasting("forecasting", ("series",), ("targets",), answers=("forecasts",))
