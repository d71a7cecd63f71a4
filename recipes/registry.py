"""The registry: from a builder's signature, its search space, options and description."""

import contextlib
import fnmatch
import functools
import importlib.metadata
import inspect
import random
import textwrap
import typing
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, Literal

import docstring_parser
import keras
import numpy as np

from ..callbacks import Schedule
from ..data.features import FEATURES, Feature
from ..errors import UserError, nearest
from .endpoint import Endpoint
from .memory import check_memory
from .search import BatchSize, Changes, Domain, FromData, LearntWith, Range, Rank, carried, plain
from .tasks import Task

SECTIONS = ("Args:", "Returns:", "Raises:", "Example:", "Reference:")
(BATCH_SIZE,) = carried(BatchSize, Range)

MakeSchedule = Callable[[Mapping[str, Any]], Schedule]
Takes = Callable[[dict[str, Feature], Mapping[str, Any]], dict[str, Feature]]
Measures = Callable[[keras.Model, np.ndarray, np.ndarray | None, int], Mapping[str, float]]

if typing.TYPE_CHECKING:
    from .hypermodel import RecipeHyperModel

_recipes: dict[str, "Recipe"] = {}


@dataclass(frozen=True)
class Objective:
    """What a search optimises.

    Attributes:
        name: A metric that training logs, such as `"val_loss"`.
        direction: Whether small values are better, `"min"`, or large ones, `"max"`.
        measured: Whether it is no metric of the model but one of the recipe's `measures`, which
            training then takes after each epoch, from held-out images.
    """

    name: str
    direction: Literal["min", "max"]
    measured: bool = False


@dataclass(frozen=True)
class Published:
    """A published configuration.

    Attributes:
        configuration: What it is called, such as `"784-100-30"`.
        parameters: Its exact number of trainable parameters.
        source: Where that number comes from.
        arguments: The arguments of the recipe that build it, where they are not the defaults.
    """

    configuration: str
    parameters: int
    source: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Parameter:
    """One argument of a recipe.

    Attributes:
        name: Its name.
        type: Its type, without the domain.
        default: Its default value.
        domain: The valid values and, for a `Range`, those that a search tries.
        help: What it means, from the docstring.
        changes: What it changes the meaning of.
        from_data: What of the data determines it, if they do.
        learnt_with: What it tells of weights, if they are of use with their own value alone.
    """

    name: str
    type: Any
    default: Any
    domain: Domain
    help: str
    changes: tuple[Changes, ...] = ()
    from_data: FromData | None = None
    learnt_with: LearntWith | None = None

    @property
    def type_name(self) -> str:
        """`int`, `float`, `bool`, `str`, or `ints` or `floats` for a tuple of such."""
        if typing.get_origin(self.type) is tuple:
            return "floats" if typing.get_args(self.type)[0] is float else "ints"
        plain = [t for t in typing.get_args(self.type) or (self.type,) if t is not type(None)]
        return plain[0].__name__

    @property
    def tunable(self) -> bool:
        """Whether a search tunes this argument."""
        return isinstance(self.domain, Range)


@dataclass(frozen=True)
class Origin:
    """What a model was built from: its `origin` attribute.

    Attributes:
        recipe: Name of the recipe.
        arguments: All arguments, the defaults included.
    """

    recipe: str
    arguments: Mapping[str, Any]

    @classmethod
    def of(cls, origin: "Origin | Mapping[str, Any] | None") -> "Origin | None":
        """An origin from what `config` gives; itself, or None, where it is that."""
        if not isinstance(origin, Mapping):
            return origin
        arguments = {name: plain(value) for name, value in origin["arguments"].items()}
        return cls(origin["recipe"], MappingProxyType(arguments))

    def config(self) -> dict[str, Any]:
        """The origin in the types of JSON."""
        arguments = {k: list(v) if isinstance(v, tuple) else v for k, v in self.arguments.items()}
        return {"recipe": self.recipe, "arguments": arguments}


