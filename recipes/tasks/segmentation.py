"""Segmentation: the class of each pixel of an image."""

import numpy as np

from ...callbacks import EpochPictures, draw_rows
from .task import Task

# Images shown with their masks.
SHOWN = 10


class Segmentation(Task):
    """Models from images to masks, shown beside the true ones."""

    def show(self, recipe, arguments, held_out, folder):
        few = held_out.first(SHOWN)
        return [EpochPictures(lambda model, path: _draw(recipe, model, few, path), folder)]

    def draw(self, recipe, model, examples, batch_size):
        few = examples.first(SHOWN)
        return {"masks.png": lambda path: _draw(recipe, model, few, path)}


def _draw(recipe, model, examples, path):
    images, most = examples.given("image"), examples.features["mask"].count - 1
    masks = recipe.endpoints["segment"].bind(model)({"images": images})["masks"]
    rows = {"mask": examples.given("mask") / most, "predicted": _framed(masks, images) / most}
    draw_rows({"image": images, **rows}, path)


def _framed(masks, images):
    """Masks in a margin of zeros, so that they have the size of images."""
    masks = np.asarray(masks)
    margins = [
        (whole - part) // 2 for whole, part in zip(images.shape[1:3], masks.shape[1:3], strict=True)
    ]
    return np.pad(masks, [(0, 0), *((margin, margin) for margin in margins)])


SEGMENTATION = Segmentation("segmentation", targets=("mask",), answers=("masks",))
