"""What a worker process does, where nothing but this package and the data need be.

Keras is imported only after the environment is as in the process that searches.
"""

import functools
import os
import pickle
import platform
import queue
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

VERSIONED = ("amalthea", "keras", "tensorflow", "numpy")

# Seconds between two reports of a trial, at the least.
OFTEN = 0.5
# What this process has read, by how it was asked for.
_read: dict[str, Any] = {}


def setting() -> dict[str, Any]:
    """What a worker must have in common with this process."""
    from importlib.metadata import version

    import keras

    return {
        "backend": keras.config.backend(),
        "floatx": keras.config.floatx(),
        "dtype_policy": keras.config.dtype_policy().name,
        "versions": {name: version(name) for name in VERSIONED},
    }


def ready(setting: Mapping[str, Any], wanted: Mapping[str, Any], cpus: int) -> str:
    """Why this process can do no trial of a search; empty if it can.

    Args:
        setting: As `setting` gives it in the process that searches.
        wanted: The recipe, how its data are read, and their fingerprint, if they have a name.
        cpus: Threads of an operation.
    """
    node = platform.node()
    for name, there in setting["versions"].items():
        here = _version(name)
        if here != there:
            return f"{node} has {name} {here}, and the search {there}: install that one there"
    _begin(setting["backend"], cpus)
    from ...errors import UserError

    try:
        sets, fingerprint = _sets_of(wanted)
    except UserError as error:
        return f"{node}: {error}"
    if sets is not None and fingerprint != wanted["fingerprint"]:
        return f"{node}: {wanted['source']['data']} is not the data of the search: copy them there"
    return ""


def attempt(
    setting: Mapping[str, Any],
    wanted: Mapping[str, Any],
    cpus: int,
    room: str,
    job: Mapping[str, Any],
    sets: Any,
    pickled: bytes,
    parent: bytes | None,
) -> Iterator[Any]:
    """Do a trial, and say how far it is.

    Args:
        setting: As `ready` takes it.
        wanted: The same.
        cpus: The same.
        room: Name of a folder among the machine's temporary ones.
        job: The attributes of a `Job`.
        sets: The training and validation examples, where they have no name to be read by.
        pickled: Callbacks and metrics.
        parent: Weights to begin with.

    Yields:
        None where it begins; now and then the number of an epoch, the name of a figure and its
        value; at last the attributes of the outcome, with the files of weights by name, or in place
        of all that a sentence, if this process can do no trial.
    """
    yield None
    if reason := ready(setting, wanted, cpus):
        yield reason
        return
    # `fit` calls back, and a generator is called: a thread each.
    said: queue.SimpleQueue = queue.SimpleQueue()
    threading.Thread(
        target=_attempt,
        args=(setting, wanted, room, job, sets, pickled, parent, said.put),
        daemon=True,
    ).start()
    while True:
        news = said.get()
        if isinstance(news, BaseException):
            raise news
        yield news
        if len(news) == 2:
            return


def _attempt(setting, wanted, room, job, sets, pickled, parent, say) -> None:
    import keras

    from .trial import Job, run

    said = [time.monotonic()]

    def report(*news) -> None:
        if time.monotonic() - said[-1] > OFTEN:
            said[-1] = time.monotonic()
            say(news)

    try:
        # What is configured is each thread's own.
        keras.config.set_floatx(setting["floatx"])
        keras.config.set_dtype_policy(setting["dtype_policy"])
        callbacks, metrics = pickle.loads(pickled)
        sets = sets or _sets_of(wanted)[0]
        (rooms := Path(tempfile.gettempdir()) / room).mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=rooms) as folder:
            folder = Path(folder)
            begin = folder / "parent.weights.h5" if parent else None
            if begin:
                begin.write_bytes(parent)
            outcome = run(
                Job(**job),
                sets,
                folder / "trial",
                parent=begin,
                callbacks=callbacks,
                metrics=metrics,
                report=report,
            )
            left = {path.name: path.read_bytes() for path in (folder / "trial").glob("*")}
        say((vars(outcome), left))
    except BaseException as error:
        say(error)


def _sets_of(wanted: Mapping[str, Any]) -> tuple[Any, Any]:
    """The sets of data that have a name, as trials take them, and their fingerprint."""
    from ...recipes import get_recipe
    from ..inputs import Source, read_sets
    from .trial import prepared

    recipe = get_recipe(wanted["recipe"])
    if wanted["source"]["data"] is None:
        return None, None
    key = repr(wanted)
    if key not in _read:
        source = Source(**wanted["source"], columns=recipe.task.columns)
        sets = read_sets(recipe, source)
        fingerprint = source.fingerprint(sets).summary()
        _read.clear()
        _read[key] = prepared(recipe, wanted["fixed"], sets), fingerprint
    return _read[key]


def _version(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


@functools.cache
def _begin(backend: str, cpus: int) -> None:
    """Have Keras as the search has it; once in a process."""
    os.environ["KERAS_BACKEND"] = backend
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    for name in list(os.environ):
        if name.startswith("KERASTUNER_"):  # else this process would look for a chief
            del os.environ[name]
    limit_threads(cpus)


def limit_threads(cpus: int) -> None:
    """Let TensorFlow compute in so many threads, and take of a GPU's memory what it needs.

    Raises:
        RuntimeError: If it has begun to compute already.
    """
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(cpus)
    tf.config.threading.set_inter_op_parallelism_threads(cpus)
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