@dataclass(frozen=True)
class Recipe:
    """A registered builder of complete models, and all that its signature and docstring say.

    Attributes:
        name: The builder's name.
        family: `"autoencoders"`, `"classifiers"`, …
        task: What the model learns of which features.
        summary: First line of the docstring.
        paper: Where the model was published.
        data: Name of the default data set.
        objective: What a search optimises unless told otherwise.
        build: The builder; checks its arguments, returns a compiled `keras.Model`.
        parameters: The builder's arguments, in order.
        endpoints: Name to `Endpoint`, the first being the one that servers call by default.
        smoke: Arguments of a tiny model, for tests.
        published: Published configurations with their parameter counts.
        batch_size: Default batch size of `fit`.
        epochs: Default number of epochs of a training.
        schedule: From the arguments to the callback that leads the training, if there is one.
        measures: How a trained model is measured on images beyond its metrics, if it is: takes the
            model, images, their labels or None, and the batch size, gives figures by name.
        quick_measures: The same figures, less exact, in a time that there is after each epoch.
        frozen: Paths of trainable weights that two steps of training need not move.
        weighed: Whether examples can have weights.
        takes: From what the model takes by its signature, and the arguments, to what it takes, if
            there is more to it.
        incomparable: Names of what training logs that says of no model how good it is, such as the
            losses of a game.
        variant_of: Name of the recipe that this one is a size of; None for recipes of their own.
        fixed: The arguments that make the size.
    """

    name: str
    family: str
    task: Task
    summary: str
    paper: str
    data: str
    objective: Objective
    build: Callable[..., keras.Model]
    parameters: tuple[Parameter, ...]
    endpoints: Mapping[str, Endpoint]
    smoke: Mapping[str, Any]
    published: tuple[Published, ...]
    batch_size: int
    epochs: int
    schedule: MakeSchedule | None
    measures: Measures | None
    quick_measures: Measures | None
    frozen: frozenset[str]
    weighed: bool
    takes: Takes | None
    incomparable: frozenset[str]
    variant_of: str | None = None
    fixed: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Parameter:
        """The parameter `name`; `UserError` with the names there are if there is none."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        names = [parameter.name for parameter in self.parameters]
        raise UserError(f"{self.name} has no argument {name!r}{nearest(name, names)}")

    @property
    def supervised(self) -> bool:
        """Whether the model learns from more than what it is called with."""
        return bool(self.task.targets)

    def from_data(self, features: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments that data determine, for data with these features.

        Raises:
            UserError: If the recipe is a size of another one, and of other data; or if it takes a
                feature of another kind.
        """
        told = [p for p in self.parameters if p.from_data]
        values = {p.name: p.from_data.value(features) for p in told}
        defaults = {p.name: p.default for p in self.parameters}
        valid = all(p.domain.is_valid(values[p.name]) for p in told)
        taken = self.features({**defaults, **values}) if valid else {}
        for name, feature in self.features(defaults).items():
            kinds = {feature.kind, taken.get(name, feature).kind}
            if name in features and features[name].kind not in kinds:
                raise UserError(
                    f"{self.name} takes {feature.kind}, but the data have {features[name].kind}"
                )
        for name in values.keys() & self.fixed.keys():
            if values[name] != self.fixed[name]:
                raise UserError(
                    f"{self.name} is {self.variant_of} with {name} {self.fixed[name]}, but the "
                    f"data have {values[name]}: take {self.variant_of}, or such data"
                )
        return values

    def features(self, arguments: Mapping[str, Any]) -> dict[str, Feature]:
        """What a model with these arguments takes, by name: data are checked against it."""
        told: dict[str, dict[str, Any]] = {}
        for p in self.parameters:
            if p.from_data:
                properties = told.setdefault(p.from_data.feature, {})
                properties[p.from_data.property] = arguments.get(p.name, p.default)
        features = {name: FEATURES[name](**properties) for name, properties in told.items()}
        return self.takes(features, arguments) if self.takes else features

    def variants(self) -> list["Recipe"]:
        """The named sizes of this recipe."""
        return [entry for entry in _recipes.values() if entry.variant_of == self.name]

    def argument_of(self, feature: str, property: str) -> str | None:
        """The argument that a property of a feature of the data determines, if there is one."""
        names = [
            p.name
            for p in self.parameters
            if p.from_data and (p.from_data.feature, p.from_data.property) == (feature, property)
        ]
        return names[0] if names else None

    def num_classes(self, arguments: Mapping[str, Any]) -> int | None:
        """Of how many classes a model with these arguments knows labels; None if of none."""
        name = self.argument_of("label", "count")
        return arguments[name] if name else None

    def hyperparameters(self) -> dict[str, Rank]:
        """Names of all hyperparameters with their ranks, the most important first."""
        return self._hyperparameters(frozenset())

    def _hyperparameters(self, fixed: Set[str]) -> dict[str, Rank]:
        domains = {p.name: p.domain for p in self.parameters}
        if BATCH_SIZE.contains(self.batch_size):
            domains["batch_size"] = BATCH_SIZE
        fixed = fixed | self.fixed.keys()
        free = [d.hyperparameters(name) for name, d in domains.items() if name not in fixed]
        ranks = {name: rank for ranks in free for name, rank in ranks.items()}
        return dict(sorted(ranks.items(), key=lambda item: item[1]))

    def tuned(self, top: int | None = None, fixed: Set[str] = frozenset()) -> frozenset[str]:
        """Names of the hyperparameters that a search tunes.

        Args:
            top: Only that many, of the highest rank; all of them where not given.
            fixed: Arguments that keep a given value.

        Raises:
            UserError: If `top` is below 1 or nothing is left to tune.
        """
        if top is not None and top < 1:
            raise UserError(f"the number of hyperparameters to tune must be at least 1, got {top}")
        free = self._hyperparameters(fixed)
        if not free:
            raise UserError(f"every hyperparameter of {self.name} is fixed: none is left to tune")
        return frozenset(list(free)[:top])

    def changing(
        self, logged: str, tuned: Collection[str], arguments: Mapping[str, Any]
    ) -> tuple[str, ...]:
        """Names of the tuned arguments that change what a logged figure measures.

        Models that differ in them cannot be compared by it.

        Args:
            logged: Its name, such as `"val_loss"`.
            tuned: Names of hyperparameters, as `tuned` gives them.
            arguments: All arguments of one of the models.
        """
        return tuple(
            p.name
            for p in self.parameters
            if any(name in tuned for name in p.domain.hyperparameters(p.name))
            and any(logged in c.logged and c.where(arguments) for c in p.changes)
        )

    def space(self, hp, *, top: int | None = None, **fixed: Any) -> dict[str, Any]:
        """The builder's keyword arguments, drawn from the search space.

        With KerasTuner's defaults these are the defaults of the signature.

        Args:
            hp: A `keras_tuner.HyperParameters`.
            top: Tune only that many hyperparameters, those of the highest rank.
            **fixed: Arguments that keep a given value.

        Returns:
            Every tunable argument, and the fixed ones.

        Raises:
            UserError: If a fixed argument is unknown or its value is not valid.
        """
        tuned = self.tuned(top, fixed.keys())
        self.check(fixed)
        fixed.pop("batch_size", None)
        drawn = {
            p.name: p.domain.suggest(hp, p.name, p.default, tuned)
            for p in self.parameters
            if p.tunable and p.name not in fixed
        }
        return drawn | fixed

    def hypermodel(
        self, *, top: int | None = None, metrics: Sequence[Any] = (), **fixed: Any
    ) -> "RecipeHyperModel":
        """A `keras_tuner.HyperModel` of this recipe, for any tuner.

        Args:
            top: Tune only that many hyperparameters, those of the highest rank.
            metrics: Metrics beside those of the recipe, as `compile` takes them.
            **fixed: Arguments that keep a given value, `image_shape` and `batch_size` among them.

        Returns:
            A `HyperModel` that declares the space, the batch size included, in `build`, and applies
            the batch size in `fit`.
        """
        from .hypermodel import RecipeHyperModel

        return RecipeHyperModel(self, top=top, fixed=fixed, metrics=metrics)

    def describe(self) -> dict[str, Any]:
        """All that the registry knows, in the types of JSON."""
        ranks = self.hyperparameters()
        return {
            "name": self.name,
            "family": self.family,
            "task": self.task.name,
            "variant_of": self.variant_of,
            "summary": self.summary,
            "paper": self.paper,
            "data": self.data,
            "batch_size": self.batch_size,
            "epochs": self.epochs,
            "objective": [self.objective.name, self.objective.direction],
            "arguments": [
                {
                    "name": p.name,
                    "type": p.type_name,
                    "default": list(p.default) if isinstance(p.default, tuple) else p.default,
                    "range": str(p.domain) if p.tunable and p.name not in self.fixed else None,
                    "valid": p.domain.expected,
                    "rank": ranks.get(p.name),
                    "from_data": p.from_data is not None,
                    "help": p.help,
                }
                for p in self.parameters
            ],
            "endpoints": {
                name: {"inputs": list(endpoint.inputs), "outputs": list(endpoint.outputs)}
                for name, endpoint in self.endpoints.items()
            },
            "published": [
                {
                    "configuration": p.configuration,
                    "parameters": p.parameters,
                    "arguments": {
                        k: list(v) if isinstance(v, tuple) else v for k, v in p.arguments.items()
                    },
                    "source": p.source,
                }
                for p in self.published
            ],
            "variants": [
                {"name": entry.name, "parameters": p.parameters, "source": p.source}
                for entry in self.variants()
                for p in entry.published
            ],
        }

    def check(self, arguments: Mapping[str, Any]) -> None:
        """Raise `UserError` if an argument, or `batch_size`, is unknown or its value not valid."""
        for name, value in arguments.items():
            domain = BATCH_SIZE if name == "batch_size" else self[name].domain
            try:
                domain.check(value)
            except ValueError as error:
                raise UserError(f"{self.name}: {name} {error}") from None


