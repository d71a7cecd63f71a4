"""Endpoints: the named functions of a model that an exported model offers to servers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import keras
from keras import ops


class Endpoint(Protocol):
    """A named function of a model, with named inputs and outputs.

    Attributes:
        inputs: Names of the inputs.
        outputs: Names of the outputs.
        deterministic: Whether nothing is drawn at random; what is drawn depends on an input `seed`.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    deterministic: bool

    def bind(self, model: keras.Model) -> keras.Model:
        """The function of `model`: a `keras.Model` from a dict of inputs to a dict of outputs."""
        ...


@dataclass(frozen=True)
class Part:
    """The part of a functional model between two of its layers: a deterministic endpoint.

    Args:
        input: Name of the input.
        output: Name of the output.
        start: Layer after whose output the part begins; the model's input where not given.
        end: Layer with whose output the part ends; the model's output where not given.
        activation: Name of a Keras activation applied to the output, `"softmax"` for probabilities.
    """

    input: str
    output: str
    start: str | None = None
    end: str | None = None
    activation: str | None = None

    deterministic = True

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs: one."""
        return (self.input,)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs: one."""
        return (self.output,)

    def bind(self, model: keras.Model) -> keras.Model:
        """The part as a `keras.Model` from `{input: tensor}` to `{output: tensor}`.

        It shares the weights of `model`.
        """
        start = model.get_layer(self.start).output if self.start else model.inputs[0]
        end = model.get_layer(self.end).output if self.end else model.outputs[0]
        inputs = keras.Input(start.shape[1:], name=self.input)
        outputs = keras.Model(start, end)(inputs)
        if self.activation:
            outputs = keras.layers.Activation(self.activation, dtype="float32")(outputs)
        return keras.Model({self.input: inputs}, {self.output: outputs})


@dataclass(frozen=True)
class Function:
    """An endpoint that a function computes from the model and named tensors.

    Args:
        function: Takes the model and the inputs by name, gives a dict of outputs. All that it draws
            at random depends on its input `seed`.
        inputs: Names of the inputs. `n`, `steps`, `seed` and `label` are whole numbers,
            `truncation` is a number; `labels` and `crossovers` are whole numbers, one for each row;
            `words` too, in the shape of the model's output without its last axis; `latents`,
            `styles`, `start`, `end`, `coarse` and `fine` are like what its `generator` takes;
            `codes` are like what its `decoder` takes or its layer `code` gives; any other input has
            the shape and the type of the model's input.
        outputs: Names of the outputs.
    """

    function: Callable[..., Mapping[str, Any]]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def deterministic(self) -> bool:
        """Whether nothing is drawn at random."""
        return "seed" not in self.inputs

    def bind(self, model: keras.Model, **fixed: Any) -> keras.Model:
        """The function as a `keras.Model` from a dict of tensors to a dict of tensors.

        It uses the weights of `model`.

        Args:
            model: The model.
            **fixed: Values that are no inputs then but constants. On JAX `n` must be one of them,
                as shapes are constant there.
        """
        inputs = {name: self._input(name, model) for name in self.inputs if name not in fixed}
        return keras.Model(inputs, _Computed(self.function, model, fixed)(inputs))

    @staticmethod
    def _input(name: str, model: keras.Model):
        if name in ("n", "steps", "seed", "label"):
            return keras.Input(batch_shape=(), dtype="int32", name=name)
        if name == "truncation":
            return keras.Input(batch_shape=(), name=name)
        if name == "words":
            return keras.Input(model.outputs[0].shape[1:-1], dtype="int32", name=name)
        if name in ("labels", "crossovers"):
            return keras.Input((), dtype="int32", name=name)
        if name in ("latents", "styles", "start", "end", "coarse", "fine"):
            return keras.Input(model.generator.inputs[0].shape[1:], name=name)
        if name == "codes":
            # A decoder of its own takes them, or the layer `code` gives them.
            decoder = getattr(model, "decoder", None)
            codes = decoder.inputs[0] if decoder else model.get_layer("code").output
            return keras.Input(codes.shape[1:], name=name)
        return keras.Input(model.inputs[0].shape[1:], name=name)


class _Computed(keras.layers.Layer):
    """A function of a model and of tensors, as a layer."""

    def __init__(
        self,
        function: Callable[..., Mapping[str, Any]],
        model: keras.Model,
        fixed: Mapping[str, Any],
    ):
        super().__init__()
        self.function = function
        self.model = model
        self.fixed = dict(fixed)

    def call(self, inputs):
        outputs = self.function(self.model, **inputs, **self.fixed)
        return {name: ops.cast(value, "float32") for name, value in outputs.items()}
