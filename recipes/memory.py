"""Whether a machine has the memory for a model, before anything of it is made."""

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import keras
import psutil
from keras.src.backend.common import global_state

from ..checks import is_number
from ..errors import UserError

# Of the two largest numbers among a builder's arguments, the product from which on it is looked at.
SUSPICIOUS = 10**8
# Values for each weight while a model trains: itself, its gradient, and one of the optimizer.
COPIES = 3
# Where Keras lists the variables that it has yet to give values.
PENDING = "uninitialized_variables"


class _TooLarge(Exception):
    """More weights than fit."""


class _Counted(list):
    """Variables that have no values yet, up to so many bytes."""

    def __init__(self, limit: int):
        super().__init__()
        self.limit = limit
        self.bytes = 0

    def append(self, variable):
        super().append(variable)
        size = 1
        for length in variable.shape:
            size *= length  # in Python's whole numbers, which know no largest
        self.bytes += 4 * size
        if self.bytes > self.limit:
            raise _TooLarge


def build_without_values(
    build: Callable[..., keras.Model], arguments: Mapping[str, Any], variables: list
) -> None:
    """Build a model whose weights have shapes and nothing else, as far as that goes.

    Args:
        build: From the arguments to a model.
        arguments: Its arguments.
        variables: To this list the weights are added.
    """
    global_state.set_global_attribute(PENDING, variables)
    try:
        # What an optimizer or a metric keeps would need values.
        with keras.StatelessScope(initialize_variables=False), contextlib.suppress(Exception):
            build(**arguments)
    finally:
        global_state.set_global_attribute(PENDING, [])


def check_memory(build: Callable[..., keras.Model], arguments: Mapping[str, Any]) -> None:
    """Raise `UserError` if the weights of a model would not fit in this machine's memory.

    The model is built without values where its arguments are so large that this may be.

    Args:
        build: From the arguments to a model.
        arguments: Its arguments.
    """
    numbers = sorted(n for value in arguments.values() for n in _numbers(value))
    if len(numbers) < 2 or numbers[-1] * numbers[-2] < SUSPICIOUS:
        return
    memory = psutil.virtual_memory().total
    weights = _Counted(memory // COPIES)
    build_without_values(build, arguments, weights)
    if weights.bytes > weights.limit:
        raise UserError(
            f"its weights need at least {weights.bytes / 2**30:,.0f} GiB, and to train it "
            f"{COPIES} times as much, of the {memory / 2**30:,.0f} GiB of this machine"
        )


def _numbers(value: Any):
    """The numbers in an argument: sizes, and factors of sizes."""
    if is_number(value):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _numbers(item)