def recipe(
    *,
    family: str,
    task: Task,
    data: str,
    paper: str,
    objective: Objective,
    endpoints: Mapping[str, Endpoint],
    smoke: Mapping[str, Any],
    published: tuple[Published, ...] = (),
    batch_size: int = 64,
    epochs: int = 10,
    schedule: MakeSchedule | None = None,
    measures: Measures | None = None,
    quick_measures: Measures | None = None,
    frozen: Set[str] = frozenset(),
    weighed: bool = True,
    takes: Takes | None = None,
    incomparable: Set[str] = frozenset(),
) -> Callable[[Callable[..., keras.Model]], Callable[..., keras.Model]]:
    """Register a builder of complete models.

    The builder's signature gives everything else. Each argument carries a `Range` (tuned) or a
    `Given` (not tuned) in `typing.Annotated`; one is the `seed`. The docstring has the sections
    Args, Returns, Raises, Example and Reference.

    The registered builder checks its arguments, makes the initial weights depend on `seed` alone
    where one is given, and sets the `origin` of the model to the recipe and its arguments.

    Args:
        family: `"autoencoders"`, `"classifiers"`, …
        task: What the model learns of which features; each of them determines an argument.
        data: Name of the default data set.
        paper: Where the model was published.
        objective: What a search optimises unless told otherwise.
        endpoints: Name to `Endpoint`, the first being the one that servers call by default.
        smoke: Arguments of a tiny model, for tests.
        published: Published configurations with their parameter counts.
        batch_size: Default batch size of `fit`; one that no search tries is not tuned.
        epochs: Default number of epochs of a training.
        schedule: From the arguments to the callback that leads the training, if there is one.
        measures: From a trained model, images, their labels or None, and a batch size to figures by
            name.
        quick_measures: What is taken of them after each epoch, if they take too long for that.
        frozen: Paths of trainable weights that two steps of training need not move.
        weighed: Whether examples can have weights; not where statistics of whole batches are what
            is learnt from.
        takes: From the features that the signature tells, and the arguments, to what the model
            takes, if there is more to it.
        incomparable: Names of what training logs that says of no model how good it is.

    Returns:
        The decorator of the builder.

    Raises:
        TypeError: If the signature or the docstring lacks any of that, a range does not contain its
            default, the objective cannot be compared, or the name is taken.
    """

    def register(build: Callable[..., keras.Model]) -> Callable[..., keras.Model]:
        name = build.__name__
        signature = inspect.signature(build)

        @functools.wraps(build)
        def checked(*args, **kwargs):
            for unknown in kwargs.keys() - signature.parameters.keys():
                entry[unknown]  # raises, with the nearest names
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            entry.check(bound.arguments)
            arguments = {name: plain(value) for name, value in bound.arguments.items()}
            with _seeded(arguments["seed"]), _channels_last():
                try:
                    check_memory(build, arguments)
                    model = build(**arguments)
                except MemoryError as error:
                    raise UserError(f"{name}: it does not fit in memory: {error}") from None
                except UserError as error:
                    raise UserError(f"{name}: {error}") from error
            model.origin = Origin(name, MappingProxyType(arguments))
            return model

        entry = Recipe(
            name=name,
            family=family,
            task=task,
            summary=_summary(build),
            paper=paper,
            data=data,
            objective=objective,
            build=checked,
            parameters=_parameters(build),
            endpoints=MappingProxyType(dict(endpoints)),
            smoke=MappingProxyType(dict(smoke)),
            published=published,
            batch_size=batch_size,
            epochs=epochs,
            schedule=schedule,
            measures=measures,
            quick_measures=quick_measures or measures,
            frozen=frozenset(frozen),
            weighed=weighed,
            takes=takes,
            incomparable=frozenset(incomparable),
        )
        asked = {p.from_data.feature for p in entry.parameters if p.from_data}
        if missing := {*task.inputs, *task.targets} - asked:
            raise TypeError(
                f"{name}: none of its arguments is determined by the {', '.join(sorted(missing))} "
                f"that {task.name} learns from"
            )
        defaults = {p.name: p.default for p in entry.parameters}
        changing = entry.changing(objective.name, entry._hyperparameters(frozenset()), defaults)
        if objective.name in incomparable or changing:
            raise TypeError(
                f"{name}: its objective {objective.name} is not comparable between models"
            )
        if not BATCH_SIZE.is_valid(batch_size):
            raise TypeError(f"{name}: the batch size must be {BATCH_SIZE.expected}")
        if (other := _recipes.get(name)) and other.build.__module__ != build.__module__:
            raise TypeError(
                f"two recipes are called {name!r}, in {other.build.__module__} "
                f"and in {build.__module__}: rename one"
            )
        _recipes[name] = entry
        return checked

    return register


