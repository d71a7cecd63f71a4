"""What all tasks have, with what is usual for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from .sampling import sample_grid, sample_images

if TYPE_CHECKING:
    from ..registry import Recipe

Draw = Callable[[Path], None]


@dataclass(frozen=True)
class Task:
    """What models learn of which features, and how jobs watch, draw and ask them.

    Its methods take `amalthea.data.Examples`.

    Attributes:
        name: What it is called.
        inputs: Names of the features of an example that a model is called with.
        targets: Names of those that it learns from beside them; none where it is unsupervised.
        answers: Names of outputs of endpoints: the first that a model has is what it predicts.
    """

    name: str
    inputs: tuple[str, ...] = ("image",)
    targets: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """What arrays without names are, in order."""
        return *self.inputs, *(self.targets or ("label",))

    def select(self, examples):
        """Examples with the columns that models of the task get of them.

        Models without targets get classes, too, if there are any: some are measured by them.
        """
        beside = self.targets or tuple({"label"} & examples.columns.keys())
        return examples.select(*self.inputs, *beside)

    def arrays(self, examples) -> tuple[np.ndarray, np.ndarray | None]:
        """Examples as models get them: what they are called with, and what goes with it, if any."""
        first, *others = (examples.given(name) for name in self.select(examples).columns)
        return first, others[0] if others else None

    def watch(
        self, recipe: Recipe, arguments: Mapping[str, Any], seen, held_out
    ) -> list[keras.callbacks.Callback]:
        """Callbacks that log, after each epoch, how a training goes.

        Args:
            recipe: The recipe.
            arguments: All its arguments.
            seen: Some examples that the model learns from.
            held_out: Some that it does not.
        """
        return []

    def show(
        self, recipe: Recipe, arguments: Mapping[str, Any], held_out, folder: Path
    ) -> list[keras.callbacks.Callback]:
        """Callbacks that draw, after each epoch, what the model does: by default its samples.

        Args:
            recipe: The recipe.
            arguments: All its arguments.
            held_out: Some examples that the model does not learn from.
            folder: Where the pictures go.
        """
        return sample_grid(recipe, arguments, folder)

    def sample(self, recipe: Recipe, model: keras.Model, n: int | None = None, **asked: Any):
        """Samples of a trained model: images, unless a task says otherwise.

        Args:
            recipe: The recipe.
            model: The model.
            n: How many; the task's own number if not given.
            **asked: The `seed`, and what else the model is asked for, such as a `label`.

        Raises:
            UserError: If the model does not sample, or not so.
        """
        return sample_images(recipe, model, n, **asked)

    def draw(
        self, recipe: Recipe, model: keras.Model, examples, batch_size: int
    ) -> Mapping[str, Draw]:
        """Pictures of a trained model, by the name of their file: what draws each to a path.

        Args:
            recipe: The recipe.
            model: The model.
            examples: What it is measured on.
            batch_size: Examples at a time.
        """
        return {}
