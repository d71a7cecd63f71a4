"""The echo state network beside reservoirpy's, on the series of Mackey and Glass.

Both have 1,000 units, a spectral radius of 0.9, a tenth of the recurrent weights and a ridge of
1e-8, learn from the same values to tell the next one, and go on by themselves from the same
windows; each runs on one thread in a process of its own, several times with other weights.
"""

import functools
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from report import in_turn, parsed, publish_parts, ratio, run, spread, table, versions

from amalthea import data

HERE = Path(__file__).parent
WINDOW, AHEAD, UNITS = 168, 84, 1000


def forecasts() -> str:
    """Seconds of CPU time to learn, and errors relative to the deviation of the series."""
    train, test = (data.read("mackey_glass", split, horizon=1) for split in ("train", "test"))
    far = data.read("mackey_glass", "test", horizon=AHEAD)

    def whole(examples):
        """The series that windows, each a step after the one before, were cut from."""
        windows = examples.columns["series"][..., 0]
        return np.concatenate([windows[0], windows[1:, -1], examples.columns["targets"][-1]])

    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        np.savez(
            file, train=whole(train), test=whole(test), far=far.columns["targets"],
            windows=far.columns["series"],
        )  # fmt: skip
        words = [file.name, str(options.size(UNITS, 100))]
        contenders = {"recipe": [sys.executable, HERE / "echo_state_contenders.py"]}
        if options.reservoirpy:
            contenders[PEER] = [options.reservoirpy, HERE / "echo_state_reservoirpy.py"]
        found = {who: [] for who in contenders}

        def measure(command, who):
            found[who].append(json.loads(run([*command, *words, str(len(found[who]))])))
            return [found[who][-1]["seconds"]]

        measured = in_turn(
            {who: functools.partial(measure, c, who) for who, c in contenders.items()},
            options.rounds,
        )
    rows = []
    for who, seconds in measured.items():
        errors = [
            spread([each[key] for each in found[who]], 2) for key in ("next", "far", "all_far")
        ]
        rows.append([who, spread(seconds), ratio(seconds, measured[list(measured)[-1]]), *errors])
    known = whole(test)
    last = np.sqrt(np.mean(np.diff(known)[WINDOW - 1 :] ** 2)) / known[WINDOW:].std()
    rows.append(["the last value again", "", "", f"{last:.2g}", "", ""])
    header = ["by", "CPU s to learn", f"of {PEER or 'its own'}, paired", "next value"]
    return table([*header, f"{AHEAD} steps ahead, by itself", f"the mean of all {AHEAD}"], rows)


PARTS = {"forecasts": forecasts}

if __name__ == "__main__":
    options = parsed(__doc__, PARTS, rounds=5, peer="reservoirpy")
    PEER = versions(options.reservoirpy, "reservoirpy").get("reservoirpy", "")
    publish_parts("echo_state", PARTS, options, timed=("forecasts",))
