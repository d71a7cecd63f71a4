"""Models of text whose states may be carried over batches."""

import contextlib
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from ...checks import is_number
from ...data.streams import rows_for_most, streams
from ...errors import UserError
from ..model import RecipeModel, is_array, only

# Share of rows that must begin where the one before ended, for arrays to be parts of one text.
ENOUGH = 0.9


class _States:
    """States by what they are of, out of sight of Keras, which would save them."""

    def __init__(self):
        self.of: dict[str, list[list[keras.Variable]]] = {}

    @property
    def variables(self) -> list[keras.Variable]:
        return keras.tree.flatten(list(self.of.values()))


@keras.saving.register_keras_serializable("amalthea")
class StreamModel(RecipeModel):
    """A chain of layers from numbers of tokens to logits, some of them recurrent.

    With the recipe's argument `carried`, the steps of `fit` and `evaluate` read as many streams of
    text as a batch has rows: each row goes on, from the states that it had in the end, with that of
    the batch before, and gradients end where a batch begins. Every epoch begins with states of
    zeros. Nothing else carries any: not `predict`, single batches, or calls of the model.

    Rows of arrays are taken for parts of one text in their order, and are put in the order of
    streams: in `fit` as many as the batch size says, in evaluation as many, or up to a half fewer,
    as leave out the fewest of the last rows. The batches of `amalthea.data` are, too. Batches of a
    `tf.data.Dataset` must be so already, and all have as many rows.

    The recurrent layers give sequences, and their states beside them.

    Raises:
        UserError: By `fit` and `evaluate`, if states are to be carried and the data cannot be
            streams, or there are several replicas.
    """

    _states = None
    # What a pass is for, "train", "validation" or "test"; None outside of one, or in one of
    # single batches. What the step is for that is being taken.
    _pass = _step = None
    # What Keras has made its steps for.
    _made_for: Mapping[str, str] = {}

    @property
    def carries(self) -> bool:
        """Whether states are carried over batches."""
        return self.origin is not None and bool(self.origin.arguments.get("carried"))

    @property
    def non_trainable_variables(self):
        # Of JAX' steps the states are inputs and outputs, as all that is here.
        return [*super().non_trainable_variables, *(self._states.variables if self._states else ())]

    def call(self, inputs, training=None, mask=None, **kwargs):
        if self._step is None:
            return super().call(inputs, training=training, mask=mask, **kwargs)
        states = self._states.of[self._step]
        logits, after = self.go_on(only(inputs), states)
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
        for state in keras.tree.flatten(
            self._states.of.get(self._pass, ()) if self._states else ()
        ):
            state.assign(ops.zeros(state.shape, state.dtype))

    @functools.wraps(keras.Model.fit)
    def fit(self, *args, **kwargs):
        with self._passing("train"):
            return super().fit(*args, **kwargs)

    @functools.wraps(keras.Model.evaluate)
    def evaluate(self, *args, **kwargs):
        # `fit` validates on batches that it has kept.
        kept = kwargs.get("_use_cached_eval_dataset")
        with self._passing("validation" if kept else "test"):
            if kept and self.carries:
                self._make_for("validation")
            return super().evaluate(*args, **kwargs)

    @functools.wraps(keras.Model.train_on_batch)
    def train_on_batch(self, *args, **kwargs):
        with self._alone("train"):
            return super().train_on_batch(*args, **kwargs)

    @functools.wraps(keras.Model.test_on_batch)
    def test_on_batch(self, *args, **kwargs):
        with self._alone("test"):
            return super().test_on_batch(*args, **kwargs)

    @contextlib.contextmanager
    def _passing(self, use: str | None):
        """Within, steps are those of such a pass, if states are carried."""
        outside, self._pass = self._pass, use if self.carries else None
        try:
            yield
        finally:
            self._pass = outside

    @contextlib.contextmanager
    def _alone(self, kind: str):
        """Within, a step is that of a single batch, which carries nothing.

        In the midst of `fit` Keras goes on with the function that it has.
        """
        if self.carries and not (self._pass and kind == "train") and kind in self._made_for:
            setattr(self, f"{kind}_function", None)
            self._made_for = {k: use for k, use in self._made_for.items() if k != kind}
        with self._passing(None):
            yield

    def make_train_function(self, force=False):
        if self.train_function is None or force:
            super().make_train_function(force)
            self.train_function = self._stepping(self.train_function)
        return self.train_function

    def make_test_function(self, force=False):
        if self.test_function is None or force:
            super().make_test_function(force)
            self.test_function = self._stepping(self.test_function)
        return self.test_function

    def _stepping(self, function: Callable) -> Callable:
        """A function of steps within which the model carries states, if the pass does."""

        @functools.wraps(function)
        def step(*args, **kwargs):
            outside, self._step = self._step, self._pass
            try:
                return function(*args, **kwargs)
            finally:
                self._step = outside

        return step

    def arrange(self, given, use, batch_size=None):
        if not self.carries or given.get("x") is None:
            return
        name = self.origin.recipe
        if getattr(getattr(self, "distribute_strategy", None), "num_replicas_in_sync", 1) > 1:
            raise UserError(
                f"{name} carries states over batches, which one device alone can: give "
                "carried=False for several"
            )
        x = given["x"]
        if hasattr(x, "streams"):
            given["x"] = x.streams(exactly=use == "train")
        elif is_array(only(x)):
            self._arrange_arrays(given, use, batch_size)
        rows = _rows(given["x"])
        if rows is None:
            raise UserError(
                f"{name} carries states from batch to batch, of arrays, data of this package, or a "
                "tf.data.Dataset whose batches have as many rows each (drop_remainder=True): give "
                f"such, or carried=False, got {type(x).__name__}"
            )
        self._hold(use, rows)

    def _hold(self, use: str, rows: int) -> None:
        """Have states for batches of so many rows."""
        if self._states is None:
            self._states = _States()
        known = keras.tree.flatten(self._states.of.get(use, ()))
        if not known or known[0].shape[0] != rows:
            self._states.of[use] = keras.tree.map_structure(
                lambda zeros: keras.Variable(zeros, trainable=False, dtype=zeros.dtype),
                self.first_states(rows),
            )
            self._made_for = {}
        if use != "validation":  # which comes later
            self._make_for(use)

    def _make_for(self, use: str | None) -> None:
        """Have Keras make its steps anew if it made them for another use.

        It makes them once, with the states that they begin with then.
        """
        kind = "train" if use == "train" else "test"
        if self._made_for.get(kind) != use:
            setattr(self, f"{kind}_function", None)
            self._made_for = {**self._made_for, kind: use}

    def _arrange_arrays(self, given: dict[str, Any], use: str, batch_size: int | None) -> None:
        """Make batches of arrays in the order of streams."""
        parts = [only(given.pop(name, None)) for name in ("x", "y", "sample_weight")]
        parts = [ops.convert_to_numpy(part) for part in parts if part is not None]
        count = len(parts[0])
        self._check_goes_on(*parts[:2])
        split = given.pop("validation_split", None) or 0
        if split and given.get("validation_data") is None:
            known = round(count * (1 - split)) if is_number(split) else 0
            if not 0 < known < count:
                raise UserError(
                    f"validation_split must leave some of {count} rows on both sides, got {split!r}"
                )
            names = ("x", "y", "sample_weight")
            held_out = dict(zip(names, (part[known:] for part in parts), strict=False))
            sizes = given.get("validation_batch_size"), given.get("batch_size")
            self.arrange(held_out, "validation", next(filter(None, sizes), None))
            given["validation_data"] = held_out["x"]
            parts, count = [part[:known] for part in parts], known
        if not count:
            raise UserError(f"{self.origin.recipe} needs one row of text at the least, got none")
        rows = min(given.pop("batch_size", None) or batch_size or 32, count)
        given["x"] = streams(parts, rows if use == "train" else rows_for_most(count, rows))

    def _check_goes_on(self, x: np.ndarray, y: np.ndarray) -> None:
        """Raise `UserError` unless rows are parts of one text, in their order."""
        if len(x) < 2 or not x.shape[1]:
            return
        goes_on = (x[1:, 0] == y[:-1, -1]).mean()
        if goes_on < ENOUGH:
            raise UserError(
                f"{self.origin.recipe} carries states from row to row, and {1 - goes_on:.0%} of "
                "the rows of x do not begin with the last token of y in the row before: give the "
                "parts of one text in their order, or carried=False for sequences that do not "
                "follow each other"
            )


def _rows(batches: Any) -> int | None:
    """How many rows each of some batches has; None where that is not said."""
    spec = getattr(batches, "element_spec", None)
    return None if spec is None else keras.tree.flatten(spec)[0].shape[0]
