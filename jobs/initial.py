"""Weights that a training begins with, from a run or from a file, and layers that keep them."""

import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
from keras import ops

from ..checks import is_whole
from ..errors import UserError
from ..recipes import Recipe, get_recipe
from ..recipes.memory import build_without_values
from .run import Run

Layers = Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class Weights:
    """The weights of a model.

    Attributes:
        source: Where they come from.
        layers: The arrays of each layer, by its name, in the order of the layers.
        class_names: The names of its classes, where they are known.
        learnt_with: The arguments without which they are of no use, where they are known.
    """

    source: str
    layers: Mapping[str, Sequence[np.ndarray]]
    class_names: tuple[str, ...] = ()
    learnt_with: Mapping[str, Any] = field(default_factory=dict)


def read_weights(source: str | Path, recipe: Recipe, arguments: Mapping[str, Any]) -> Weights:
    """The weights of a run's model, or of a file.

    Args:
        source: A run folder, or a file: `.keras`, `.weights.h5` of the same recipe and arguments,
            or `.h5` in Keras' legacy format, as those of `keras.applications` are.
        recipe: The recipe that is to begin with them.
        arguments: Its arguments.

    Raises:
        UserError: If there is no such run or file, or it cannot be read.
    """
    path = Path(source).expanduser()
    if path.is_dir():
        run = Run.open(path)
        model = run.load_model()
        return Weights(str(source), _arrays(model), run.class_names, _learnt_with(model))
    if not path.is_file():
        raise UserError(f"there is no run and no file {source} to take weights from")
    try:
        if path.suffix == ".keras":
            model = keras.models.load_model(path, compile=False)
            return Weights(str(source), _arrays(model), learnt_with=_learnt_with(model))
        if path.name.endswith(".weights.h5"):
            return Weights(str(source), _of_the_recipe(path, recipe, arguments))
        if is_legacy(path):
            return Weights(str(source), _legacy(path))
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason, *_ = str(error).strip().splitlines() or [type(error).__name__]
        raise UserError(f"{source} cannot be read: {reason}") from error
    raise UserError(
        f"weights come from a run folder or a file .keras, .weights.h5 or .h5, got {source}"
    )


def is_legacy(source: str | Path) -> bool:
    """Whether a name is that of a file in Keras' legacy format."""
    return str(source).endswith((".h5", ".hdf5")) and not str(source).endswith(".weights.h5")


def check_said(source: str | Path, recipe: Recipe, given: Collection[str]) -> None:
    """Raise `UserError` if neither a file nor the user says with which arguments it was learnt.

    Args:
        source: Where the weights come from.
        recipe: The recipe that is to begin with them.
        given: Names of the arguments that the user gives.
    """
    if not is_legacy(source):
        return
    for p in recipe.parameters:
        if p.learnt_with and p.name not in given:
            raise UserError(
                f"{source} does not say {p.learnt_with.what}: give {p.name} {p.learnt_with.usual}"
            )