def variant(
    of: Callable[..., keras.Model],
    name: str,
    *,
    parameters: int,
    source: str,
    at: Mapping[str, Any] = MappingProxyType({}),
    data: str | None = None,
    epochs: int | None = None,
    **arguments: Any,
) -> Callable[..., keras.Model]:
    """Register a published size of a recipe, as a recipe of its own name.

    Args:
        of: The recipe's builder.
        name: The name of the size.
        parameters: Its exact number of trainable parameters.
        source: Where that number comes from.
        at: Defaults that differ, too, but do not make the size: those of the data that the size was
            published with, which other data may determine anew.
        data: Name of the default data set, where that is another one.
        epochs: Default number of epochs of a training, where that is another one.
        **arguments: What makes the size: the arguments whose defaults differ.

    Returns:
        The builder: that of the recipe, with other defaults.

    Raises:
        TypeError: If the recipe has no such argument, an argument is not valid, or the name is
            taken.
    """
    entry, build = _recipes[of.__name__], of.__wrapped__
    signature = inspect.signature(build)
    defaults = {**arguments, **at}
    if unknown := defaults.keys() - signature.parameters.keys():
        raise TypeError(f"{name}: {entry.name} has no argument {', '.join(sorted(unknown))}")

    @functools.wraps(build)
    def sized(**given):
        return build(**given)

    sized.__name__ = sized.__qualname__ = name
    sized.__signature__ = signature.replace(
        parameters=[
            p.replace(default=defaults.get(p.name, p.default))
            for p in signature.parameters.values()
        ]
    )
    kept = {f.name for f in fields(Recipe)} & inspect.signature(recipe).parameters.keys()
    facts = {key: getattr(entry, key) for key in kept}
    facts["data"] = data or entry.data
    facts["epochs"] = epochs or entry.epochs
    facts["published"] = (Published(name, parameters, source),)
    built = recipe(**facts)(sized)
    _recipes[name] = replace(
        _recipes[name], variant_of=entry.name, fixed=MappingProxyType(dict(arguments))
    )
    return built


