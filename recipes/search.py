"""Ranges that a signature carries in `typing.Annotated`, and the aliases that recipes share.

A range says three things about an argument: which values a search tries (`suggest`), which values
are valid at all (`check`), and how early in a search the argument is worth tuning (`rank`).
"""

import math
import reprlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Set
from contextlib import nullcontext
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Annotated, Any, TypeVar

from ..checks import LARGEST_SEED, is_number, is_whole

Kind = TypeVar("Kind")
# What messages show of a value, such as a vocabulary of thousands of words.
SHORT = reprlib.Repr()
SHORT.maxtuple = SHORT.maxlist = 8
SHORT.maxstring = SHORT.maxother = 100


class Rank(IntEnum):
    """The order in which tuning matters, most important first."""

    LEARNING_RATE = 1
    MOMENTUM = 2
    BATCH_SIZE = 3
    UNITS = 4
    DEPTH = 5
    LEARNING_RATE_DECAY = 6
    REGULARIZATION = 7
    ACTIVATION = 8
    ADAM_BETAS = 9
    OTHER = 10


def plain(value: Any) -> Any:
    """`value` with numbers of NumPy as Python's own, and lists as tuples."""
    if isinstance(value, tuple | list):
        return tuple(plain(item) for item in value)
    if is_whole(value):
        return int(value)
    return float(value) if is_number(value) else value


class Domain(ABC):
    """Which values of an argument are valid."""

    @property
    @abstractmethod
    def expected(self) -> str:
        """The valid values, in words."""

    @abstractmethod
    def is_valid(self, value: Any) -> bool:
        """Whether `value` can be used."""

    def check(self, value: Any) -> None:
        """Raise `ValueError` saying what is expected and what was received."""
        if not self.is_valid(value):
            raise ValueError(f"must be {self.expected}, got {SHORT.repr(value)}")

    def hyperparameters(self, name: str) -> Mapping[str, Rank]:
        """The hyperparameters that tune the argument `name`, with their ranks."""
        return {}


@dataclass(frozen=True)
class Given(Domain):
    """An argument that is given, never tuned: valid are the values that `valid` accepts."""

    valid: Callable[[Any], bool]
    words: str

    @property
    def expected(self):
        return self.words

    def is_valid(self, value):
        return self.valid(value)

    def __str__(self):
        return ""


@dataclass(frozen=True, init=False)
class Changes:
    """Beside a domain: what an argument changes the meaning of, so that it cannot be compared.

    Two models that differ in a weight of the loss, or in its kind, have losses that say nothing of
    which is better.

    Args:
        *logged: Names of what training logs, those of held-out images with `val_` before them.
        where: From all arguments to whether it is so; always where not given.
    """

    logged: frozenset[str]
    where: Callable[[Mapping[str, Any]], bool]

    def __init__(self, *logged: str, where: Callable[[Mapping[str, Any]], bool] | None = None):
        object.__setattr__(self, "logged", frozenset(logged))
        object.__setattr__(self, "where", where or (lambda arguments: True))


@dataclass(frozen=True)
class FromData:
    """Beside a domain: the data determine the argument, whoever has some need not give it.

    Attributes:
        feature: Name of the feature of the data set, such as `"image"`.
        property: The property of that feature which is the value, such as `"shape"`.
        how: What else changes it, in words that go on a sentence.
    """

    feature: str
    property: str
    how: str = ""

    def value(self, features: Mapping[str, Any]) -> Any:
        """The value of the argument for data with these features."""
        return getattr(features[self.feature], self.property)


@dataclass(frozen=True)
class LearntWith:
    """Beside a domain: weights are of use with that value alone that they were learnt with.

    Attributes:
        what: What of those weights it tells, in words that follow on "does not say".
        usual: Which value is that of which weights, in words.
    """

    what: str
    usual: str


def at_least(least: int) -> Given:
    """A number of things, which is not tuned."""
    return Given(lambda v: is_whole(v) and v >= least, f"a whole number of at least {least}")


def are_counts(value: Any) -> bool:
    """Whether a value is a list of whole numbers of at least 1."""
    return isinstance(value, tuple | list) and all(is_whole(n) and n >= 1 for n in value)


