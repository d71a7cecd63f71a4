"""A divergence that counts little at first."""

from ..checks import check_count
from .schedule import Schedule


class KLWarmUp(Schedule):
    """Raises the weight of the divergence in a variational model's loss from 0 to its full value.

    In the first epoch the weight is 0, then it grows by equal parts. So the codes carry something
    before they are drawn to the prior. It follows from the number of the epoch alone, so that a
    training that is resumed goes on with the right one. The logs get it as `kl_weight` where it is
    not always full.

    Args:
        epochs: Number of the epoch, from 0, in which the weight is full; with 0 it always is.

    Raises:
        ValueError: If `epochs` is no whole number of at least 0; when training begins, if the model
            has no such weight.

    Example:
        >>> import keras
        >>> from amalthea.callbacks import KLWarmUp
        >>> from amalthea.recipes import variational_autoencoder
        >>> model = variational_autoencoder((4, 4, 1), hidden_units=(6,), latent_dim=2)
        >>> images = keras.ops.ones((8, 4, 4, 1))
        >>> history = model.fit(images, epochs=4, callbacks=[KLWarmUp(2)], verbose=0)
        >>> history.history["kl_weight"]
        [0.0, 0.5, 1.0, 1.0]

    Reference:
        Sønderby et al. 2016, "Ladder Variational Autoencoders", section 2.3:
        https://arxiv.org/abs/1602.02282
    """

    # A search compares models by a bound with the full divergence.
    comparable_early = True

    def __init__(self, epochs: int):
        super().__init__()
        self.epochs = check_count("epochs", epochs, least=0)

    def least_epochs(self, images: int) -> int:
        """Epochs that it takes to reach the full weight, with whatever number of images."""
        return self.epochs + 1

    def on_train_begin(self, logs=None):
        if not hasattr(self.model, "kl_weight"):
            raise ValueError(
                f"{self.model.name} has no kl_weight that could be raised: it is not variational"
            )

    def on_epoch_begin(self, epoch, logs=None):
        self.model.kl_weight.assign(self._weight(epoch))

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None and self.epochs:
            logs["kl_weight"] = self._weight(epoch)

    def _weight(self, epoch: int) -> float:
        return min(1.0, epoch / self.epochs) if self.epochs else 1.0
