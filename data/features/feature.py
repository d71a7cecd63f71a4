"""What all features have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...errors import UserError

if TYPE_CHECKING:
    import tensorflow as tf


@dataclass(frozen=True)
class Feature:
    """What a column of examples is, or what a model takes of such a column.

    A column is stored as it is smallest, such as bytes; a model gets numbers.
    """

    # What messages call several of its values.
    noun: ClassVar[str] = "values"
    # What endpoints call several of them as models get them; as in messages if not given.
    given_as: ClassVar[str | None] = None
    # The axes of one of them, as a user has it.
    axes: ClassVar[int] = 1
    # Whether something of it follows from the rows that a model is to learn from.
    learns: ClassVar[bool] = False

    @property
    def reading(self) -> str | None:
        """How what a user had was read, in words, where that does not go without saying."""
        return None

    @classmethod
    def read(cls, name: str, values: Any) -> tuple[Feature, Any]:
        """The feature of what a user has, and the column to store.

        Args:
            name: What messages call the data.
            values: A row an example.

        Raises:
            UserError: If that is no such column.
        """
        raise UserError(f"{name}: {cls.noun} cannot be given from Python")

    def fitted(self, column: Any) -> Feature:
        """The feature with what follows from the rows that a model is to learn from."""
        return self

    def config(self) -> dict[str, Any]:
        """The feature in the types of JSON; `FEATURES` tells what makes it again."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Feature:
        """The feature that gave a `config`; `TypeError` if none can have given it."""
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in config.items()})

    @property
    def kind(self) -> str:
        """What messages call several of its values, where a model takes one kind of them alone."""
        return self.noun

    @property
    def size(self) -> str:
        """What messages call several of its values, with their size if they have one."""
        return self.noun

    def unlike(self, other: Feature) -> tuple[str, str] | None:
        """Why a model of this feature cannot use a column of another of its kind, in words.

        Returns:
            What the model needs, `"takes …"`, and what the column has; None if it can use it.
        """
        return None

    def adopted(self, column: Any, other: Feature) -> tuple[Feature, Any]:
        """A column of another feature of the kind in the numbers of a model of this one.

        Returns:
            What the column is then, and the column.
        """
        return other, column

    def check_to_learn(self, recipe: str, name: str, column: Any) -> None:
        """Raise `UserError` unless there is something to learn in a column.

        Args:
            recipe: What the sentence calls the recipe.
            name: What it calls the data.
            column: The column.
        """

    def facts(self) -> dict[str, Any]:
        """What tells the column from others of its kind, in the types of JSON, by unique names."""
        return {}

    def of_table(self, names: tuple[str, ...], numbers: np.ndarray) -> np.ndarray:
        """Values that the numbers of a table are, `(rows, columns)`, whose columns have names."""
        return numbers

    def lengths(self, column: Any) -> np.ndarray | None:
        """The length of each row, where these are sequences whose lengths differ."""
        return None

    def arrays(self, column: Any) -> tuple[np.ndarray, ...]:
        """The arrays that a column consists of."""
        return (column,)

    def stored_tensor(self, column: Any) -> tf.Tensor:
        """A column as a tensor."""
        import tensorflow as tf

        return tf.constant(column)

    def given(self, column: np.ndarray) -> np.ndarray:
        """Rows of a column as a model gets them."""
        return column

    def given_tensor(self, rows: tf.Tensor) -> tf.Tensor:
        """The same of a tensor, in an input pipeline."""
        return rows

    def random(self, random: np.random.Generator, count: int) -> np.ndarray:
        """So many made-up rows, as a model gets them."""
        raise NotImplementedError

    def complete(self, values: Any) -> Any:
        """What a user gives to a model, with axes that go without saying."""
        return values

    def wanted(self, model: str, what: str) -> str:
        """What a model can take, in the words that a refusal begins with.

        Args:
            model: What the sentence calls the model.
            what: What it calls the values, where that is not what they are.
        """
        raise NotImplementedError

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Whether a row may have this shape."""
        raise NotImplementedError

    def wrong(self, values: np.ndarray) -> str | None:
        """What is wrong with numbers of the right shape, in words; None if nothing is."""
        return None

    def check(self, model: str, values: Any, count: int | None = None, *, what: str = "") -> None:
        """Raise `UserError` unless a model can take such values.

        Args:
            model: What the sentence calls the model.
            values: An array, one row an example; None if there is none.
            count: Number of examples, where that is known.
            what: What the sentence calls the values, where that is not what they are.
        """
        if values is not None:
            values = np.asarray(values)
        got = self.refused(values, count)
        if got is not None:
            raise UserError(f"{self.wanted(model, what)}, got {got}")

    def refused(self, values: np.ndarray | None, count: int | None = None) -> str | None:
        """What is wrong with values, in words that follow "got"; None if a model can take them.

        Args:
            values: An array, one row an example; None if there is none.
            count: Number of examples, where that is known.
        """
        if values is None:
            return "none"
        if values.dtype.kind not in "buif" and values.dtype.name != "bfloat16":
            return f"values of type {values.dtype}"
        if not values.ndim or not self.fits(values.shape[1:]):
            return f"some of shape {shown(values.shape[1:])}{self.hint(values)}"
        if count is not None and len(values) != count:
            return f"{len(values)} for {count} examples"
        return self.wrong(values) if values.size else None

    def hint(self, values: np.ndarray) -> str:
        """What may be meant by values of a wrong shape, in words that go on a sentence."""
        return ""


def not_classes(values: np.ndarray, count: int, least: int = 0) -> str | None:
    """The first of some numbers that is no class; None if all are.

    Args:
        values: Any numbers.
        count: How many classes there are.
        least: The smallest number of one.
    """
    wrong = ~((values >= least) & (values < count) & (values == np.floor(values)))
    return str(values[wrong].flat[0]) if wrong.any() else None


def is_of(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    """Whether a shape is the wanted one, of which None is any number."""
    return len(shape) == len(wanted) and all(
        n in (None, m) for n, m in zip(wanted, shape, strict=True)
    )


def shown(shape: tuple) -> str:
    """A shape in words, None being any number."""
    return str(tuple(shape)).replace("None", "any")
