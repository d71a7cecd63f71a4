"""What every part of the package asks of the numbers that it is given."""

import math
from numbers import Integral, Real
from typing import Any

from .errors import UserError


def is_whole(value: Any) -> bool:
    """Whether `value` is a whole number, and not a bool."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether `value` is a finite real number, and not a bool."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


# Seeds are numbers of 32 bits with a sign, as exported models take them.
LARGEST_SEED = 2**31 - 1


def check_count(name: str, value: Any, least: int = 1) -> int:
    """`value` as an int; `UserError` unless it is a whole number of at least `least`."""
    if not is_whole(value) or value < least:
        raise UserError(f"{name} must be a whole number of at least {least}, got {value!r}")
    return int(value)


def check_seed(value: Any) -> int:
    """`value` as an int; `UserError` unless it is a whole number that a seed can be."""
    if not is_whole(value) or not 0 <= value <= LARGEST_SEED:
        raise UserError(f"seed must be a whole number from 0 to {LARGEST_SEED}, got {value!r}")
    return int(value)
