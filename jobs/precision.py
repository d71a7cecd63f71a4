"""In which numbers a model computes, and in which it keeps its weights."""

import contextlib
from collections.abc import Iterator

import keras

from ..errors import UserError

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
# Keras may be set to others, in Python.
POLICIES = (*PRECISIONS, "float64", "bfloat16", "float16")


def checked(precision: str | None) -> str:
    """Keras' name of a policy: one of `PRECISIONS`, or the policy that Keras is set to if None."""
    if precision is None:
        return keras.config.dtype_policy().name
    if precision not in PRECISIONS:
        raise UserError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
    return precision


@contextlib.contextmanager
def computing_in(precision: str | None) -> Iterator[None]:
    """Within, models are built under the policy of that name; as Keras is set if None."""
    before = keras.config.dtype_policy()
    if precision is not None:
        keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