@dataclass(frozen=True)
class Range(Domain):
    """An argument that a search tunes."""

    rank: Rank = field(default=Rank.OTHER, kw_only=True)

    @abstractmethod
    def contains(self, value: Any) -> bool:
        """Whether a search over this range can reach `value`."""

    @abstractmethod
    def suggest(self, hp, name: str, default: Any, tuned: Set[str]) -> Any:
        """A value from the `keras_tuner.HyperParameters` `hp`; the default where not tuned."""

    def hyperparameters(self, name):
        return {name: self.rank}


@dataclass(frozen=True)
class Float(Range):
    """Real numbers from `low` to `high`, on a logarithmic scale where the quantity is.

    Valid beyond the range are numbers of at least 0 (above 0 with `log=True`) and below `below`.
    """

    low: float
    high: float
    log: bool = field(default=False, kw_only=True)
    below: float = field(default=math.inf, kw_only=True)

    @property
    def expected(self):
        least = "a number above 0" if self.log else "a number of at least 0"
        return least if self.below == math.inf else f"{least} and below {self.below:g}"

    def is_valid(self, value):
        return is_number(value) and (value > 0 if self.log else value >= 0) and value < self.below

    def contains(self, value):
        return is_number(value) and self.low <= value <= self.high

    def suggest(self, hp, name, default, tuned):
        if name not in tuned:
            return default
        return hp.Float(name, self.low, self.high, sampling=_sampling(self.log), default=default)

    def __str__(self):
        return f"{self.low:g} to {self.high:g}" + (", log" if self.log else "")


@dataclass(frozen=True)
class Int(Range):
    """Whole numbers from `low` to `high`; beyond the range, those from `minimum` are valid."""

    low: int
    high: int
    log: bool = field(default=False, kw_only=True)
    minimum: int = field(default=1, kw_only=True)

    @property
    def expected(self):
        return f"a whole number of at least {self.minimum}"

    def is_valid(self, value):
        return is_whole(value) and value >= self.minimum

    def contains(self, value):
        return is_whole(value) and self.low <= value <= self.high

    def suggest(self, hp, name, default, tuned):
        if name not in tuned:
            return default
        return hp.Int(name, self.low, self.high, sampling=_sampling(self.log), default=default)

    def __str__(self):
        return f"{self.low} to {self.high}" + (", log" if self.log else "")


@dataclass(frozen=True, init=False)
class Choice(Range):
    """One of several values; KerasTuner sees None as `"none"`.

    Whole numbers are valid beyond the values tried, from 1 up; anything else must be one of the
    values, unless a `Given` says which others are valid.
    """

    values: tuple
    others: Given | None

    def __init__(self, *values: Any, others: Given | None = None, rank: Rank = Rank.OTHER):
        if others is None and all(is_whole(value) for value in values):
            others = at_least(1)
        for name, value in {"values": values, "others": others, "rank": rank}.items():
            object.__setattr__(self, name, value)

    @property
    def expected(self):
        return (
            self.others.expected if self.others else f"one of {', '.join(map(repr, self.values))}"
        )

    def is_valid(self, value):
        return self.contains(value) or (self.others is not None and self.others.is_valid(value))

    def contains(self, value):
        # Neither 64.0 nor True stands for a whole number.
        return any(v == value and is_whole(v) <= is_whole(value) for v in self.values)

    def suggest(self, hp, name, default, tuned):
        if name not in tuned:
            return default
        choices = {"none" if value is None else value: value for value in self.values}
        default = next(choice for choice, value in choices.items() if value == default)
        return choices[hp.Choice(name, list(choices), default=default)]

    def __str__(self):
        return ", ".join("none" if value is None else str(value) for value in self.values)


