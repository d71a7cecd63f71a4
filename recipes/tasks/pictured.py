"""Tasks whose models are shown by one picture of a few examples."""

from ...callbacks import EpochPictures
from .task import Task


class Pictured(Task):
    """Base of the tasks that draw a few examples with what a model makes of them."""

    # Name of the picture that evaluation draws.
    file: str
    # Examples in the picture.
    shown = 10

    def picture(self, recipe, model, few, path):
        """Draw a few examples with what a model makes of them, as a PNG file."""
        raise NotImplementedError

    def few(self, examples):
        """Those of some examples that are in the picture: the first ones."""
        return examples.first(self.shown)

    def show(self, recipe, arguments, held_out, folder):
        few = self.few(held_out)
        return [EpochPictures(lambda model, path: self.picture(recipe, model, few, path), folder)]

    def draw(self, recipe, model, examples, batch_size):
        few = self.few(examples)
        return {self.file: lambda path: self.picture(recipe, model, few, path)}
