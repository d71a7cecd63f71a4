"""Steps of a recurrent classifier for sequences.py, by the recipe or in plain Keras; JSON."""

import json
import os
import sys
import time

who, cell, file, batch, epochs = sys.argv[1:]
os.environ |= {"OMP_NUM_THREADS": "1"}

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from clock import Clock  # noqa: E402

from amalthea import recipes  # noqa: E402

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
LAYERS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "simple": keras.layers.SimpleRNN}


def plain():
    """The same network by hand, as one would write it with Keras alone."""
    model = keras.Sequential([keras.Input((28, 28)), LAYERS[cell](128), keras.layers.Dense(10)])
    model.compile(
        keras.optimizers.Adam(1e-3, global_clipnorm=1.0),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


with np.load(file) as arrays:
    x, y = arrays["x"], arrays["y"]
model = recipes.recurrent_classifier(cell=cell) if who == "recipe" else plain()
clock = Clock(time.process_time)
fit = {"batch_size": int(batch), "epochs": int(epochs) + 1, "verbose": 0, "callbacks": [clock]}
model.fit(x, y, **fit)
steps = len(x) // int(batch)
step = [seconds / steps for seconds in clock.seconds[1:]]
print(json.dumps({"step": step, "parameters": model.count_params()}))
