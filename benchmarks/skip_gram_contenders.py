"""Vectors of words for skip_gram.py, by the recipe; prints JSON."""

import json
import os
import statistics
import sys
import time

given, out, cbow, epochs, seed = sys.argv[1:]
os.environ |= {"OMP_NUM_THREADS": "1"}

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from clock import Clock  # noqa: E402

from amalthea import recipes  # noqa: E402

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
with np.load(given) as arrays:
    rows = arrays["rows"]
    words = {name: tuple(arrays[name].tolist()) for name in ("vocabulary", "counts")}
entry = recipes.get_recipe("skip_gram")
rate = 0.05 if int(cbow) else 0.025
model = recipes.skip_gram(
    **words, cbow=bool(int(cbow)), learning_rate=rate * entry.batch_size, seed=int(seed)
)
clock = Clock(time.process_time)
model.fit(
    rows,
    batch_size=entry.batch_size,
    epochs=int(epochs),
    verbose=0,
    callbacks=[entry.schedule(model.origin.arguments), clock],
)
np.save(out, np.asarray(model.get_layer("embedding").embeddings))
# In the first epoch TensorFlow traces the step.
print(json.dumps({"seconds": statistics.median(clock.seconds[1:])}))
