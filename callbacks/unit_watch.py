"""Notices weights that are no numbers any more, and hidden units that say nothing."""

import warnings

import keras
import numpy as np

from ..errors import UserError
from ..layers import DBM, RBM

# A unit whose mean over images is this close to 0 or 1 is the same for all of them.
SATURATED = 0.005


class UnitWatch(keras.callbacks.Callback):
    """Ends a training whose weights are no numbers, and warns of saturated hidden units.

    After each epoch the weights are looked at, and the binary hidden units of Boltzmann machines: a
    unit that is on, or off, for all images is saturated. A warning comes when more than half of a
    layer's units are, once for each layer.

    Args:
        images: Some images, `(count, height, width, channels)`.

    Raises:
        UserError: When an epoch ends with a weight that is not a finite number.
    """

    def __init__(self, images: np.ndarray):
        super().__init__()
        self.images = np.asarray(images, "float32")

    def on_train_begin(self, logs=None):
        means = {
            layer.name: layer.output
            for layer in self.model.layers
            if isinstance(layer, DBM)
            or (isinstance(layer, RBM) and layer.hidden_units == "bernoulli")
        }
        self._means = keras.Model(self.model.inputs, means) if means else None
        self._warned = set()

    def on_epoch_end(self, epoch, logs=None):
        for weight in self.model.trainable_weights:
            if not np.isfinite(np.asarray(weight)).all():
                raise UserError(
                    f"{weight.path} is no number any more after epoch {epoch + 1}: "
                    "train with a smaller learning rate"
                )
        if self._means is None:
            return
        outputs = self._means.predict_on_batch(self.images)
        for name, units in outputs.items():
            mean = np.asarray(units, "float32").mean(axis=0)
            same = (mean < SATURATED) | (mean > 1 - SATURATED)
            if same.mean() > 0.5 and name not in self._warned:
                self._warned.add(name)
                warnings.warn(
                    f"after epoch {epoch + 1} {same.sum()} of {len(same)} hidden units of {name} "
                    "are on, or off, for all images: try a smaller learning rate, more weight "
                    "decay or a sparsity target",
                    stacklevel=2,
                )
