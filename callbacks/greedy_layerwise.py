"""A schedule that lets the layers of a stack learn one after another."""

from collections.abc import Callable, Mapping, Sequence

import keras
from keras import ops

from .schedule import Schedule


class GreedyLayerwise(Schedule):
    """Trains a model in stages, in each of which only some of its layers learn, under plain `fit`.

    A layer that takes part has an attribute `learning`; those that a stage does not name rest in
    it, to the last bit. Every stage begins with a fresh state of the optimizer. Which stage it is
    follows from the number of the epoch alone, so a training that is resumed goes on in the right
    one. The logs get the number of the stage, from 1, as `stage`.

    Args:
        stages: For each stage the name of the layer that learns, or a mapping from names to values
            of `learning`, for layers that can learn in several ways.
        epochs: Epochs of each stage but the last, one number for all or one for each; the last
            stage goes on to the end of the training.
        learning_rates: Learning rate of each stage, a number or a function of the number of epochs
            that the stage has run; that of the optimizer if not given.

    Attributes:
        starts: Epochs, from 0, with which the stages begin.
        comparable_early: Whether models can be compared before the last stage: they cannot.

    Raises:
        ValueError: If there is no stage, `epochs` are not whole numbers of at least 1, one for each
            stage but the last, or there are more or fewer learning rates than stages; when training
            begins, if the model has no such layer.

    Example:
        >>> import keras
        >>> from amalthea.callbacks import GreedyLayerwise
        >>> from amalthea.recipes import dbn
        >>> model = dbn((4, 4, 1), hidden_units=(6, 3))
        >>> schedule = GreedyLayerwise(["rbm_1", "rbm_2"], epochs=2)
        >>> images = keras.ops.ones((8, 4, 4, 1))
        >>> history = model.fit(images, epochs=3, callbacks=[schedule], verbose=0)
        >>> history.history["stage"]
        [1, 1, 2]

    Reference:
        Hinton, Osindero & Teh 2006, "A Fast Learning Algorithm for Deep Belief Nets":
        https://doi.org/10.1162/neco.2006.18.7.1527;
        Bengio et al. 2007, "Greedy Layer-Wise Training of Deep Networks":
        https://papers.nips.cc/paper/3048
    """

    def __init__(
        self,
        stages: Sequence[str | Mapping],
        epochs: int | Sequence[int],
        learning_rates: Sequence[float | Callable[[int], float]] | None = None,
    ):
        super().__init__()
        self.stages = [{stage: True} if isinstance(stage, str) else stage for stage in stages]
        if not self.stages:
            raise ValueError("a greedy training needs at least one stage, got none")
        lengths = [epochs] * (len(stages) - 1) if isinstance(epochs, int) else list(epochs)
        if len(lengths) != len(stages) - 1 or any(n < 1 for n in lengths):
            raise ValueError(
                "epochs must be a whole number of at least 1, or one for each stage but the last, "
                f"got {epochs!r} for {len(stages)} stages"
            )
        if learning_rates and len(learning_rates) != len(stages):
            raise ValueError(
                f"learning_rates must be one for each of {len(stages)} stages, "
                f"got {learning_rates!r}"
            )
        self.learning_rates = learning_rates
        self.starts = [sum(lengths[:stage]) for stage in range(len(stages))]

    def on_train_begin(self, logs=None):
        takers = [layer.name for layer in self.model.layers if hasattr(layer, "learning")]
        for name in {name for stage in self.stages for name in stage}:
            if name not in takers:
                raise ValueError(
                    f"{self.model.name} has no layer {name!r} that can learn in a stage: "
                    f"it has {', '.join(takers) or 'none'}"
                )

    def on_epoch_begin(self, epoch, logs=None):
        stage = self._stage(epoch)
        learning = self.stages[stage]
        changed = False
        for layer in self.model.layers:
            value = learning.get(layer.name, False)
            # A 1 that stands for the first layer is not True.
            if hasattr(layer, "learning") and repr(layer.learning) != repr(value):
                layer.learning = value
                changed = True
        if changed:
            # Keras traces a step once, and would go on with the stage before.
            self.model.make_train_function(force=True)
            self.model.make_test_function(force=True)
            self.model.predict_function = None
        if self.learning_rates:
            rate = self.learning_rates[stage]
            self.model.optimizer.learning_rate = (
                rate(epoch - self.starts[stage]) if callable(rate) else rate
            )
        if epoch in self.starts:
            refresh(self.model.optimizer)
            self.on_stage_begin(stage)

    def on_stage_begin(self, stage: int) -> None:
        """Called before the first epoch of each stage, for a subclass to prepare it.

        Args:
            stage: Number of the stage, from 0.
        """

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            logs["stage"] = self._stage(epoch) + 1

    def _stage(self, epoch: int) -> int:
        return max(stage for stage, start in enumerate(self.starts) if start <= epoch)


def refresh(optimizer: keras.optimizers.Optimizer) -> None:
    """Have an optimizer forget the steps taken, so that nothing moves on by its momentum."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # beneath a loss scale
    for variable in optimizer.variables:
        if variable is not optimizer._learning_rate:
            variable.assign(ops.zeros(variable.shape, variable.dtype))
