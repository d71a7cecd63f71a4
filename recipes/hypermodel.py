"""A recipe as a KerasTuner hypermodel."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import keras_tuner
import numpy as np

from ..callbacks import Measurement
from ..errors import UserError
from .registry import BATCH_SIZE, Recipe

# Held-out images that a measured objective is taken from after each epoch.
MEASURED = 1000


class RecipeHyperModel(keras_tuner.HyperModel):
    """A recipe with its search space, for any tuner of KerasTuner.

    `build` declares the whole space, the batch size included; `fit` applies the batch size. The
    training and validation data of `tuner.search` may be arrays, a batched `tf.data.Dataset` (it is
    batched again), or a function from a batch size to a data set.

    Args:
        recipe: The recipe.
        top: Tune only that many hyperparameters, those of the highest rank.
        fixed: Arguments that keep a given value, `batch_size` among them.
        metrics: Metrics beside those of the recipe, as `compile` takes them.
    """

    def __init__(
        self,
        recipe: Recipe,
        *,
        top: int | None = None,
        fixed: Mapping[str, Any],
        metrics: Sequence[Any] = (),
    ):
        super().__init__(name=recipe.name)
        self.metrics = list(metrics)
        self.recipe = recipe
        self.top = top
        self.fixed = dict(fixed)
        recipe.check(self.fixed)
        self._tuned = recipe.tuned(top, fixed.keys())
        # Some figures of held-out images depend on the size of their batches, so it is one for all.
        self._held_out_batch_size = self.fixed.get("batch_size", recipe.batch_size)

    def arguments(self, hp: keras_tuner.HyperParameters) -> dict[str, Any]:
        """The builder's keyword arguments for these hyperparameters."""
        return self.recipe.space(hp, top=self.top, **self.fixed)

    def changing(self, logged: str) -> tuple[str, ...]:
        """Names of the arguments that a search changes and a logged figure cannot be compared by.

        Args:
            logged: Its name, such as `"val_loss"`.
        """
        arguments = {p.name: p.default for p in self.recipe.parameters} | self.fixed
        return self.recipe.changing(logged, self._tuned, arguments)

    def batch_size(self, hp: keras_tuner.HyperParameters) -> int:
        """The batch size for these hyperparameters."""
        default = self.fixed.get("batch_size", self.recipe.batch_size)
        return BATCH_SIZE.suggest(hp, "batch_size", default, self._tuned)

    def defaults(self) -> dict[str, Any]:
        """The default of every hyperparameter that is active by default."""
        hp = keras_tuner.HyperParameters()
        self.batch_size(hp)
        self.arguments(hp)
        return hp.values

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        # First met in `fit`, the batch size would be missing from the first trial.
        self.batch_size(hp)
        model = self.recipe.build(**self.arguments(hp))
        if self.metrics:
            _add_metrics(model, self.metrics)
        # A trial that goes on from another's weights goes on with its optimizer, too.
        model.optimizer.build(model.trainable_variables)
        return model

    def fit(self, hp, model, x, *args, validation_data=None, **kwargs):
        size = self.batch_size(hp)
        x, is_batched = _batched(x, size)
        if validation_data is not None:
            validation_data, _ = _batched(validation_data, self._held_out_batch_size)
        if is_batched:
            kwargs["shuffle"] = False  # that is up to the data set
        else:
            kwargs["batch_size"] = size
            kwargs["validation_batch_size"] = self._held_out_batch_size
        if self.recipe.objective.measured and validation_data is not None:
            measurement = Measurement(
                self.recipe.quick_measures, *_first(validation_data, MEASURED)
            )
            kwargs["callbacks"] = [measurement, *(kwargs.get("callbacks") or ())]
        if self.recipe.schedule and "epochs" in kwargs:
            kwargs = self._pretrained(model, x, *args, **kwargs)
        return model.fit(x, *args, validation_data=validation_data, **kwargs)

    def _pretrained(self, model, *data, epochs, callbacks=(), initial_epoch=0, **kwargs):
        """Train all stages but the last, whose losses are not comparable with those of the last.

        Returns:
            The keyword arguments of `fit` for the last stage: its epochs alone count in a search.
        """
        schedule = self.recipe.schedule(model.origin.arguments)
        last = schedule.starts[-1]
        if initial_epoch < last < epochs:
            watching = [each for each in callbacks if getattr(each, "every_stage", False)]
            stages = {"initial_epoch": initial_epoch, "epochs": last}
            model.fit(*data, callbacks=[schedule, *watching], **stages, **kwargs)
            initial_epoch = last
        callbacks = [schedule, *callbacks]
        return {"epochs": epochs, "callbacks": callbacks, "initial_epoch": initial_epoch, **kwargs}


def _add_metrics(model: keras.Model, metrics: Sequence[Any]) -> None:
    """Compile the model as it is, with other metrics beside its own."""
    config = model.get_compile_config()
    own = config.get("metrics") or []
    if isinstance(own, Mapping):
        raise UserError(f"{model.name} has metrics of its outputs by name: no others can be added")
    copies = keras.saving.serialize_keras_object(list(metrics))
    kinds = [
        metric if callable(metric) and hasattr(metric, "__name__") else type(metric)
        for metric in metrics
    ]
    with keras.saving.custom_object_scope({kind.__name__: kind for kind in kinds}):
        model.compile_from_config({**config, "metrics": [*own, *copies]})


def _first(data: Any, count: int) -> tuple[np.ndarray, np.ndarray | None]:
    """The first images of a data set, or of arrays, with their labels if there are any."""
    if not hasattr(data, "unbatch"):
        images, labels = data if isinstance(data, tuple | list) else (data, None)
        return np.asarray(images[:count]), None if labels is None else np.asarray(labels[:count])
    rows = list(data.unbatch().take(count).as_numpy_iterator())
    if not isinstance(rows[0], tuple):
        return np.stack(rows), None
    return tuple(np.stack(column) for column in zip(*rows, strict=True))


def _batched(data: Any, size: int) -> tuple[Any, bool]:
    """`data` in batches of `size`, and whether it comes in batches (arrays do not)."""
    if isinstance(data, Callable):
        return data(size), True
    if hasattr(data, "rebatch"):
        import tensorflow as tf

        infinite = int(data.cardinality()) == -1
        data = data.rebatch(size)
        # Keras counts a step too many in every epoch whose length it does not know.
        steps = -1 if infinite else int(data.reduce(0, lambda count, _: count + 1))
        return data.apply(tf.data.experimental.assert_cardinality(steps)), True
    return data, False
