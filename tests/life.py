"""One life of each recipe's small model, traced once for all tests that ask about it."""

import contextlib
import json
import subprocess
import sys
import tempfile

import keras
import numpy as np

from amalthea.callbacks import Backup
from amalthea.recipes import get_recipe

from harness import arrays, batch, build, stored

EPOCHS = 4

# Loads a model and trains on; restores a backup, and where there are stages trains on, too.
AFTERLIFE = """
import json, sys
import numpy as np
import keras, amalthea

def state(model):
    model.optimizer.build(model.trainable_variables)
    return [np.asarray(v.value) for v in (*model.weights, *model.optimizer.variables)]

for line in sys.stdin:
    name, folder, epochs = json.loads(line)
    with np.load(folder + "/given.npz") as given:
        data = [given[key] for key in ("x", "y") if key in given]
    entry = amalthea.recipes.get_recipe(name)
    arguments = {p.name: p.default for p in entry.parameters} | dict(entry.smoke)

    def train_on(model):
        stages = [entry.schedule(arguments)] if entry.schedule else []
        model.fit(*data, batch_size=12, shuffle=False, callbacks=stages, verbose=0,
                  initial_epoch=epochs // 2, epochs=epochs)
        return state(model)

    loaded = keras.models.load_model(folder + "/model.keras")
    assert loaded.origin.recipe == name, loaded.origin
    got = {"loaded": state(loaded), "outputs": [loaded.predict(data[0], verbose=0)]}
    resumed = entry.build(**entry.smoke, seed=1)
    assert amalthea.callbacks.Backup(folder + "/cut").restore(resumed) == epochs // 2
    got["restored"] = state(resumed)
    got["loaded, trained on"] = train_on(loaded)
    if entry.schedule:
        got["restored, trained on"] = train_on(resumed)
    np.savez(folder + "/got.npz", **{f"{key}/{i}": value for key, values in got.items()
                                     for i, value in enumerate(values)})
    print("done", flush=True)
"""


def state(model):
    """Weights, the optimizer's variables, and the states of random generators."""
    model.optimizer.build(model.trainable_variables)
    return arrays(_variables(model))


def put_back(model, values):
    """Bring a model to an earlier `state`."""
    for variable, value in zip(_variables(model), values, strict=True):
        variable.assign(value)


def _variables(model):
    known = {id(weight) for weight in model.weights}
    random = [variable for variable in model.variables if id(variable) not in known]
    return [*model.weights, *model.optimizer.variables, *random]


class Life:
    """A small model that learns for an epoch, then for four in which its stages are gone through.

    Args:
        name: The recipe.
        process: Has a fresh process go through the second half again.

    Attributes:
        name: The recipe.
        model: The model, in its last state.
        data: What it learns from, `(x,)` or `(x, y)`.
        initial: Its weights at first.
        traces: How often its step was traced in the first epoch.
        logs: What the first epoch logged, of two steps without stages.
        first: The state after it.
        first_outputs: What the model gave then.
        half: The state after two of the four epochs.
        half_outputs: What the model gave then.
        end: The state after all.
        folder: Holds the model as it was at half, `model.keras`, and its backup, `cut/`.
    """

    def __init__(self, name, process):
        self.name, self.data, self._process = name, batch(name), process
        self._folder = tempfile.TemporaryDirectory()
        self.folder = self._folder.name
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            # Whatever other models have switched off is on at first, as it is for a user.
            tf.config.optimizer.set_experimental_options({"dependency_optimization": True})
        entry, model = get_recipe(name), build(name)
        fit = {"batch_size": 12, "shuffle": False, "verbose": 0}
        self.model, self.initial, self.traces = model, arrays(model.weights), 0
        with self._counted():
            self.logs = model.fit(*self.data, **fit).history
        self.first = state(model)
        self.first_outputs = model.predict(self.data[0], verbose=0)
        backup = Backup(f"{self.folder}/cut")

        def halfway(epoch, logs):
            if epoch + 1 <= EPOCHS // 2:
                backup.set_model(model)
                backup.on_epoch_end(epoch)
            if epoch + 1 == EPOCHS // 2:
                model.save(f"{self.folder}/model.keras")
                self.half = state(model)
                self.half_outputs = model.predict(self.data[0], verbose=0)

        stages = [entry.schedule(model.origin.arguments)] if entry.schedule else []
        watch = keras.callbacks.LambdaCallback(on_epoch_end=halfway)
        model.fit(*self.data, **fit, epochs=EPOCHS, callbacks=[*stages, watch])
        self.end = state(model)
        self._afterlife = None

    @contextlib.contextmanager
    def _counted(self):
        """Count how often the step is traced, on TensorFlow."""
        if keras.backend.backend() != "tensorflow":
            yield  # JAX would not trace one and the same function anew for the next stage
            return
        step = self.model.train_step

        def traced(data):
            self.traces += 1
            return step(data)

        self.model.train_step = traced
        yield
        self.model.train_step = step

    @property
    def afterlife(self):
        """What a fresh process made of the files, by name: lists of arrays."""
        if self._afterlife is None:
            given = dict(zip(("x", "y"), self.data, strict=False))
            np.savez(f"{self.folder}/given.npz", **given)
            self._process.ask(json.dumps([self.name, self.folder, EPOCHS]))
            self._afterlife = {}
            for key, value in stored(f"{self.folder}/got.npz").items():
                self._afterlife.setdefault(key.rpartition("/")[0], []).append(value)
        return self._afterlife

    def learnt(self, state):
        """A state without those of random generators, which files of models do not hold."""
        return state[: len(self.model.weights) + len(self.model.optimizer.variables)]

    def close(self):
        self._folder.cleanup()


class FreshProcess:
    """A process that has imported Keras and amalthea, and does what a script says to each line."""

    def __init__(self, script):
        self.script, self._process = script, None

    def ask(self, line):
        if self._process is None or self._process.poll() is not None:
            ends = {
                "stdin": subprocess.PIPE,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.STDOUT,
            }
            self._process = subprocess.Popen([sys.executable, "-c", self.script], text=True, **ends)
        print(line, file=self._process.stdin, flush=True)
        said = []
        for answer in self._process.stdout:
            if answer == "done\n":
                return
            said.append(answer)
        raise AssertionError("".join(said))

    def close(self):
        if self._process is not None:
            self._process.communicate()
