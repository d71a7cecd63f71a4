"""The training objective that all autoencoders share."""

import keras


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