def list_recipes(pattern: str = "*", *, variants: bool = False) -> list[str]:
    """Names of the registered recipes.

    Args:
        pattern: A shell-style pattern such as `"*autoencoder*"`.
        variants: Whether their named sizes are listed, too.

    Returns:
        The names that match, sorted.
    """
    _load_plugins()
    listed = [name for name, entry in _recipes.items() if variants or not entry.variant_of]
    return sorted(fnmatch.filter(listed, pattern))


def get_recipe(name: str) -> Recipe:
    """A registered recipe.

    Args:
        name: Its name.

    Returns:
        The recipe.

    Raises:
        UserError: If there is none, with the nearest names.
    """
    _load_plugins()
    if name not in _recipes:
        raise UserError(f"there is no recipe {name!r}{nearest(name, _recipes)}")
    return _recipes[name]


@functools.cache
def _load_plugins() -> None:
    """Import what other distributions list in the entry-point group `amalthea.recipes`."""
    for plugin in importlib.metadata.entry_points(group="amalthea.recipes"):
        try:
            plugin.load()
        except Exception as error:
            # One broken distribution must not take the others' recipes away.
            source = plugin.dist.name if plugin.dist else plugin.value
            warnings.warn(
                f"the recipes of {source} cannot be loaded ({plugin.value}): {error}", stacklevel=3
            )


