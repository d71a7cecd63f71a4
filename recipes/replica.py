"""Which replica of a model on several devices is being run."""

from typing import Any

import keras


def replica_device() -> str | None:
    """The device of the replica that is being run, where there are several."""
    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf

    if (
        tf.distribute.get_strategy().num_replicas_in_sync == 1
        or tf.distribute.in_cross_replica_context()
    ):
        return None
    return keras.tree.flatten(tf.distribute.get_replica_context().devices)[0]


def is_on(loss: Any, device: str) -> bool:
    """Whether a loss is computed on a device, as all of its replica are."""
    return not getattr(loss, "device", "") or loss.device == device
