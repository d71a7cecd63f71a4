"""Trainings on several devices of a machine at once, each with its part of every batch."""

import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import keras
import tensorflow as tf

from ..checks import is_whole
from ..errors import UserError

ALL = "all"


def prepare_devices(devices: int | str | None) -> int:
    """How many devices are meant, which are there after it.

    Without GPUs each processor may be a device, before TensorFlow begins: to read data begins it.

    Args:
        devices: A number, `"all"` for all GPUs, or those of JAX, or None for one.

    Raises:
        UserError: If there are not so many, or TensorFlow has begun, so that processors can no
            longer be made devices.
    """
    if devices is None:
        return 1
    found, noun = _found()
    if devices == ALL:
        return found if noun == "devices" else 1
    if not is_whole(devices) or devices < 1:
        raise UserError(
            f"devices must be a whole number of at least 1, or {ALL!r}, got {devices!r}"
        )
    if devices > found:
        raise UserError(f"there are {found} {noun} to train on, got devices={devices}")
    if devices > 1 and noun == "processors":
        _make_devices(int(devices))
    return int(devices)


@contextlib.contextmanager
def spread_over(count: int) -> Iterator[Callable[[], AbstractContextManager]]:
    """Within, models are trained on so many devices, each with its part of every batch.

    Gives what models must be built within. What looks at them as they learn is outside of that, or
    TensorFlow would spread its batches, too.
    """
    if count == 1:
        yield contextlib.nullcontext
        return
    if keras.backend.backend() == "jax":
        before = keras.distribution.distribution()
        devices = keras.distribution.list_devices()[:count]
        keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices))
        try:
            yield contextlib.nullcontext
        finally:
            keras.distribution.set_distribution(before)
        return
    yield _strategy(count).scope


def _found() -> tuple[int, str]:
    if keras.backend.backend() == "jax":
        return len(keras.distribution.list_devices()), "devices"
    if gpus := tf.config.list_physical_devices("GPU"):
        return len(gpus), "devices"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return cores, "processors"


def _make_devices(count: int) -> None:
    """Have TensorFlow take the processors for so many devices."""
    (cpu, *_) = tf.config.list_physical_devices("CPU")
    known = tf.config.get_logical_device_configuration(cpu) or [None]
    if len(known) >= count:
        return
    parts = [tf.config.LogicalDeviceConfiguration()] * count
    try:
        tf.config.set_logical_device_configuration(cpu, parts)
    except RuntimeError:
        raise UserError(
            f"TensorFlow has begun with {len(known)} device in this process, so that its "
            f"processors can no longer be {count}: begin a new one, or say so first by "
            "tf.config.set_logical_device_configuration"
        ) from None


def _strategy(count: int) -> tf.distribute.Strategy:
    if tf.config.list_physical_devices("GPU"):
        return tf.distribute.MirroredStrategy([f"GPU:{number}" for number in range(count)])
    # Collectives between devices of one process can meet in the wrong order.
    reduction = tf.distribute.ReductionToOneDevice()
    names = [f"CPU:{number}" for number in range(count)]
    return tf.distribute.MirroredStrategy(names, cross_device_ops=reduction)
