"""Regression: real numbers from others."""

from ...callbacks import draw_predictions
from .pictured import Pictured


class Regression(Pictured):
    """Models from values to targets, shown by what they predict against what is true."""

    file, shown = "predictions.png", 1000

    def picture(self, recipe, model, few, path):
        predicted = model.predict(few.given("values"), verbose=0)
        names = few.features["targets"].names
        draw_predictions(few.given("targets"), predicted, path, names)


REGRESSION = Regression("regression", ("values",), ("targets",), answers=("predictions",))