@contextlib.contextmanager
def _seeded(seed: int | None) -> Iterator[None]:
    """Within, Keras draws its default seeds from `seed`; Python's random state is as before.

    Initializers and layers that are given no seed draw theirs from `random`, so one number makes
    all initial weights and all noise of a model reproducible.
    """
    if seed is None:
        yield
        return
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


@contextlib.contextmanager
def _channels_last() -> Iterator[None]:
    """Within, layers take images `(batch, height, width, channels)`, whatever Keras' default is."""
    usual = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_last")
    try:
        yield
    finally:
        keras.config.set_image_data_format(usual)


def _summary(build: Callable) -> str:
    lines = (inspect.getdoc(build) or "").splitlines()
    missing = [section for section in SECTIONS if section not in map(str.strip, lines)]
    if missing:
        raise TypeError(f"{build.__name__}: its docstring lacks {' '.join(missing)}")
    return lines[0]


def _parameters(build: Callable) -> tuple[Parameter, ...]:
    try:
        described = docstring_parser.parse(build.__doc__, docstring_parser.DocstringStyle.GOOGLE)
    except docstring_parser.ParseError as error:
        raise TypeError(f"{build.__name__}: its docstring cannot be read: {error}") from None
    texts = {
        text.arg_name: textwrap.dedent(text.description or "").replace("\n", " ")
        for text in described.params
    }
    hints = typing.get_type_hints(build, include_extras=True)
    parameters = []
    for name, argument in inspect.signature(build).parameters.items():
        where = f"{build.__name__}: the argument {name!r}"
        domain = next(iter(carried(hints.get(name), Domain)), None)
        if domain is None:
            raise TypeError(f"{where} has neither a Range to tune it in nor a Given")
        if argument.default is inspect.Parameter.empty:
            raise TypeError(f"{where} has no default")
        if isinstance(domain, Range) and not domain.contains(argument.default):
            raise TypeError(
                f"{where} has the default {argument.default!r}, outside its range {domain}"
            )
        if not domain.is_valid(argument.default):
            raise TypeError(f"{where} has the default {argument.default!r}, which is not valid")
        if name not in texts:
            raise TypeError(f"{where} is missing from Args: in the docstring")
        parameters.append(
            Parameter(
                name=name,
                type=typing.get_args(hints[name])[0],
                default=argument.default,
                domain=domain,
                help=texts[name],
                changes=carried(hints[name], Changes),
                from_data=next(iter(carried(hints[name], FromData)), None),
                learnt_with=next(iter(carried(hints[name], LearntWith)), None),
            )
        )
    if "seed" not in hints:
        raise TypeError(f"{build.__name__}: it has no argument 'seed'")
    return tuple(parameters)
