"""Localization: the class of the object in an image, and where it is."""

from ...callbacks import draw_boxes
from .pictured import Pictured


class Localization(Pictured):
    """Models from images to bounding boxes, shown over the images with the true ones."""

    file = "boxes.png"

    def picture(self, recipe, model, few, path):
        images, true = few.given("image"), few.given("boxes")
        found = recipe.endpoints["serve"].bind(model)({"images": images})
        classes = found["probabilities"].numpy().argmax(-1)
        names = few.features["boxes"].names or range(few.features["boxes"].count)
        titles = [str(names[number]) for number in classes]
        draw_boxes(images, true[:, 0, :4], found["boxes"], path, titles)


LOCALIZATION = Localization("localization", targets=("boxes",), answers=("probabilities",))
