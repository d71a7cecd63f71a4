"""Steps of recurrent classifiers beside the same nets in plain Keras and in PyTorch.

Fashion-MNIST row by row, 28 steps of 28 values, ten classes. All have one layer of 128 units, the
same batches, Adam with the same step size and gradients cut to a norm of 1, log loss and accuracy,
and take the series from memory; each runs on one thread in a process of its own.
"""

import functools
import json
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
from report import in_turn, parsed, publish_parts, ratio, run, spread, table, versions

from amalthea import data

HERE = Path(__file__).parent
CELLS = {"lstm": "LSTM", "gru": "GRU", "simple": "simple RNN"}
BATCH, STEPS, EPOCHS = 128, 100, 2


def classifier() -> str:
    """Milliseconds of CPU time a step, epochs without the first, in which TensorFlow traces."""
    rows = []
    series = data.read("rows:fashion_mnist", "train").first(BATCH * options.size(STEPS, 60))
    for cell, title in CELLS.items():
        found = {}
        with tempfile.NamedTemporaryFile(suffix=".npz") as file:
            np.savez(file, x=series.given("series"), y=series.given("label"))
            arguments = [cell, file.name, str(BATCH), str(options.size(EPOCHS, 1))]
            contenders = {
                "recipe": [sys.executable, HERE / "sequences_contenders.py", "recipe"],
                "plain Keras": [sys.executable, HERE / "sequences_contenders.py", "plain"],
            }
            if options.torch:
                contenders["PyTorch"] = [options.torch, HERE / "sequences_torch.py"]

            def measure(command, name, found=found, arguments=arguments):
                found[name] = json.loads(run([*command, *arguments]))
                return [1000 * statistics.median(found[name]["step"])]

            measured = in_turn(
                {who: functools.partial(measure, c, who) for who, c in contenders.items()},
                options.rounds,
            )
        row = [f"{title}, {found['recipe']['parameters']:,} parameters"]
        ours = measured.pop("recipe")
        row.append(spread(ours))
        for theirs in measured.values():
            row += [spread(theirs), ratio(ours, theirs)]
        rows.append(row)
    header = ["cell", "recipe, ms a step", "plain Keras", "recipe to it, paired"]
    return table(header + ([TORCH, "recipe to it, paired"] if options.torch else []), rows)


PARTS = {"classifier": classifier}

if __name__ == "__main__":
    options = parsed(__doc__, PARTS, rounds=5)
    TORCH = versions(options.torch, "torch").get("torch", "")
    publish_parts("sequences", PARTS, options, timed=tuple(PARTS))
