"""Endpoints: the named functions of a model that an exported model offers to servers."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import keras
from keras import ops

from ..errors import UserError


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
        of: The attribute of the model that is the functional model, if it has that; the model
            itself where not given.
        pooled: Whether of maps the mean is given.
    """

    input: str
    output: str
    start: str | None = None
    end: str | None = None
    activation: str | None = None
    of: str | None = None
    pooled: bool = False

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
        model = getattr(model, self.of, model) if self.of else model
        start = model.get_layer(self.start).output if self.start else model.inputs[0]
        end = model.get_layer(self.end).output if self.end else model.outputs[0]
        whole = start.dtype if "int" in start.dtype else None
        inputs = keras.Input(start.shape[1:], dtype=whole, name=self.input)
        outputs = keras.Model(start, end)(inputs)
        if self.pooled:
            outputs = keras.layers.GlobalAveragePooling2D(dtype="float32")(outputs)
        if self.activation:
            outputs = keras.layers.Activation(self.activation, dtype="float32")(outputs)
        return keras.Model({self.input: inputs}, {self.output: outputs})


class Input(Protocol):
    """What an input of a `Function` is: the annotation of its argument."""

    def input(self, model: keras.Model, name: str):
        """The symbolic input of that name, for a function of `model`."""
        ...


@dataclass(frozen=True)
class Numbers:
    """Numbers, or texts, of a shape that is the same for all models.

    Attributes:
        batch_shape: The shape, None where it is the number of rows.
        dtype: The type.
    """

    batch_shape: tuple[int | None, ...]
    dtype: str

    def input(self, model, name):
        return keras.Input(batch_shape=self.batch_shape, dtype=self.dtype, name=name)


@dataclass(frozen=True)
class Like:
    """Numbers in the shape of a part's first input, or of a layer's output.

    Attributes:
        part: The attribute of the model that is the part; the model itself where not given.
        layer: The layer whose output it is like, in place of a part.
    """

    part: str | None = None
    layer: str | None = None

    def input(self, model, name):
        if self.layer:
            like = model.get_layer(self.layer).output
        else:
            like = (getattr(model, self.part) if self.part else model).inputs[0]
        return keras.Input(like.shape[1:], name=name)


# One number for all rows, or one for each.
Whole, Number, PerRow = Numbers((), "int32"), Numbers((), "float32"), Numbers((None,), "int32")
# A text for each row, which TensorFlow alone has.
Strings = Numbers((None,), "string")
# What the model itself takes.
Images = Like()


@dataclass(frozen=True)
class Function:
    """An endpoint that a function computes from the model and named tensors.

    Args:
        function: Takes the model and the inputs by name, gives a dict of outputs. The annotation of
            each argument is the `Input` that says what it is: `Whole`, `Number`, `PerRow`,
            `Images`, a `Like`. All that is drawn at random depends on its input `seed`.
        outputs: Names of the outputs.
        dtypes: The types of those that are not float32.
        optional: Names of those arguments with a default that are inputs all the same.
        of: The attribute of the model that the function takes; the model itself where not given.
        differentiates: Whether it needs gradients, which no exported format but TensorFlow's has.
        where: Arguments that a model must have been built with to have the endpoint, by name.

    Raises:
        TypeError: If the annotation of an input says nothing of it.
    """

    function: Callable[..., Mapping[str, Any]]
    outputs: tuple[str, ...]
    dtypes: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    optional: tuple[str, ...] = field(default=(), kw_only=True)
    of: str | None = field(default=None, kw_only=True)
    differentiates: bool = field(default=False, kw_only=True)
    where: Mapping[str, Any] = field(default_factory=dict, kw_only=True)

    def __post_init__(self):
        for name, kind in self._kinds().items():
            if not hasattr(kind, "input"):
                raise TypeError(
                    f"{self.function.__name__}: the annotation of {name} must be an input, such as "
                    f"Whole or PerRow, got {kind}"
                )

    def _kinds(self) -> dict[str, Input]:
        """What each input is, by name."""
        _, *arguments = inspect.signature(self.function).parameters.values()
        return {
            a.name: a.annotation
            for a in arguments
            if a.default is a.empty or a.name in self.optional
        }

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return tuple(self._kinds())

    @property
    def deterministic(self) -> bool:
        """Whether nothing is drawn at random."""
        return "seed" not in self.inputs

    def offered(self, arguments: Mapping[str, Any]) -> bool:
        """Whether a model that was built with these arguments has the endpoint."""
        return all(arguments.get(name) == value for name, value in self.where.items())

    def bind(self, model: keras.Model, **fixed: Any) -> keras.Model:
        """The function as a `keras.Model` from a dict of tensors to a dict of tensors.

        It uses the weights of `model`.

        Args:
            model: The model.
            **fixed: Values that are no inputs then but constants. On JAX `n` must be one of them,
                as shapes are constant there.

        Raises:
            UserError: If the model was built with other arguments than the endpoint needs.
        """
        if self.where and not self.offered(model.origin.arguments):
            needed = ", ".join(f"{name}={value!r}" for name, value in self.where.items())
            raise UserError(
                f"{model.origin.recipe} gives {', '.join(self.outputs)} with {needed} alone"
            )
        model = getattr(model, self.of) if self.of else model
        kinds = self._kinds().items()
        inputs = {name: kind.input(model, name) for name, kind in kinds if name not in fixed}
        made = _Computed(self.function, model, fixed, self.dtypes)(inputs)
        return keras.Model(inputs, {name: made[name] for name in self.outputs})  # JAX sorts names


class _Computed(keras.layers.Layer):
    """A function of a model and of tensors, as a layer."""

    def __init__(
        self,
        function: Callable[..., Mapping[str, Any]],
        model: keras.Model,
        fixed: Mapping[str, Any],
        dtypes: Mapping[str, str],
    ):
        super().__init__()
        self.function = function
        self.model = model
        self.fixed = dict(fixed)
        self.dtypes = dict(dtypes)

    def call(self, inputs):
        outputs = self.function(self.model, **inputs, **self.fixed)
        kinds = {name: self.dtypes.get(name, "float32") for name in outputs}
        return {
            name: value if kinds[name] == "string" else ops.cast(value, kinds[name])
            for name, value in outputs.items()
        }
