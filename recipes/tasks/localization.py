"""Localization: the class of the object in an image, and where it is."""

from ...callbacks import EpochPictures, draw_boxes
from .task import Task

# Images shown with their boxes.
SHOWN = 10


class Localization(Task):
    """Models from images to bounding boxes, shown over the images with the true ones."""

    def show(self, recipe, arguments, held_out, folder):
        few = held_out.first(SHOWN)
        return [EpochPictures(lambda model, path: _draw(recipe, model, few, path), folder)]

    def draw(self, recipe, model, examples, batch_size):
        few = examples.first(SHOWN)
        return {"boxes.png": lambda path: _draw(recipe, model, few, path)}


def _draw(recipe, model, examples, path):
    images, true = examples.given("image"), examples.given("boxes")
    found = recipe.endpoints["serve"].bind(model)({"images": images})
    classes = found["probabilities"].numpy().argmax(-1)
    names = examples.features["boxes"].names or range(examples.features["boxes"].count)
    titles = [str(names[number]) for number in classes]
    draw_boxes(images, true[:, 0, :4], found["boxes"], path, titles)


LOCALIZATION = Localization("localization", targets=("boxes",), answers=("probabilities",))
