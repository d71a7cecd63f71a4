"""The Hopfield net over binary images."""

from typing import Annotated

import keras
from keras import layers, ops

from ...layers import Binarize, Hopfield
from ...layers.seed_stream import SeedStream
from ..endpoint import Function, Images, Part, Whole
from ..model import RecipeModel
from ..registry import Objective, Published, recipe
from ..search import ImageShape, Seed, at_least
from ..tasks import RECONSTRUCTION

Sweeps = Annotated[int, at_least(1)]


def _states(model, images):
    """Pixels of `(batch, height, width, channels)` as states of −1 and 1, `(batch, units)`."""
    for layer in ("pixels", "visible", "states"):
        images = model.get_layer(layer)(images)
    return images


def _images(model, states):
    """States as images of 0 and 1, and ½ where a unit could not decide."""
    return ops.reshape((states + 1) / 2, (-1, *model.inputs[0].shape[1:]))


def _energy(model, images: Images):
    return {"energies": model.get_layer("hopfield").energy(_states(model, images))}


def _complete(model, images: Images, mask: Images):
    given, states = model.get_layer("pixels")(mask), _states(model, images)
    start = ops.where(given > 0, states, ops.zeros_like(states))
    completed = _images(model, model.get_layer("hopfield").recall(start, given))
    return {"completions": ops.where(mask > 0, images, ops.cast(completed, images.dtype))}


def _sample(model, n: Whole, seed: Whole):
    net = model.get_layer("hopfield")
    start = ops.sign(keras.random.uniform((n, net.units), -1, 1, seed=SeedStream(seed)))
    return {"images": _images(model, net.recall(start))}


@recipe(
    family="boltzmann",
    task=RECONSTRUCTION,
    data="digits",
    paper="Hopfield 1982, PNAS 79: https://doi.org/10.1073/pnas.79.8.2554",
    objective=Objective("val_loss", "min"),
    endpoints={
        "serve": Part("images", "recollections"),
        "energy": Function(_energy, ("energies",)),
        "complete": Function(_complete, ("completions",)),
        "sample": Function(_sample, ("images",)),
    },
    epochs=1,
    weighed=False,
    smoke={"image_shape": (4, 4, 1)},
    published=(
        Published("100 units", 4_950, "Hopfield 1982; units × (units − 1) / 2"),
        Published(
            "30 units",
            435,
            "Hopfield 1982; units × (units − 1) / 2",
            {"image_shape": (5, 6, 1)},
        ),
    ),
)
def hopfield(
    image_shape: ImageShape = (10, 10, 1),
    *,
    sweeps: Sweeps = 100,
    seed: Seed = None,
) -> keras.Model:
    """Hopfield net: stores a few binary images, and recalls the one that an image resembles.

    Training adds the images up by Hebb's rule, and one epoch is enough: more scale all weights and
    change no recall. As many images as 0.138 of the pixels can be stored if they are random, fewer
    if they are alike: of a whole data set it recalls little but the mean. With each image its
    negative is stored too.

    Deviations:
        * Each batch adds the mean over its images, where the paper's rule adds their sum, so images
          in a last, smaller batch count for more.
        * Units are −1 and 1, not 0 and 1, so that thresholds are 0.
        * Units are updated in a random order that is the same in every sweep.

    Args:
        image_shape: Height, width and channels of the images.
        sweeps: Most sweeps over all units in a recall, should they not have settled before.
        seed: Makes the order in which units are updated reproducible.

    Returns:
        A compiled model from images in [0, 1] to the images of 0 and 1 that they recall, both
        `(batch, height, width, channels)`. Its loss is the share of the pixels of the images that
        would not stay as they are.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import hopfield
        >>> model = hopfield((4, 4, 1), seed=0)
        >>> image = np.eye(4).reshape(1, 4, 4, 1)
        >>> history = model.fit(image, epochs=1, verbose=0)
        >>> torn = np.concatenate([image[:, :2], np.zeros((1, 2, 4, 1))], axis=1)
        >>> bool((model.predict(torn, verbose=0) == image).all())
        True

    Reference:
        Hopfield 1982, "Neural networks and physical systems with emergent collective computational
        abilities": https://doi.org/10.1073/pnas.79.8.2554;
        Amit, Gutfreund & Sompolinsky 1985 for the 0.138:
        https://doi.org/10.1103/PhysRevLett.55.1530
    """
    images = keras.Input(image_shape, name="images")
    visible = Binarize(name="visible")(layers.Flatten(name="pixels")(images))
    states = layers.Rescaling(2, -1, name="states")(visible)
    settled = Hopfield(sweeps, name="hopfield")(states)
    pixels = layers.Rescaling(0.5, 0.5, dtype="float32", name="settled")(settled)
    recollections = layers.Reshape(image_shape, dtype="float32", name="recollections")(pixels)
    model = RecipeModel(images, recollections)
    model.compile(keras.optimizers.SGD(1.0))
    return model
