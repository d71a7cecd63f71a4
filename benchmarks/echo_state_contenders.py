"""What echo_state.py measures of the recipe; prints JSON."""

import json
import os
import sys
import time

file, units, seed = sys.argv[1:]
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from amalthea import recipes  # noqa: E402

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
with np.load(file) as arrays:
    train, test, far, windows = (arrays[key] for key in ("train", "test", "far", "windows"))
length, ahead = windows.shape[1], far.shape[1]


def cut(series):
    """Windows with the value after each."""
    both = np.lib.stride_tricks.sliding_window_view(series, length + 1)
    return both[:, :-1, None], both[:, -1:]


begin = time.process_time()
moments = {"means": (float(train.mean()),), "deviations": (float(train.std()),)}
model = recipes.echo_state(1, 1, **moments, units=int(units), seed=int(seed))
model.fit(*cut(train), batch_size=256, verbose=0)
seconds = time.process_time() - begin
x, y = cut(test)
wrong = model.predict(x, batch_size=256, verbose=0) - y
go_on = recipes.get_recipe("echo_state").endpoints["continue"].bind(model, n=ahead)
told = go_on.predict({"series": windows}, batch_size=256, verbose=0)["continued"][..., 0]
errors = np.sqrt(np.mean((told - far) ** 2, axis=0)) / y.std()
result = {"next": float(np.sqrt(np.mean(wrong**2)) / y.std()), "seconds": seconds}
print(json.dumps(result | {"far": float(errors[-1]), "all_far": float(errors.mean())}))
