"""What all models of recipes have: an origin, and a look at the data before the first step."""

import functools
import inspect
import math
import types
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import keras
import numpy as np

from ..data.features import FEATURES, Feature
from ..errors import UserError, out_of_pipelines
from .registry import Origin, Recipe, get_recipe
from .replica import is_on, replica_device

# How many times as many steps as compiled one execution takes at the most, to end with an epoch.
MOST = 10


class FromRecipe:
    """Base, before `keras.Model`, of the models that recipes build.

    The model's config says which recipe built it, so that a copy, a clone and a file know its
    `origin`. Before the first step of `fit`, `evaluate`, `predict` and the like the data are
    checked on the host: arrays whole, of anything else the first batch. As many steps are taken as
    `steps_per_epoch` and the like ask for, however many are one execution.

    Args:
        *args: Arguments of `keras.Model`.
        origin: What the model was built from, as an `Origin` or as in its config; None for a model
            of no recipe, whose data are not checked.
        **kwargs: Arguments of `keras.Model`.
    """

    # Whether images may be given as `y`, to be made of those in `x`.
    learns_pairs = False
    # Whether states are carried over batches, whose order matters then.
    carries = False
    # Steps an execution now, and those that the model was compiled with.
    _steps_per_execution_now = (0, 0)
    # Ways of giving single batches of which one has been looked at; what has been said once.
    _looked = frozenset()

    def __init__(self, *args, origin: Origin | Mapping[str, Any] | None = None, **kwargs):
        super().__init__(*args, **kwargs)
        self.origin = Origin.of(origin)
        if keras.backend.backend() == "tensorflow":
            # XLA lacks the gradient of nearest resizing; Keras asks this when it compiles.
            resizes = any(isinstance(layer, keras.layers.Resizing) for layer in self.layers)
            self.supports_jit = not resizes

    def get_config(self):
        return {**super().get_config(), "origin": self.origin and self.origin.config()}

    # `clone_model` hands on to a functional model what it is compiled with, but no config.

    def get_compile_config(self):
        config = super().get_compile_config()
        own = {"origin": self.origin and self.origin.config(), "policy": self.dtype_policy.name}
        return config and {**config, **own}

    def compile_from_config(self, config):
        config = dict(config)
        origin = Origin.of(config.pop("origin", None))
        self.origin = self.origin or origin
        # By which Keras decides whether the optimizer scales the loss, and which it does not save.
        if policy := config.pop("policy", None):
            self.dtype_policy = keras.dtype_policies.get(policy)
        super().compile_from_config(config)

    # Replicas of a model share the lists of what its layers have added to the loss, and take turns
    # wherever the copies of a variable meet, which may be in the middle of a call.

    @property
    def losses(self):
        device, losses = replica_device(), super().losses
        return losses if device is None else [x for x in losses if is_on(x, device)]

    def _clear_losses(self):
        if (device := replica_device()) is None:
            super()._clear_losses()
            return
        for layer in self._flatten_layers():
            mine = [loss for loss in layer._losses if is_on(loss, device)]
            layer._losses[:] = [loss for loss in layer._losses if not is_on(loss, device)]
            layer._loss_ids -= set(map(id, mine))

    # Keras saves no state of the random generators of dropout and noise.

    def save_own_variables(self, store):
        super().save_own_variables(store)
        for index, state in enumerate(self._random_states()):
            store[f"random_{index}"] = keras.ops.convert_to_numpy(state)

    def load_own_variables(self, store):
        names = list(store.keys())
        for index, state in enumerate(self._random_states()):
            if (name := f"random_{index}") in names:  # earlier versions kept some only
                state.assign(store[name])
        own = [name for name in names if not name.startswith("random_")]
        super().load_own_variables({name: store[name] for name in own})

    def _random_states(self):
        return [v for v in self.variables if v.name == "seed_generator_state"]

    @functools.wraps(keras.Model.save)
    def save(self, filepath, *args, **kwargs):
        if str(filepath).endswith((".h5", ".hdf5")):
            raise UserError(
                "a model in Keras' legacy format, HDF5, would lose a part of its state: save it as "
                f".keras, or its weights by save_weights as .weights.h5, got {str(filepath)!r}"
            )
        super().save(filepath, *args, **kwargs)

    @functools.wraps(keras.Model.fit)
    def fit(self, *args, **kwargs):
        given = arguments_of(keras.Model.fit, self, args, kwargs)
        self._look(given)
        if given.get("validation_data") is not None:
            parts = keras.utils.unpack_x_y_sample_weight(given["validation_data"])
            held_out = dict(zip(("x", "y", "sample_weight"), parts, strict=True))
            self._look(held_out)
            sizes = given.get("validation_batch_size"), given.get("batch_size")
            self.arrange(held_out, "validation", next(filter(None, sizes), None))
            given["validation_data"] = tuple(map(held_out.get, ("x", "y", "sample_weight")))
        x = given.get("x")
        self.arrange(given, "train")
        if given.get("x") is not x:
            given["shuffle"] = False
        self._execute(given.get("steps_per_epoch"), given.get("validation_steps"))
        with out_of_pipelines():
            return super().fit(**given)

    @functools.wraps(keras.Model.evaluate)
    def evaluate(self, *args, **kwargs):
        given = arguments_of(keras.Model.evaluate, self, args, kwargs)
        if not given.get("_use_cached_eval_dataset"):  # else `fit` has looked at them
            self._look(given)
            self.arrange(given, "test")
            self._execute(given.get("steps"))
        with out_of_pipelines():
            return super().evaluate(**given)

    @functools.wraps(keras.Model.predict)
    def predict(self, *args, **kwargs):
        given = arguments_of(keras.Model.predict, self, args, kwargs)
        self._look(given, learns=False)
        self._execute(given.get("steps"))
        with out_of_pipelines():
            return super().predict(**given)

    @functools.wraps(keras.Model.train_on_batch)
    def train_on_batch(self, *args, **kwargs):
        given = arguments_of(keras.Model.train_on_batch, self, args, kwargs)
        self._look(given, single="train")
        return super().train_on_batch(**given)

    @functools.wraps(keras.Model.test_on_batch)
    def test_on_batch(self, *args, **kwargs):
        given = arguments_of(keras.Model.test_on_batch, self, args, kwargs)
        self._look(given, single="test")
        return super().test_on_batch(**given)

    @functools.wraps(keras.Model.predict_on_batch)
    def predict_on_batch(self, *args, **kwargs):
        given = arguments_of(keras.Model.predict_on_batch, self, args, kwargs)
        self._look(given, learns=False, single="predict")
        return super().predict_on_batch(**given)

    def _look(self, given: dict[str, Any], learns: bool = True, single: str | None = None) -> None:
        """Check the data among the arguments of a method, and complete them.

        Args:
            given: The arguments, with `x` and perhaps `y`, `sample_weight` and `class_weight`.
            learns: Whether labels are needed.
            single: A way of giving single batches, of which the first alone is checked.

        Raises:
            UserError: If the model cannot use the data.
        """
        if self.origin is None or given.get("x") is None:
            return
        recipe = get_recipe(self.origin.recipe)
        for weights in ("sample_weight", "class_weight"):
            if given.get(weights) is not None:
                self._check_weights(recipe, weights)
        alone, targets = only(given["x"]), recipe.task.targets
        if given.get("class_weight") is not None and targets and targets != ("label",):
            raise UserError(
                f"class_weight is of examples that have one class each, and {recipe.name} learns "
                f"from {FEATURES[targets[0]].noun}"
            )
        if given.get("class_weight") is not None and is_array(alone) and given.get("y") is None:
            raise UserError("class_weight needs the labels of the images as y, got none")
        if not is_array(alone):
            given["x"], batch = _first_batch(given["x"])
            if batch is not None:
                self._check(recipe, learns, *keras.utils.unpack_x_y_sample_weight(batch))
            return
        features = recipe.features(self.origin.arguments)
        (name,) = recipe.task.inputs
        given["x"] = _map_only(features[name].complete, given["x"])
        if given.get("sample_weight") is not None and given.get("y") is None:
            # Keras leaves weights out where there is nothing between them and the images.
            given["y"] = np.zeros(len(only(given["x"])), "int32")
        weights, y = given.get("sample_weight"), given.get("y")
        if targets and getattr(weights, "ndim", 0) == 1 < getattr(y, "ndim", 0):
            # One weight for all that an example is to give.
            given["sample_weight"] = np.reshape(weights, (-1, *[1] * (y.ndim - 1)))
        if single not in self._looked:
            parts = (given.get(name) for name in ("x", "y", "sample_weight"))
            self._check(recipe, learns, *parts)
            self._looked |= {single} - {None}

    def arrange(self, given: dict[str, Any], use: str, batch_size: int | None = None) -> None:
        """Bring the data among the arguments of `fit` or `evaluate` into the order that is needed.

        Args:
            given: The arguments, with `x` and perhaps `y`, `sample_weight` and others.
            use: What they are for: "train", "validation" or "test".
            batch_size: Rows of a batch, where the arguments do not say it.
        """

    def _check(self, recipe: Recipe, learns: bool, x, y=None, weights=None) -> None:
        features, task = recipe.features(self.origin.arguments), recipe.task
        x = only(x)
        if x is None or not is_array(x):
            return
        x = np.asarray(x)
        (name,) = task.inputs
        features[name].check(recipe.name, x)
        if weights is not None:
            self._check_weights(recipe, "sample_weight")
        if task.targets and learns:
            (name,) = task.targets
            features[name].check(recipe.name, y, len(x))
        elif not task.targets and y is not None and y is not x:
            self._check_ignored(features[name], np.asarray(y), x)

    def _check_ignored(self, feature: Feature, targets: np.ndarray, x: np.ndarray) -> None:
        """Look at `y` of a model that has no targets."""
        name = self.origin.recipe
        alone = f"{name} learns from {feature.noun} alone"
        if targets.dtype.kind not in "buif":
            raise UserError(f"{alone}, got y of type {targets.dtype}: leave it out")
        if self.learns_pairs and targets.ndim == x.ndim:
            feature.check(name, targets, what="images as y")
        elif targets.ndim > 1 and targets.shape[1:] != (1,) and "y" not in self._looked:
            self._looked |= {"y"}
            warnings.warn(
                f"{alone}: y, of shape {targets.shape}, is ignored",
                stacklevel=5,
            )

    def _check_weights(self, recipe: Recipe, argument: str) -> None:
        if not recipe.weighed:
            raise UserError(
                f"{recipe.name} learns from statistics of whole batches, in which examples "
                f"have no weights, got {argument}: show an example more often instead"
            )

    def _execute(self, *steps: int | None) -> None:
        """Have one execution take about as many steps as compiled, so that all of these are cut."""
        now, compiled = self._steps_per_execution_now
        if now != self.steps_per_execution:
            compiled = self.steps_per_execution
        now, counts = compiled, [n for n in steps if n]
        if getattr(getattr(self, "distribute_strategy", None), "num_replicas_in_sync", 1) > 1:
            now = 1  # TensorFlow cannot run several under a strategy
        elif counts and compiled > 1:
            divisors = (k for k in range(1, MOST * compiled + 1) if not any(n % k for n in counts))
            now = min(divisors, key=lambda k: abs(math.log(k / compiled)))
        if now != self.steps_per_execution:
            self.steps_per_execution = now
            self.train_function = self.test_function = self.predict_function = None
        self._steps_per_execution_now = (now, compiled)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # Keras would create what the optimizer and the metrics hold while it traces the first
        # step, and then have to trace it again; under a strategy it would draw a batch for its
        # shapes alone, which would count as the first of an epoch.
        if iterator is not None:
            specs, iterator = iterator.data_adapter.get_tf_dataset().element_spec, None
            data_batch = keras.tree.map_structure(_spec, specs)
        with self.distribute_strategy.scope():
            self._symbolic_build(iterator, data_batch)


