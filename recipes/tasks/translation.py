"""Translation: a line for another."""

import numpy as np

from ...callbacks import SampleText, draw_attention
from .pictured import Pictured


class Translation(Pictured):
    """Models from lines to their translations, shown by what they look at as they write.

    Those without attention are shown by what they write alone.
    """

    file, shown = "attention.png", 4

    def show(self, recipe, arguments, held_out, folder):
        few = self.few(held_out)

        def write(model):
            lines, _, translations = self._translated(model, few)
            pairs = zip(lines, translations, strict=True)
            return [f"{line}\n{translation}" for line, translation in pairs]

        pictures = super().show(recipe, arguments, held_out, folder)
        return [SampleText(write, folder), *(pictures if self._looks(recipe, arguments) else ())]

    def draw(self, recipe, model, examples, batch_size):
        if not self._looks(recipe, model.origin.arguments):
            return {}
        return super().draw(recipe, model, examples, batch_size)

    def picture(self, recipe, model, few, path):
        _, numbers, _ = self._translated(model, few)
        tokens = few.given("source")
        attend = recipe.endpoints["attend"].bind(model)
        weights = attend({"tokens": tokens, "targets": numbers})["weights"]
        maps = []
        for row, read, written in zip(np.asarray(weights), tokens, numbers, strict=True):
            rows = self._named(few.features["translation"], written[1:])
            columns = self._named(few.features["source"], read)
            maps.append((row[: len(rows), : len(columns)], rows, columns))
        draw_attention(maps, path)

    @staticmethod
    def _looks(recipe, arguments) -> bool:
        return "attend" in recipe.endpoints and recipe.endpoints["attend"].offered(arguments)

    @staticmethod
    def _translated(model, few):
        """Lines, the numbers of what a model makes of them, and what these stand for."""
        numbers = model.predict(few.given("source"), verbose=0)
        decode = few.features["translation"].decode
        return few.columns["source"], numbers, [decode(row) for row in numbers]

    @staticmethod
    def _named(feature, numbers) -> list[str]:
        """What each number that is no padding stands for."""
        marks = {1: "\N{BLACK RIGHT-POINTING SMALL TRIANGLE}", 2: "\N{BLACK SMALL SQUARE}"}
        return [marks.get(n) or feature.vocabulary[n] for n in numbers[: np.count_nonzero(numbers)]]


TRANSLATION = Translation("translation", ("source",), ("translation",), answers=("translations",))