def begin_with(
    model: keras.Model, weights: Weights, scoring: Collection[str], class_names: tuple[str, ...]
) -> str:
    """Give a model the weights of another: by the names of layers, or else by their order.

    Layers that score classes stay new where those are others; where some have the same names, what
    belongs to these is taken. The bias of a convolution that is normalised, where the model has
    none, is taken from the mean there.

    Args:
        model: The model, which is changed.
        weights: The other's.
        scoring: Names of the layers that have an output for each class, as `scoring_layers` has.
        class_names: The names of the classes, where they are known.

    Returns:
        A sentence that says what has been taken.

    Raises:
        UserError: If the shapes of a layer differ in anything else, or an argument is
            another than what the weights were learnt with. Nothing is changed then.
    """
    given = _learnt_with(model)
    for name, value in weights.learnt_with.items():
        if name in given and given[name] != value:
            raise UserError(
                f"{name} is {given[name]!r}, and {weights.source} was learnt with {value!r}: "
                f"give {name} {value!r}"
            )
    ours = _layers(model)
    pairs = _pairs(ours, weights)
    values: dict[int, np.ndarray] = {}
    new, partly = [], []
    for name, variables in ours.items():
        arrays = pairs[name]
        if len(arrays) == len(variables) + 1 and len(variables) == 1:
            _take_from_mean(model, ours, pairs, name, arrays[1])
    for name, variables in ours.items():
        arrays = list(pairs[name])[: len(variables)]
        shapes = [tuple(v.shape) for v in variables], [a.shape for a in arrays]
        if (
            name in scoring
            and _same_inputs(*shapes)
            and (shapes[0] != shapes[1] or _differ(weights.class_names, class_names))
        ):
            if common := sorted(set(weights.class_names) & set(class_names)):
                partly.append(name)
                arrays = [
                    _by_class(v, a, weights.class_names, class_names, common)
                    for v, a in zip(variables, arrays, strict=True)
                ]
            else:
                new.append(name)
                continue
        elif shapes[0] != shapes[1]:
            raise UserError(
                f"the layer {name} has weights of shapes {_words(shapes[0])}, and in "
                f"{weights.source} {_words(shapes[1])}: it is another model"
            )
        values |= {id(v): a for v, a in zip(variables, arrays, strict=True)}
    for variables in ours.values():
        for variable in variables:
            if id(variable) in values:
                variable.assign(values[id(variable)])
    sentence = f"the weights of {len(ours) - len(new)} layers are those of {weights.source}"
    if new:
        sentence += f"; new is {', '.join(new)}"
    if partly:
        common = set(weights.class_names) & set(class_names)
        sentence += f"; of {', '.join(partly)} those of {', '.join(sorted(common))}"
    return sentence


def freeze_layers(model: keras.Model, recipe: Recipe, what: str | int) -> None:
    """Have layers of a model keep their weights, and normalise as in inference.

    Args:
        model: The model.
        recipe: Its recipe.
        what: "none", "features" for all that the recipe's endpoint of that name needs, or a number:
            so many layers with weights, from the first on.

    Raises:
        UserError: If it is none of that, or the recipe has no features.
    """
    if str(what) == "none":
        return
    layers = [
        layer
        for layer in model._flatten_layers(include_self=False)
        if layer.weights and not any(True for _ in layer._flatten_layers(include_self=False))
    ]
    if str(what) == "features":
        if "features" not in recipe.endpoints:
            raise UserError(f"{recipe.name} has no endpoint 'features' whose layers could freeze")
        kept = {id(v) for v in recipe.endpoints["features"].bind(model).variables}
        layers = [layer for layer in layers if any(id(v) in kept for v in layer.weights)]
    else:
        count = int(what) if is_whole(what) or str(what).isdecimal() else -1
        if not 0 <= count <= len(layers):
            raise UserError(
                "freeze must be 'none', 'features', or how many of the "
                f"{len(layers)} layers with weights, got {what!r}"
            )
        layers = layers[:count]
    for layer in layers:
        layer.trainable = False


def scoring_layers(recipe: Recipe, arguments: Mapping[str, Any]) -> set[str]:
    """Names of the layers that are others with another number of classes.

    Args:
        recipe: The recipe.
        arguments: All its arguments.
    """
    name = recipe.argument_of("label", "count")
    if name is None:
        return set()
    shapes = []
    for count in (arguments[name], arguments[name] + 1):
        weights: list[keras.Variable] = []
        build_without_values(recipe.build, {**arguments, name: count}, weights)
        random = "seed_generator_state"
        shapes.append({(_layer_of(v), tuple(v.shape)) for v in weights if v.name != random})
    return {layer for layer, _ in shapes[0] - shapes[1]}


def _layers(model: keras.Model) -> dict[str, list[keras.Variable]]:
    """The weights of each layer, by its name."""
    layers: dict[str, list[keras.Variable]] = {}
    for variable in model.weights:
        layers.setdefault(_layer_of(variable), []).append(variable)
    return layers


def _layer_of(variable: keras.Variable) -> str:
    return variable.path.rpartition("/")[0]


