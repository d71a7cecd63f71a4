"""Reconstruction: images from a code, or from a damaged version, of themselves."""

from ...callbacks import Reconstructions, draw_rows
from .latent_space import codes_and_traversal
from .task import Task

# Images shown with their reconstructions; images whose codes are drawn.
SHOWN, DRAWN = 10, 5000


class Reconstruction(Task):
    """Autoencoders and associative memories."""

    def show(self, recipe, arguments, held_out, folder):
        samples = super().show(recipe, arguments, held_out, folder)
        return samples or [Reconstructions(held_out.first(SHOWN).given("image"), folder)]

    def draw(self, recipe, model, examples, batch_size):
        inputs = examples.first(SHOWN).given("image")
        rows = {"input": inputs, "output": model.predict(inputs, verbose=0)}
        pictures = codes_and_traversal(recipe.endpoints, model, examples.first(DRAWN), batch_size)
        return {"reconstructions.png": lambda path: draw_rows(rows, path), **pictures}


ANSWERS = ("reconstructions", "recollections")
RECONSTRUCTION = Reconstruction("reconstruction", answers=ANSWERS)
CONDITIONAL_RECONSTRUCTION = Reconstruction(
    "conditional reconstruction", targets=("label",), answers=ANSWERS
)
