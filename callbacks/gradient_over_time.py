"""How much of the gradient reaches each step of a series: whether it vanishes or explodes."""

import keras
import numpy as np
from keras import ops

from ..errors import UserError
from ..layers.input_gradient import input_gradient


class GradientOverTime(keras.callbacks.Callback):
    """Records the norms of the gradients of a loss with respect to the steps of a series.

    They are taken before the first epoch and after each, without dropout. After each epoch
    `gradient_reach` is logged: the norm at the first step over that at the last, near 0 where
    gradients vanish on their way back, large where they explode.

    Args:
        series: Some series, `(count, steps, channels)`.
        targets: What the model is to give for them, as in `fit`.

    Attributes:
        norms: The mean norm at each step, `(steps,)`: one array from before the training, and one
            for each epoch.

    Raises:
        UserError: If the series are not of real numbers, such as the numbers of words.

    Example:
        >>> import numpy as np
        >>> from amalthea.callbacks import GradientOverTime
        >>> from amalthea.recipes import recurrent_classifier
        >>> series, labels = np.random.rand(8, 5, 2), np.arange(8) % 3
        >>> watch = GradientOverTime(series, labels)
        >>> model = recurrent_classifier(5, 2, 3, hidden_units=(6,))
        >>> history = model.fit(series, labels, epochs=2, callbacks=[watch], verbose=0)
        >>> np.shape(watch.norms)
        (3, 5)

    Reference:
        Bengio, Simard & Frasconi 1994, "Learning Long-Term Dependencies with Gradient Descent is
        Difficult": https://doi.org/10.1109/72.279181;
        Pascanu, Mikolov & Bengio 2012: https://arxiv.org/abs/1211.5063
    """

    def __init__(self, series: np.ndarray, targets: np.ndarray):
        super().__init__()
        self.series, self.targets = np.asarray(series), np.asarray(targets)
        if self.series.ndim != 3 or self.series.dtype.kind != "f":
            raise UserError(
                "gradients over time are of series of real numbers, (count, steps, channels), got "
                f"some of shape {self.series.shape} and type {self.series.dtype}"
            )
        self.norms: list[np.ndarray] = []

    def on_train_begin(self, logs=None):
        self.norms = [self._measured()]

    def on_epoch_end(self, epoch, logs=None):
        self.norms.append(self._measured())
        if logs is not None:
            first, last = self.norms[-1][[0, -1]]
            logs["gradient_reach"] = float(first / last) if last else float("nan")

    def _measured(self) -> np.ndarray:
        loss = keras.losses.get(self.model.loss)
        targets = ops.convert_to_tensor(self.targets)

        def total(series):
            # Losses that are functions give one of each example, others the mean; by the sum the
            # gradient of each does not depend on how many there are.
            mean = ops.mean(loss(targets, self.model(series, training=False)))
            return len(self.series) * mean

        series = ops.convert_to_tensor(self.series, "float32")
        gradient = ops.convert_to_numpy(input_gradient(total, series)).astype("float64")
        return np.linalg.norm(gradient, axis=-1).mean(axis=0)
