"""What all features have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf


@dataclass(frozen=True)
class Feature:
    """What a column of examples is, or what a model takes of such a column.

    A column is stored as it is smallest, such as bytes; a model gets numbers.
    """

    def given(self, column: np.ndarray) -> np.ndarray:
        """Rows of a column as a model gets them."""
        return column

    def given_tensor(self, rows: tf.Tensor) -> tf.Tensor:
        """The same of a tensor, in an input pipeline."""
        return rows

    def complete(self, values: Any) -> Any:
        """What a user gives to a model, with axes that go without saying."""
        return values

    def check(self, model: str, values: Any, count: int | None = None, *, what: str = "") -> None:
        """Raise `UserError` unless a model can take such values.

        Args:
            model: What the sentence calls the model.
            values: An array, one row an example; None if there is none.
            count: Number of examples, where that is known.
            what: What the sentence calls the values, where that is not what they are.
        """


def shown(shape: tuple) -> str:
    """A shape in words, None being any number."""
    return str(tuple(shape)).replace("None", "any")
