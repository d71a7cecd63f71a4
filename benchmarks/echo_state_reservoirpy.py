"""The same of reservoirpy for echo_state.py; prints JSON."""

import json
import os
import sys
import time

file, units, seed = sys.argv[1:]
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import numpy as np  # noqa: E402
from reservoirpy.nodes import Reservoir, Ridge  # noqa: E402

with np.load(file) as arrays:
    train, test, far, windows = (
        arrays[key].astype("float64") for key in ("train", "test", "far", "windows")
    )
length, ahead = windows.shape[1], far.shape[1]
mean, deviation = train.mean(), train.std()


def standard(series):
    """A series of mean 0 and deviation 1, by those of the values to learn from."""
    return (series.reshape(-1, 1) - mean) / deviation


begin = time.process_time()
reservoir = Reservoir(
    int(units), lr=1.0, sr=0.9, rc_connectivity=0.1, input_scaling=0.5, seed=int(seed)
)
model = reservoir >> Ridge(ridge=1e-8)
series = standard(train)
model.fit(series[:-1], series[1:], warmup=length)
seconds = time.process_time() - begin
known = standard(test)
reservoir.reset()
wrong = (model.run(known[:-1]) - known[1:])[length - 1 :]
scale = known[length:].std()
told = []
for window in windows[:: max(1, len(windows) // 50)]:
    reservoir.reset()
    value = model.run(standard(window))[-1]
    row = [value]
    for _ in range(ahead - 1):
        value = np.ravel(model.step(value))
        row.append(value)
    told.append(np.ravel(row))
true = standard(far[:: max(1, len(windows) // 50)]).reshape(len(told), ahead)
errors = np.sqrt(np.mean((np.array(told) - true) ** 2, axis=0)) / scale
result = {"next": float(np.sqrt(np.mean(wrong**2)) / scale), "seconds": seconds}
print(json.dumps(result | {"far": float(errors[-1]), "all_far": float(errors.mean())}))
