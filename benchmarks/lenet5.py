"""An epoch of `lenet5` by `jobs.train` beside the same network in plain Keras and in PyTorch.

Fashion-MNIST, 54,000 images to train on and 6,000 to validate on, batches of 64, Adam. An epoch is
all that happens from its begin to the next one's: input pipeline, training, validation, and in
`jobs.train` log, backup and bookkeeping, too. The first epoch of every training, in which
TensorFlow traces, is not counted.
"""

import argparse
import functools
import json
import subprocess
import tempfile
import time
from pathlib import Path
from unittest import mock

import keras
import numpy as np
from report import in_turn, machine, publish, ratio, spread, table, versions

from amalthea import data, jobs

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--torch", help="a Python that has PyTorch; left out otherwise")
parser.add_argument("--rounds", type=int, default=5)
options = parser.parse_args()

EPOCHS = 3
BATCH = 64


class Clock(keras.callbacks.Callback):
    """Notes when epochs begin, and when the training ends."""

    def __init__(self):
        super().__init__()
        self.times = []

    def on_epoch_begin(self, epoch, logs=None):
        self.times.append(time.perf_counter())

    def on_train_end(self, logs=None):
        self.times.append(time.perf_counter())

    def epochs(self) -> list[float]:
        """Seconds of each epoch but the first."""
        return np.diff(self.times)[1:].tolist()


def amalthea() -> list[float]:
    """The recipe, as a user of `jobs.train` has it."""
    clock = Clock()
    fit = keras.Model.fit

    def timed(model, *args, callbacks, **kwargs):
        return fit(model, *args, callbacks=[*callbacks, clock], **kwargs)

    with tempfile.TemporaryDirectory() as folder, mock.patch.object(keras.Model, "fit", timed):
        jobs.train("lenet5", "fashion_mnist", out=Path(folder, "run"), epochs=EPOCHS, verbose=0)
    return clock.epochs()


def plain_keras(steps_per_execution: int = 1) -> list[float]:
    """The same network by hand, on arrays."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.ZeroPadding2D(2),
            layers.Rescaling(1.275, -0.1),
            layers.Conv2D(6, 5, activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Conv2D(16, 5, activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(120, "tanh"),
            layers.Dense(84, "tanh"),
            layers.Dense(10),
        ]
    )
    model.compile(
        keras.optimizers.Adam(1e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        steps_per_execution=steps_per_execution,
    )
    clock = Clock()
    model.fit(
        *arrays["train"],
        batch_size=BATCH,
        validation_data=arrays["validation"],
        epochs=EPOCHS,
        callbacks=[clock],
        verbose=0,
    )
    return clock.epochs()


def pytorch() -> list[float]:
    """The same network in PyTorch, in a process of its own."""
    peer = Path(__file__).with_name("lenet5_torch.py")
    (x, y), (x_held, y_held) = arrays["train"], arrays["validation"]
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        np.savez(file, x=x, y=y, x_held=x_held, y_held=y_held)
        command = [options.torch, peer, file.name, str(EPOCHS), str(BATCH)]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return json.loads(printed)[1:]


sets = {split: data.read("fashion_mnist", split) for split in ("train", "validation")}
arrays = {split: (images.as_float(), images.labels) for split, images in sets.items()}
contenders = {
    "`jobs.train`": amalthea,
    "plain Keras, arrays": plain_keras,
    "plain Keras, arrays, 8 steps an execution as in the recipe": functools.partial(plain_keras, 8),
}
if options.torch:
    contenders[f"{versions(options.torch, 'torch')['torch']}, tensors in memory"] = pytorch
measured = in_turn(contenders, options.rounds)
ours = measured["`jobs.train`"]
rows = [[name, spread(seconds), ratio(ours, seconds)] for name, seconds in measured.items()]
publish(
    "lenet5",
    f"{machine('amalthea', 'keras', 'tensorflow')}; {options.rounds} rounds, in each {EPOCHS - 1} "
    "epochs counted.\n\n"
    + table(["what", "seconds an epoch: median (range)", "`jobs.train` to it, paired"], rows),
)
