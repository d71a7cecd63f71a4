"""A recipe that misbehaves as its argument says: a distribution of its own, as the tests make it.

The folder that it notes in what it has done is in the environment.
"""

import ctypes
import os
import signal
import time
from pathlib import Path
from typing import Annotated

import keras
import numpy as np

from amalthea.recipes import recipe
from amalthea.recipes.autoencoders.endpoints import ENDPOINTS
from amalthea.recipes.registry import Objective
from amalthea.recipes.search import Choice, ImageShape, LearningRate, Seed
from amalthea.recipes.tasks import RECONSTRUCTION

FAULTS = ("none", "once", "always", "segfault", "raises", "nan", "hangs", "memory", "slow")
NOTES = "FAULTY_NOTES"


@recipe(
    family="autoencoders",
    task=RECONSTRUCTION,
    data="digits",
    paper="None",
    objective=Objective("val_loss", "min"),
    endpoints=ENDPOINTS,
    smoke={"image_shape": (4, 4, 1)},
)
def faulty(
    image_shape: ImageShape = (8, 8, 1),
    *,
    fault: Annotated[str, Choice(*FAULTS)] = "none",
    learning_rate: LearningRate = 1e-3,
    seed: Seed = None,
) -> keras.Model:
    """Autoencoder that fails.

    Args:
        image_shape: Height, width and channels of the images.
        fault: How it fails.
        learning_rate: Step size of Adam.
        seed: Makes the initial weights reproducible.

    Returns:
        A compiled model.

    Raises:
        RuntimeError: If it is to.

    Example:
        >>> faulty()

    Reference:
        * None.
    """
    with (Path(os.environ[NOTES]) / fault).open("a") as notes:
        notes.write("built\n")
    _fail(fault)
    images = keras.Input(image_shape)
    code = keras.layers.Dense(4, name="code")(keras.layers.Flatten()(images))
    bias = float("nan") if fault == "nan" else 0.0
    rows = keras.layers.Dense(
        int(np.prod(image_shape)), bias_initializer=keras.initializers.Constant(bias)
    )(code)
    model = keras.Model(images, keras.layers.Reshape(image_shape)(rows))
    model.compile(keras.optimizers.Adam(learning_rate), "mean_squared_error")
    return model


def _fail(fault):
    if fault == "always" or (fault == "once" and times(fault) == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    elif fault == "segfault":
        ctypes.string_at(0)
    elif fault == "raises":
        raise RuntimeError("the moon\nis full")
    elif fault == "hangs":
        time.sleep(1000)
    elif fault == "slow":
        time.sleep(3)
    elif fault == "memory":
        held = []
        while True:
            held.append(np.ones(2**25))  # 256 MB
            time.sleep(0.02)


def times(fault, folder=None):
    """How often a model with that fault has been built."""
    notes = Path(folder or os.environ[NOTES]) / fault
    return notes.read_text().count("\n") if notes.exists() else 0