@keras.saving.register_keras_serializable("amalthea")
class RecipeModel(FromRecipe, keras.Model):
    """A model of a recipe that Keras' own losses, or those that its layers add, train."""


# Found once: single batches come one after another.
_signature = functools.cache(inspect.signature)


def arguments_of(method, model, args, kwargs) -> dict[str, Any]:
    """The arguments of a method of Keras' models, by name."""
    given = _signature(method).bind(model, *args, **kwargs).arguments
    del given["self"]
    rest = given.pop("kwargs", {})  # of `evaluate`
    return given | rest


def _spec(spec: Any) -> Any:
    """What Keras asks of a part of a batch, which may be missing: a shape and a type."""
    return spec if hasattr(spec, "dtype") else None


def is_array(data: Any) -> bool:
    """Whether data are an array, or a tensor."""
    return hasattr(data, "shape") and hasattr(data, "dtype")


def only(data: Any) -> Any:
    """The one part of data that may be given as a list or a dict of parts; else the data."""
    if isinstance(data, Mapping):
        data = list(data.values())
    return data[0] if isinstance(data, list | tuple) and len(data) == 1 else data


def _map_only(function, data: Any) -> Any:
    """The data, after `function` has been applied to their one part."""
    if isinstance(data, Mapping) and len(data) == 1:
        return {name: function(part) for name, part in data.items()}
    if isinstance(data, list | tuple) and len(data) == 1:
        return [function(data[0])]
    return function(data)


def _first_batch(data: Any) -> tuple[Any, Any]:
    """The data, as they were, and their first batch; None where there is none to look at."""
    if (examples := getattr(data, "examples", None)) is not None:
        # Known without an iteration, which would count as an epoch.
        return data, examples()
    if isinstance(data, keras.utils.PyDataset):
        return data, data[0] if data.num_batches != 0 else None
    if isinstance(data, types.GeneratorType):
        first = next(data, None)
        return (data, None) if first is None else (_put_back(first, data), first)
    return data, next(iter(data), None) if isinstance(data, Iterable) else None


def _put_back(first: Any, rest: Iterator) -> Iterator:
    yield first
    yield from rest