def _arrays(model: keras.Model) -> dict[str, list[np.ndarray]]:
    return {
        name: [ops.convert_to_numpy(variable) for variable in variables]
        for name, variables in _layers(model).items()
    }


def _learnt_with(model: keras.Model) -> dict[str, Any]:
    """The arguments of a model without which its weights are of no use."""
    origin = getattr(model, "origin", None)
    parameters = get_recipe(origin.recipe).parameters if origin else ()
    return {p.name: origin.arguments[p.name] for p in parameters if p.learnt_with}


def _of_the_recipe(path: Path, recipe: Recipe, arguments: Mapping[str, Any]):
    """The weights in a file without names: those of the recipe, with as many classes as there are.

    The classes are tried that a bias in the file may have, first those that no other one has.
    """
    lengths: set[int] = set()
    with h5py.File(path) as file:
        file.visititems(
            lambda _, item: lengths.add(item.shape[0]) if len(_shape(item)) == 1 else None
        )
    model = recipe.build(**arguments)
    usual = {v.shape[0] for v in model.weights if len(v.shape) == 1}
    name = recipe.argument_of("label", "count")
    counts = sorted(lengths, key=lambda n: (n in usual, n)) if name else []
    reason = ""
    for count in [None, *counts]:
        try:
            if count is not None:
                model = recipe.build(**arguments | {name: count})
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model.load_weights(path)
            return _arrays(model)
        except ValueError as error:  # a `UserError`, too: a length that is no number of classes
            reason = reason or str(error).strip().splitlines()[0]
    raise UserError(
        f"{path} does not hold the weights of {recipe.name} with these arguments: {reason}"
    )


def _shape(item: Any) -> tuple[int, ...]:
    return getattr(item, "shape", ())


def _legacy(path: Path) -> dict[str, list[np.ndarray]]:
    """The weights in a file of Keras' legacy format, of a model or of its weights alone."""
    with h5py.File(path) as file:
        group = file.get("model_weights", file)
        layers = {}
        for name in map(_text, group.attrs["layer_names"]):
            weights = [np.asarray(group[name][_text(n)]) for n in group[name].attrs["weight_names"]]
            if weights:
                layers[name] = weights
    return layers


def _text(name: Any) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)


def _pairs(ours: Layers, weights: Weights) -> dict[str, Sequence[np.ndarray]]:
    """The other's arrays for each of our layers."""
    if ours.keys() <= weights.layers.keys():
        return {name: weights.layers[name] for name in ours}
    if len(ours) != len(weights.layers):
        raise UserError(
            f"the model has {len(ours)} layers with weights, and {weights.source} has "
            f"{len(weights.layers)}: it is another model"
        )
    return dict(zip(ours, weights.layers.values(), strict=True))


def _take_from_mean(model, ours: Layers, pairs: dict, name: str, bias: np.ndarray) -> None:
    """Take a bias that the model does not have from the mean of what normalises it."""
    layers = {layer.name: layer for layer in model._flatten_layers(include_self=False)}
    for other in ours:
        layer = layers.get(other)
        if hasattr(layer, "moving_mean") and layer.input is layers[name].output:
            index = [v is layer.moving_mean for v in ours[other]].index(True)
            arrays = list(pairs[other])
            arrays[index] = arrays[index] - bias
            pairs[other] = arrays


def _same_inputs(ours, theirs) -> bool:
    """Whether shapes differ in their last axis at the most."""
    return [shape[:-1] for shape in ours] == [shape[:-1] for shape in theirs]


def _differ(theirs: tuple[str, ...], ours: tuple[str, ...]) -> bool:
    """Whether classes are known to be others."""
    return bool(theirs and ours) and theirs != ours


def _by_class(variable, array, theirs, ours, common) -> np.ndarray:
    """A weight of ours, with the columns of an array for the classes that have the same names."""
    value = ops.convert_to_numpy(variable).copy()
    for name in common:
        value[..., ours.index(name)] = array[..., theirs.index(name)]
    return value


def _words(shapes: Sequence[tuple[int, ...]]) -> str:
    return " and ".join(map(str, shapes))
