"""The training objective that all autoencoders share, and what they are measured by."""

import keras
import numpy as np

from ...metrics import reconstruction_error


@keras.saving.register_keras_serializable("amalthea")
class Reconstruction(keras.Model):
    """A functional model trained to give back its own input.

    Losses and metrics given to `compile` compare the output with the input; labels in the data are
    ignored, so `fit` takes `x` alone or `(x, y)`.
    """

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return super().compute_loss(
            x=x, y=x, y_pred=y_pred, sample_weight=sample_weight, training=training
        )

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return super().compute_metrics(x, x, y_pred, sample_weight)


def reconstruction(
    model: keras.Model, images: np.ndarray, labels: np.ndarray | None, batch_size: int
) -> dict[str, float]:
    """Squared error of an image, as `reconstruction_error`."""
    outputs = model.predict(images, batch_size=batch_size, verbose=0)
    return {"reconstruction_error": reconstruction_error(images, outputs)}
