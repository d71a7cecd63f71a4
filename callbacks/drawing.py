"""Samples that a model draws again and again, as it learns."""

import keras
import numpy as np
from keras import ops


class Drawing:
    """What a model draws from one seed, compiled once, or once for each stage of a growing model.

    Args:
        sampler: From the model to another that gives `images`, `(n, height, width, channels)`, or
            `points`, `(n, dimensions)`, from scalars by name: the `bind` of a recipe's endpoint
            `sample`.
        model: The model.
        inputs: What `sampler` takes: `seed`, and others, which are constants.
    """

    def __init__(self, sampler, model: keras.Model, inputs: dict):
        self.sampler = sampler
        self.model = model
        self.fixed = {name: value for name, value in inputs.items() if name != "seed"}
        self.seed = inputs["seed"]
        self._drawn = None

    def images(self) -> np.ndarray:
        """The images, or points, that the model draws now."""
        stage = getattr(self.model, "stage", 0)
        if stage != self._drawn:
            # As a prediction is compiled: chains are long loops of tiny steps.
            self._draw = self.sampler(self.model, **self.fixed).predict_on_batch
            self._drawn = stage
        return made_of(self._draw({"seed": ops.convert_to_tensor(self.seed, "int32")}))


def made_of(outputs: dict[str, np.ndarray]) -> np.ndarray:
    """The images among the outputs of an endpoint that samples, or the points.

    Args:
        outputs: The outputs by name.
    """
    return outputs["images" if "images" in outputs else "points"]