@dataclass(frozen=True)
class Widths(Range):
    """A tuple of layer widths from `low` to `high`, its length, within `depth`, tuned too.

    The widths are the hyperparameters `NAME_0`, `NAME_1`, …, each active only where the depth,
    `NAME_depth`, reaches it. Beyond the range, `depth[0]` or more whole numbers from 1 are valid.
    """

    low: int
    high: int
    depth: tuple[int, int]
    log: bool = field(default=True, kw_only=True)
    rank: Rank = field(default=Rank.UNITS, kw_only=True)

    @property
    def expected(self):
        count = f"{self.depth[0]} or more " if self.depth[0] else ""
        return f"a list of {count}whole numbers of at least 1"

    def is_valid(self, value):
        return (
            isinstance(value, tuple | list)
            and len(value) >= self.depth[0]
            and all(is_whole(width) and width >= 1 for width in value)
        )

    def contains(self, value):
        return self.depth[0] <= len(value) <= self.depth[1] and all(
            is_whole(width) and self.low <= width <= self.high for width in value
        )

    def hyperparameters(self, name):
        return {name: self.rank, f"{name}_depth": Rank.DEPTH}

    def suggest(self, hp, name, default, tuned):
        depth_name = f"{name}_depth"
        depth = deepest = len(default)
        if depth_name in tuned:
            deepest = self.depth[1]
            depth = hp.Int(depth_name, *self.depth, default=depth)
        # A layer beyond the default's last starts as wide as that one.
        widths = [*default, *[default[-1] if default else self.low] * (deepest - len(default))]
        if name in tuned:
            # All are declared, active or not, so that a tuner knows the whole space at once.
            for layer, width in enumerate(widths):
                reached = list(range(layer + 1, deepest + 1))
                scope = (
                    hp.conditional_scope(depth_name, reached)
                    if depth_name in tuned
                    else nullcontext()
                )
                with scope:
                    widths[layer] = hp.Int(
                        f"{name}_{layer}",
                        self.low,
                        self.high,
                        sampling=_sampling(self.log),
                        default=width,
                    )
        return tuple(widths[:depth])

    def __str__(self):
        shortest, deepest = self.depth
        scale = ", log" if self.log else ""
        return f"{shortest} to {deepest} layers of {self.low} to {self.high}{scale}"


def _sampling(log: bool) -> str:
    return "log" if log else "linear"


def _is_activation(value: Any) -> bool:
    """Whether Keras has an activation of that name which leaves the shape as it is."""
    import keras

    try:
        units = keras.ops.zeros((1, 2))
        return isinstance(value, str) and keras.activations.get(value)(units).shape == units.shape
    except (TypeError, ValueError):
        return False


def carried(annotation: Any, kind: type[Kind]) -> tuple[Kind, ...]:
    """All of a kind that an annotation carries: domains, what is from the data, what changes."""
    return tuple(e for e in getattr(annotation, "__metadata__", ()) if isinstance(e, kind))


# What an argument of the loss changes.
LOSS = ("loss", "val_loss")

# Shared aliases. An argument means the same wherever it stands, so it has the same range.
LearningRate = Annotated[float, Float(1e-5, 1e-1, log=True, rank=Rank.LEARNING_RATE)]
# In a thousand steps: the step size is divided by 1 + decay · steps / 1000.
LearningRateDecay = Annotated[float, Float(0.0, 2.0, rank=Rank.LEARNING_RATE_DECAY)]
Momentum = Annotated[float, Float(0.0, 0.99, below=1, rank=Rank.MOMENTUM)]
BatchSize = Annotated[int, Choice(16, 32, 64, 128, 256, rank=Rank.BATCH_SIZE)]
Units = Annotated[int, Int(16, 2048, log=True, rank=Rank.UNITS)]
LatentDim = Annotated[int, Int(2, 256, log=True, rank=Rank.UNITS)]
Dropout = Annotated[float, Float(0.0, 0.8, below=1, rank=Rank.REGULARIZATION)]
WeightDecay = Annotated[float, Float(0.0, 1e-2, rank=Rank.REGULARIZATION)]
Activation = Annotated[
    str,
    Choice(
        "relu",
        "tanh",
        "sigmoid",
        "elu",
        "gelu",
        others=Given(_is_activation, "the name of a Keras activation"),
        rank=Rank.ACTIVATION,
    ),
]
# Given, never tuned.
IMAGE_SHAPE = FromData("image", "shape", ", which the image size resizes")
ImageShape = Annotated[
    tuple[int, int, int],
    Given(
        lambda v: are_counts(v) and len(v) == 3,
        "(height, width, channels), three whole numbers of at least 1",
    ),
    IMAGE_SHAPE,
]
NumClasses = Annotated[int, at_least(2), FromData("label", "count")]
Flag = Annotated[bool, Given(lambda v: isinstance(v, bool), "True or False")]
Seed = Annotated[
    int | None,
    Given(
        lambda v: v is None or (is_whole(v) and 0 <= v <= LARGEST_SEED),
        f"a whole number from 0 to {LARGEST_SEED}, or None",
    ),
]
