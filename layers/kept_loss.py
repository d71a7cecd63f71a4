"""A loss that a second call of the layer does not take away."""

import keras


class KeptLoss:
    """Base of the layers that add a loss when called forward, and may be called in reverse after.

    On JAX each call of a layer of a model takes back what its earlier calls have added; on
    TensorFlow nothing has to be done.
    """

    _added = None

    def add_kept_loss(self, loss):
        """Add a loss in a call forward."""
        self._added = loss if keras.backend.backend() == "jax" else None
        self.add_loss(loss)

    def keep_loss(self):
        """In a call in reverse, add the loss of the call before anew, where Keras forgot it."""
        if self._added is not None and not any(loss is self._added for loss in self.losses):
            self.add_loss(self._added)
        self._added = None
