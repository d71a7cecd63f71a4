"""Models of text whose states may be carried over batches."""

import contextlib
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
from keras import layers, ops

from ...data.streams import streams
from ...errors import UserError
from ..model import RecipeModel, is_array, only


class _States:
    """States by the rows of a batch, out of sight of Keras, which would save them."""

    def __init__(self):
        self.of: dict[int, list[list[keras.Variable]]] = {}

    @property
    def variables(self) -> list[keras.Variable]:
        return keras.tree.flatten(list(self.of.values()))


@keras.saving.register_keras_serializable("amalthea")
class StreamModel(RecipeModel):
    """A chain of layers from numbers of tokens to logits, some of them recurrent.

    With the recipe's argument `carried`, `fit` and `evaluate` read as many streams of text as a
    batch has rows: each row goes on, from the states that it had in the end, with that of the batch
    before, and gradients end where a batch begins. Every epoch begins with states of zeros.

    Rows of arrays are taken for parts of one text in their order, and are put in the order of
    streams; the last ones are left out if they are too few for a batch. The batches of
    `amalthea.data` are, too. Other batches must be so already, and all have as many rows.

    The recurrent layers give sequences, and their states beside them.
    """

    _states = None
    _carries_now = False
    # Whether what Keras has made for the steps of `fit` and `evaluate` carries states.
    _made_to_carry = False
    # Rows of a batch, by what the batches are for.
    _rows: Mapping[str, int] = {}

    @property
    def carries(self) -> bool:
        """Whether states are carried over batches."""
        return self.origin is not None and bool(self.origin.arguments.get("carried"))

    @property
    def non_trainable_variables(self):
        # Of JAX' steps the states are inputs and outputs, as all that is here.
        return [*super().non_trainable_variables, *(self._states.variables if self._states else ())]

    def call(self, inputs, training=None, mask=None, **kwargs):
        if not self._carries_now:
            return super().call(inputs, training=training, mask=mask, **kwargs)
        tokens = only(inputs)
        states = self._states.of[tokens.shape[0]]
        logits, after = self.go_on(tokens, states)
        for variable, value in zip(*map(keras.tree.flatten, (states, after)), strict=True):
            variable.assign(value)
        return logits

    def parts(self) -> tuple[keras.Model, list[keras.layers.Layer], keras.Model]:
        """What is before the recurrent layers; these with what is between them; what is after."""
        chain = self.operations
        recurrent = [i for i, layer in enumerate(chain) if isinstance(layer, layers.RNN)]
        begin, end = recurrent[0], recurrent[-1]
        while end + 1 < len(chain) and isinstance(chain[end + 1], layers.Dropout):
            end += 1
        entering, leaving = chain[begin].input, keras.tree.flatten(chain[end].output)[0]
        return (
            keras.Model(self.inputs[0], entering),
            chain[begin : end + 1],
            keras.Model(leaving, self.outputs[0]),
        )

    def go_on(self, tokens, states: Sequence[Any]) -> tuple[Any, list[Any]]:
        """Logits of sequences that begin with states, and the states at their end."""
        before, between, beyond = self.parts()
        x, after = before(tokens), []
        for layer in between:
            if isinstance(layer, layers.RNN):
                x, *state = layer(x, initial_state=list(states[len(after)]))
                after.append(state)
            else:
                x = layer(x)
        return beyond(x), after

    def one_step(self) -> Callable[[Any, Sequence[Any]], tuple[Any, list[Any]]]:
        """From one token a row, `(rows,)`, and states to logits, `(rows, tokens)`, and states."""
        before, between, beyond = self.parts()
        cells = [layer.cell for layer in between if isinstance(layer, layers.RNN)]

        def step(tokens, states):
            x, after = before(tokens[:, None])[:, 0], []
            for cell, state in zip(cells, states, strict=True):
                x, state = cell(x, state)
                after.append(state)
            return beyond(x[:, None])[:, 0], after

        return step

    def first_states(self, rows) -> list[list[Any]]:
        """States of zeros, for each recurrent layer."""
        recurrent = (layer for layer in self.layers if isinstance(layer, layers.RNN))
        return [list(layer.cell.get_initial_state(batch_size=rows)) for layer in recurrent]

    def reset_metrics(self):
        super().reset_metrics()
        if self._states:
            for state in self._states.variables:
                state.assign(ops.zeros(state.shape, state.dtype))

    @functools.wraps(keras.Model.fit)
    def fit(self, *args, **kwargs):
        with self._carrying(self.carries):
            return super().fit(*args, **kwargs)

    @functools.wraps(keras.Model.evaluate)
    def evaluate(self, *args, **kwargs):
        with self._carrying(self.carries):
            if kwargs.get("_use_cached_eval_dataset") and self.carries:
                self._set_rows("test", self._rows["validation"])
            return super().evaluate(*args, **kwargs)

    @functools.wraps(keras.Model.predict)
    def predict(self, *args, **kwargs):
        with self._carrying(False, steps=False):
            return super().predict(*args, **kwargs)

    @functools.wraps(keras.Model.train_on_batch)
    def train_on_batch(self, *args, **kwargs):
        with self._carrying(False):
            return super().train_on_batch(*args, **kwargs)

    @functools.wraps(keras.Model.test_on_batch)
    def test_on_batch(self, *args, **kwargs):
        with self._carrying(False):
            return super().test_on_batch(*args, **kwargs)

    @contextlib.contextmanager
    def _carrying(self, carries: bool, *, steps: bool = True):
        """Within, calls of the model carry states, or do not.

        Args:
            carries: Whether they do.
            steps: Whether steps of `fit` or `evaluate` are taken, which Keras makes once.
        """
        outside = self._carries_now
        if steps and not outside and carries != self._made_to_carry:
            self.train_function = self.test_function = None
            self._made_to_carry = carries
        self._carries_now = carries
        try:
            yield
        finally:
            self._carries_now = outside

    def arranged(self, given, use, batch_size=None):
        if not self.carries or given.get("x") is None:
            return
        if getattr(getattr(self, "distribute_strategy", None), "num_replicas_in_sync", 1) > 1:
            raise UserError(
                f"{self.origin.recipe} carries states over batches, which one device alone can: "
                "give carried=False for several"
            )
        x = given["x"]
        if hasattr(x, "streams"):
            given["x"] = x.streams()
        elif is_array(only(x)):
            self._arrange_arrays(given, batch_size)
        rows = _rows(given["x"])
        if rows is None:
            raise UserError(
                f"{self.origin.recipe} carries states from batch to batch, all of which must have "
                "as many rows: make them with drop_remainder=True, or give carried=False"
            )
        self._set_rows(use, rows)

    def _set_rows(self, use: str, rows: int) -> None:
        """Have states for batches of so many rows, and steps that are made for these alone."""
        if rows != self._rows.get(use):
            # TensorFlow would make steps for any number of rows of those for two numbers.
            if use == "train":
                self.train_function = None
            elif use == "test":
                self.test_function = None
            self._rows = {**self._rows, use: rows}
        if self._states is None:
            self._states = _States()
        if rows not in self._states.of:
            self._states.of[rows] = keras.tree.map_structure(
                lambda zeros: keras.Variable(zeros, trainable=False, dtype=zeros.dtype),
                self.first_states(rows),
            )

    def _arrange_arrays(self, given: dict[str, Any], batch_size: int | None) -> None:
        """Make batches of arrays in the order of streams."""
        parts = [only(given.pop(name, None)) for name in ("x", "y", "sample_weight")]
        parts = tuple(part for part in parts if part is not None)
        held_out = round(len(parts[0]) * (given.pop("validation_split", None) or 0))
        known = len(parts[0]) - held_out
        if held_out and given.get("validation_data") is None:
            validation = {"x": parts[0][known:]} | dict(
                zip(("y", "sample_weight"), (part[known:] for part in parts[1:]), strict=False)
            )
            sizes = given.get("validation_batch_size"), given.get("batch_size")
            self.arranged(validation, "validation", next(filter(None, sizes), None))
            given["validation_data"] = validation["x"]
        rows = min(given.pop("batch_size", None) or batch_size or 32, known)
        given["x"] = streams([ops.convert_to_numpy(part[:known]) for part in parts], rows)


def _rows(batches: Any) -> int | None:
    """How many rows each of some batches has; None where that is not said."""
    spec = getattr(batches, "element_spec", None)
    if spec is None:
        return None
    return keras.tree.flatten(spec)[0].shape[0]
