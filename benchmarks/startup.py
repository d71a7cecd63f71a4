"""How long `import amalthea` and the commands that need no TensorFlow take, in fresh processes."""

import statistics
import subprocess
import sys
import time
from pathlib import Path

from report import in_turn, machine, publish, spread, table

ROUNDS = 11
COMMAND = str(Path(sys.executable).with_name("amalthea"))
IMPORT = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def importing(module: str):
    """Seconds that an import takes in a process of its own, the interpreter's start not counted."""

    def measure() -> list[float]:
        command = [sys.executable, "-c", IMPORT.format(module)]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return [float(printed.split()[-1])]

    return measure


def running(*command: str):
    """Seconds that a whole process takes."""

    def measure() -> list[float]:
        begin = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True)
        return [time.perf_counter() - begin]

    return measure


contenders = {
    "`import amalthea`": importing("amalthea"),
    "`import keras`, for comparison": importing("keras"),
    "`python -c pass`, for comparison": running(sys.executable, "-c", "pass"),
    "`amalthea --help`": running(COMMAND, "--help"),
    "`amalthea list`": running(COMMAND, "list"),
    "`amalthea describe lenet5`": running(COMMAND, "describe", "lenet5"),
    "`amalthea train lenet5 --help`": running(COMMAND, "train", "lenet5", "--help"),
}
measured = in_turn(contenders, ROUNDS)
keras = statistics.median(measured["`import keras`, for comparison"])
rows = [
    [name, spread(seconds, 2), f"{statistics.median(seconds) / keras:.2f}"]
    for name, seconds in measured.items()
]
publish(
    "startup",
    f"{machine('amalthea', 'keras', 'tensorflow')}; {ROUNDS} rounds.\n\n"
    + table(["what", "seconds: median (range)", "of `import keras`"], rows),
)
