"""VGG-16 of 224×224 pixels and 1,000 classes for classifiers.py; prints JSON.

Arguments: what to do, and a folder. Random images, batches of 8, plain gradient descent.
"""

import json
import statistics
import sys
import time
from pathlib import Path

import keras
import numpy as np
from clock import Clock
from report import peak_memory

from amalthea import jobs, recipes

BATCH, STEPS, EPOCHS = 8, 2, 4
PLAIN = {"learning_rate": 1e-3, "momentum": 0.0, "weight_decay": 0.0, "augmentation": "none"}


def steps(model, images, labels):
    """Seconds a step, without the first epoch, in which TensorFlow traces."""
    clock = Clock()
    model.fit(images, labels, batch_size=BATCH, epochs=EPOCHS, callbacks=[clock], verbose=0)
    return statistics.median(clock.seconds[1:]) / STEPS


def recipe(images, labels, run):
    """Steps by the recipe."""
    return steps(recipes.vgg16(**PLAIN), images, labels)


def plain(images, labels, run):
    """Steps by keras.applications."""
    model = keras.applications.VGG16(weights=None, classifier_activation=None)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(1e-3), loss, metrics=["accuracy"])
    return steps(model, images, labels)


def train(images, labels, run):
    """A run with its published momentum, from arrays to `model.keras`."""
    sets = {"train": (images, labels), "validation": (images, labels)}
    arguments = {"learning_rate": 1e-3}
    jobs.train("vgg16", sets, out=run, arguments=arguments, epochs=1, batch_size=BATCH, verbose=0)


def resume(images, labels, run):
    """One epoch more."""
    sets = {"train": (images, labels), "validation": (images, labels)}
    jobs.resume(run, sets, epochs=2, verbose=0)


def export(images, labels, run):
    """A SavedModel, checked."""
    jobs.export(run)


if __name__ == "__main__":
    what, folder = sys.argv[1:]
    random, count = np.random.default_rng(0), BATCH * STEPS
    images = random.random((count, 224, 224, 3), dtype="float32")
    labels = np.linspace(0, 999, count).astype("int32")
    begin = time.perf_counter()
    found = globals()[what](images, labels, Path(folder) / "run")
    seconds = time.perf_counter() - begin if found is None else found
    print(json.dumps({"seconds": seconds, "memory": peak_memory() / 1024}))
