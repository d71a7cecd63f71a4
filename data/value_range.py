"""What the values of pixels mean: which of them is black, and which is white."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..checks import is_number
from ..errors import UserError
from .on_disk import OnDisk, mapped

BYTES = (0, 255)
WORDS = (0, 65535)
UNIT = (0, 1)
# Temporary float64 numbers are made for this many pixels at a time.
_BLOCK = 2**20


def checked(value_range: object) -> tuple[float, float]:
    """The value of black and the value of white; `UserError` unless they are such."""
    try:
        low, high = value_range
        if not (is_number(low) and is_number(high) and low < high):
            raise ValueError
    except (TypeError, ValueError):
        raise UserError(
            f"value_range is {value_range!r}, but must be two finite numbers, the value of black "
            "and then the larger one of white, such as (0, 255)"
        ) from None
    return _plain(low), _plain(high)


def decide(name: str, arrays: Iterable[np.ndarray]) -> tuple[float, float]:
    """The values of black and white in `arrays` together, by their type and what they hold.

    Floating-point numbers and bools mean 0 and 1. Bytes mean 0 to 255 if any of them exceeds 16,
    whole numbers of other types 0 to 255 if their largest is 17 to 255, and 16 bits beyond; a
    largest of exactly 1, 15 or 16 is white itself in types that nobody stores pictures of 8 bits
    in. Everything else can be read in two ways (0 and 1 in bytes are black and white, or an 8-bit
    image that is nearly black; 200 in 16 bits is 8 bits stored in more, or a dark image), and
    which is right shows in nothing but the look of the images: that is left to the user.
    """
    arrays = tuple(arrays)
    dtype = np.result_type(*(array.dtype for array in arrays))
    if dtype.kind in "bf":
        return UNIT
    low, high = _least_and_largest(arrays)
    if low < 0 or high > 255:
        return WORDS
    if high > 16 and dtype != np.uint16:
        return BYTES
    if dtype != np.uint8 and (high in (15, 16) or (low, high) == UNIT):
        return 0, high
    raise UserError(
        f"{name}: the images are of type {dtype} and never exceed {high}, so they may be "
        f"{_readings(dtype, high)}"
    )


def _least_and_largest(arrays: tuple[np.ndarray | OnDisk, ...]) -> tuple[int, int]:
    """Of whole numbers; of those on disk only as many are read as tell how they are meant."""
    lows, highs = [], []
    for array in arrays:
        on_disk = isinstance(array, OnDisk)
        for block in array.blocks() if on_disk else [array]:
            lows.append(int(block.min()))
            highs.append(int(block.max()))
            if on_disk and array.dtype == np.uint8 and highs[-1] > 16:
                break
    return min(lows), max(highs)


def scaled(name: str, images: Any, value_range: tuple[float, float]) -> Any:
    """The images as they are stored: uint8 where white is 255, or else float32 in [0, 1].

    Floating-point numbers in [0, 1] are not copied if they are float32.

    Args:
        name: What messages call the images.
        images: Array (count, height, width, channels) of numbers, or such a column on disk, of
            which the rows are checked when they are read.
        value_range: The values of black and white; no other may lie outside.
    """
    if images.dtype.kind == "b":
        if value_range != UNIT:
            raise UserError(
                f"{name}: the images are true and false, whose value_range is (0, 1), not "
                f"{value_range}"
            )
        return mapped(images, lambda rows: rows.astype(np.float32))
    if images.dtype == np.uint8 and value_range == BYTES:
        return images
    if isinstance(images, OnDisk):
        return images.map(lambda rows: scaled(name, rows, value_range))
    if not images.size:
        kept = value_range == BYTES and images.dtype.kind in "ui"
        return images.astype(np.uint8 if kept else np.float32)
    _check(name, images, value_range)
    if value_range == BYTES and images.dtype.kind in "ui":
        return images.astype(np.uint8)
    if value_range == UNIT:
        return images.astype(np.float32, copy=False)
    # Rounded as the pixels are, so that the ends become exactly 0 and 1.
    kind = images.dtype.type if images.dtype.kind == "f" else float
    low, high = (np.float64(kind(value)) for value in value_range)
    result = np.empty(images.shape, np.float32)
    step = max(1, _BLOCK // images[0].size)
    for start in range(0, len(images), step):
        block = slice(start, start + step)
        result[block] = (images[block].astype(np.float64) - low) / (high - low)
    return result


def reading(dtype: np.dtype, value_range: tuple[float, float]) -> str:
    """How images of type `dtype` with these values of black and white are read, in words."""
    if dtype.kind == "b":
        return "true and false as 1 and 0"
    if dtype.kind == "f":
        if value_range == UNIT:
            return "numbers in [0, 1]"
        return f"numbers {value_range[0]} to {value_range[1]}, scaled to [0, 1]"
    if value_range == BYTES:
        return "bytes 0 to 255, scaled to [0, 1]"
    if value_range == UNIT:
        return "whole numbers 0 and 1"
    return f"whole numbers {value_range[0]} to {value_range[1]}, scaled to [0, 1]"


def _readings(dtype: np.dtype, high: int) -> str:
    """What whole numbers up to `high` may be, and how to say which."""
    dark = "" if high > 16 else "nearly black " if high <= 1 else "dark "
    meanings = {
        1: "black and white",
        15: "grey values from 0 to 15",
        16: "grey values from 0 to 16",
        255: f"{dark}images of 8 bits",
    }
    if dtype == np.uint16:
        meanings[65535] = "nearly black images of 16 bits"
    likely = {white: words for white, words in meanings.items() if white >= high}
    if high <= 1:  # nobody means 15 or 16 then
        likely = {white: words for white, words in likely.items() if white not in (15, 16)}
    *others, last = (f"{words} (value_range=(0, {white}))" for white, words in likely.items())
    return f"{', '.join(others)} or {last}: give the value_range that is right"


def _check(name: str, images: np.ndarray, value_range: tuple[float, float]) -> None:
    low, high = value_range
    least, largest = images.min(), images.max()
    if low <= least and largest <= high:  # NaN compares false
        return
    wrong = ~((images >= low) & (images <= high))
    image, *pixel = (int(i) for i in np.unravel_index(wrong.argmax(), wrong.shape))
    if images.dtype.kind != "f":
        rule = f"whole-number images must lie in {low} to {high}"
    elif value_range == UNIT:
        rule = "floating-point images must be finite and lie in [0, 1]"
    else:
        rule = f"floating-point images must be finite and lie in {low} to {high}"
    raise UserError(
        f"{name}: {rule}, but {int(wrong.any(axis=(1, 2, 3)).sum())} of {len(images)} images do "
        f"not (first image {image} at row, column, channel {tuple(pixel)}: "
        f"{images[image, *pixel]}; {_extent(images)}){_hint(images)}"
    )


def _extent(images: np.ndarray) -> str:
    """Between which values the pixels lie, in words."""
    known = images[~np.isnan(images)]
    if not known.size:
        return "all values are NaN"
    nan = " and NaN" if known.size < images.size else ""
    return f"values go from {known.min()} to {known.max()}{nan}"


def _hint(images: np.ndarray) -> str:
    """Which values of black and white would suit the images, as the end of a sentence."""
    least, largest = images.min(), images.max()
    if not (np.isfinite(least) and np.isfinite(largest)):
        return ""
    for low, high in (UNIT, (-1, 1), (0, 16), BYTES, WORDS):
        # So near the ends of a usual range that it is surely meant.
        if (
            low <= least <= low + 0.2 * (high - low)
            and high - 0.2 * (high - low) <= largest <= high
        ):
            break
    else:
        low, high = _plain(least), _plain(largest)
    return f": if black is {low} and white is {high}, give value_range=({low}, {high})"


def _plain(value: float) -> float:
    """A Python number, whole if it can be."""
    return int(value) if float(value).is_integer() else float(value)
