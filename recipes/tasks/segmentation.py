"""Segmentation: the class of each pixel of an image."""

import numpy as np

from ...callbacks import draw_rows
from .pictured import Pictured


class Segmentation(Pictured):
    """Models from images to masks, shown beside the true ones."""

    file = "masks.png"

    def picture(self, recipe, model, few, path):
        images, most = few.given("image"), few.features["mask"].count - 1
        masks = recipe.endpoints["segment"].bind(model)({"images": images})["masks"]
        rows = {"mask": few.given("mask") / most, "predicted": _framed(masks, images) / most}
        draw_rows({"image": images, **rows}, path)


def _framed(masks, images):
    """Masks in a margin of zeros, so that they have the size of images."""
    masks = np.asarray(masks)
    margins = [
        (whole - part) // 2 for whole, part in zip(images.shape[1:3], masks.shape[1:3], strict=True)
    ]
    return np.pad(masks, [(0, 0), *((margin, margin) for margin in margins)])


SEGMENTATION = Segmentation("segmentation", targets=("mask",), answers=("masks",))
