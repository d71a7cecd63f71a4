"""One training of accuracy.py, or one of its baselines, on one thread; prints JSON.

Arguments: a recipe or a baseline, the name of the data, the side of the images, the CPU seconds.
"""

import json
import math
import sys
import time

import keras
import tensorflow as tf
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_limits

from amalthea import data
from amalthea.recipes import get_recipe

BASELINES = {
    "most frequent class": lambda: DummyClassifier(),
    "logistic regression": lambda: LogisticRegression(max_iter=1000, tol=1e-3),
    "nearest neighbour": lambda: KNeighborsClassifier(1, algorithm="brute"),
}
# Learning rates change between shares of a training, of which there are at least so many.
SHARES = 20
PROBE = 10  # CPU seconds at least by which a step is timed


class Budget(keras.callbacks.Callback):
    """Ends a training whose CPU seconds are spent."""

    def __init__(self, seconds):
        super().__init__()
        self.end = time.process_time() + seconds

    def on_train_batch_end(self, batch, logs=None):
        if time.process_time() > self.end:
            self.model.stop_training = True


def baseline(name, train, test):
    """Error of a classifier of scikit-learn, and its parameters."""
    model = BASELINES[name]()
    begin = time.process_time()
    model.fit(train.as_float().reshape(len(train), -1), train.labels)
    seconds = time.process_time() - begin
    error = 1 - model.score(test.as_float().reshape(len(test), -1), test.labels)
    parameters = model.coef_.size + model.intercept_.size if hasattr(model, "coef_") else None
    return {"error": error, "parameters": parameters, "cpu": seconds}


def trained(name, train, test, seconds):
    """Error of a recipe after so many CPU seconds, tracing included."""
    entry = get_recipe(name)
    sets = [entry.task.select(part) for part in (train, test)]
    epoch = len(train) // entry.batch_size  # steps of one

    def fit(model, steps, epochs=1, callbacks=()):
        batches = sets[0].batches(entry.batch_size, seed=0).repeat()
        begin = time.process_time()
        model.fit(
            batches, steps_per_epoch=steps, epochs=epochs, callbacks=list(callbacks),
            shuffle=False, verbose=0,
        )  # fmt: skip
        return time.process_time() - begin

    def build():
        return entry.build(**entry.from_data(train.features), seed=0)

    # Another model tells what tracing and a step take, and so how far the budget reaches.
    probe = build()
    together = steps = probe.steps_per_execution
    first = fit(probe, steps)
    while (took := fit(probe, steps)) < PROBE:
        steps *= 2
    a_step = took / steps
    in_all = (seconds - max(0, first - together * a_step)) / a_step
    shares = max(SHARES, math.ceil(in_all / epoch))
    steps = max(1, int(in_all / shares / together)) * together
    keras.backend.clear_session()

    model = build()
    schedule = [entry.schedule(model.origin.arguments)] if entry.schedule else []
    cpu = fit(model, steps, shares, [*schedule, Budget(seconds)])
    reached = int(model.optimizer.iterations) / epoch
    error = 1 - model.evaluate(sets[1].batches(256, shuffle=False), verbose=0, return_dict=True)[
        "accuracy"
    ]  # fmt: skip
    return {
        "error": error,
        "parameters": sum(math.prod(v.shape) for v in model.trainable_variables),
        "epochs": reached,
        "epoch": a_step * epoch,
        "cpu": cpu,
    }


if __name__ == "__main__":
    name, source, side, seconds = sys.argv[1:]
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    size = None if side == "28" or source.startswith("padded") else int(side)
    train, test = (data.read(source, split, image_size=size) for split in ("train", "test"))
    if name in BASELINES:
        with threadpool_limits(1):
            found = baseline(name, train, test)
    else:
        found = trained(name, train, test, float(seconds))
    print(json.dumps(found))
