"""The training objective that all autoencoders share, and what they are measured by."""

import keras
import numpy as np
from keras import ops

from ...metrics import reconstruction_error
from ..model import FromRecipe


@keras.saving.register_keras_serializable("amalthea")
class Reconstruction(FromRecipe, keras.Model):
    """A functional model trained to give back its own input.

    Losses and metrics given to `compile` compare the output with the input, or with `y` where that
    is images, too: `fit(noisy, clean)`. Labels in the data are ignored, so `fit` takes `x` alone or
    `(x, labels)`.
    """

    learns_pairs = True

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return super().compute_loss(
            x=x,
            y=_target(x, y),
            y_pred=y_pred,
            sample_weight=_of_pixels(sample_weight, y_pred),
            training=training,
        )

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        weights = _of_pixels(sample_weight, y_pred)
        return super().compute_metrics(x, _target(x, y), y_pred, weights)


def _target(x, y):
    """The images that are to be given back: `y` where it is images, else `x`."""
    return y if y is not None and len(y.shape) == len(x.shape) else x


def _of_pixels(weights, images):
    """Weights of images, `(batch,)`, as those of their pixels, `(batch, 1, 1)`."""
    if weights is None or len(weights.shape) > 1:
        return weights
    return ops.reshape(weights, (-1, *[1] * (len(images.shape) - 2)))


def reconstruction(
    model: keras.Model, images: np.ndarray, labels: np.ndarray | None, batch_size: int
) -> dict[str, float]:
    """Squared error of an image, as `reconstruction_error`."""
    outputs = model.predict(images, batch_size=batch_size, verbose=0)
    return {"reconstruction_error": reconstruction_error(images, outputs)}
