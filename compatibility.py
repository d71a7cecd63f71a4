"""Which Keras, on which backend, the package runs on: checked once, before Keras is imported."""

import json
import os
import re
from importlib.metadata import version
from pathlib import Path

MINIMUM_KERAS = (3, 15)
BACKENDS = ("tensorflow", "jax")


def configured_backend() -> str:
    """The backend Keras will import: `KERAS_BACKEND`, else its `keras.json`, else TensorFlow."""
    if chosen := os.environ.get("KERAS_BACKEND"):
        return chosen
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    try:
        return json.loads((home / "keras.json").read_text()).get("backend", "tensorflow")
    except (OSError, ValueError):
        return "tensorflow"


def check_keras() -> None:
    """Check Keras' version and backend.

    Raises:
        ImportError: One sentence, when Keras is too old or runs on a backend that is not supported.
    """
    found = version("keras")
    if tuple(int(part) for part in re.findall(r"\d+", found)[:2]) < MINIMUM_KERAS:
        wanted = ".".join(map(str, MINIMUM_KERAS))
        raise ImportError(
            f"amalthea needs Keras {wanted} or newer and found {found}: "
            f"pip install --upgrade 'keras>={wanted}'"
        )
    if (backend := configured_backend()) not in BACKENDS:
        raise ImportError(
            f"amalthea runs on Keras' tensorflow and jax backends, not on {backend!r}: "
            "set KERAS_BACKEND=tensorflow"
        )


def keep_order() -> None:
    """Have TensorFlow write no weight before all that read its old value have done so.

    While TensorFlow 2.21 simplifies the graph of a step, its dependency optimization can drop the
    order of a read and a write, where what depends on the read value does so by its shape alone:
    the gradients of a Wasserstein critic's last layer do. The value read is then now and then that
    of the next step. The optimization is off in this process from here on.
    """
    if configured_backend() == "tensorflow":
        import tensorflow as tf

        tf.config.optimizer.set_experimental_options({"dependency_optimization": False})
