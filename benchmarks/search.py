"""How good searches are, how long a proposal takes, and what workers are worth.

    python benchmarks/search.py [--torch PYTHON] [--fast] [--rounds N] [--only PART ...]

The objectives of the first two parts are synthetic (`search_objectives.py`), so that no training
hides what a search does. Optuna's samplers, one of which needs PyTorch, are among the contenders
where `--torch` names a Python that has both.
"""

import contextlib
import csv
import functools
import io
import itertools
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import keras_tuner
from report import in_turn, parsed, publish_parts, ratio, run, spread, table, versions
from rich.console import Console
from search_contenders import CONTENDERS, made, space, tell
from search_objectives import OBJECTIVES, found

from amalthea.jobs.search import BayesianOracle
from amalthea.jobs.search.driver import search
from amalthea.jobs.search.progress import Screen
from amalthea.jobs.search.record import Snapshot, rows_of, write_rows
from amalthea.jobs.search.trial import Job, Outcome

# The first of the seeds: smaller ones were looked at while the oracle was written.
SEEDS = 100
OPTUNA = (
    "Optuna's TPE",
    "Optuna's GP sampler",
    "Optuna's GP sampler, told 0.3 of what failed",
)


def regret() -> str:
    """By how much the true error of what looked best lies above the least there is."""
    budgets, seeds = size((20, 40, 60), (10, 12)), range(SEEDS, SEEDS + size(10, 1))
    samplers = OPTUNA if options.torch else []
    names = [*CONTENDERS, *samplers]
    tasks = [
        (options.torch, c, o, s, budgets[-1]) for s in seeds for o in OBJECTIVES for c in names
    ]
    # One thread each: several processes are faster than the threads of small matrices.
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        results = {}
        for number, (task, result) in enumerate(
            zip(tasks, pool.map(_found, tasks), strict=True), start=1
        ):
            results[task[1:4]] = result
            if task[1] == names[-1]:
                print(f"{number}/{len(tasks)}", flush=True)
    rows = []
    for contender in names:
        row = [contender]
        for objective, (_, least) in OBJECTIVES.items():
            ours = [results[contender, objective, seed] for seed in seeds]
            medians = [
                statistics.median(errors[budget - 1] - least for errors, _ in ours)
                for budget in budgets
            ]
            failed = statistics.mean(failed for _, failed in ours)
            row += [" ".join(f"{at:.4f}" for at in medians), f"{failed:.1f}"]
        rows.append(row)
    header = ["by"]
    for objective in OBJECTIVES:
        header += [f"`{objective}`: regret after {', '.join(map(str, budgets))}", "failed"]
    return f"Medians of {len(seeds)} seeds.\n\n" + table(header, rows)


def _found(task) -> tuple[list[float], int]:
    python, contender, *rest = task
    if contender in CONTENDERS:
        return found(CONTENDERS[contender], *rest)
    script = Path(__file__).with_name("search_optuna.py")
    return json.loads(run([python, script, contender, *map(str, rest)]))


def proposals() -> str:
    """How long a proposal takes, by the number of trials there have been."""
    counts = size((50, 100, 200, 300), (12,))
    contenders = {
        "amalthea's `bayesian`": BayesianOracle,
        "KerasTuner's Bayesian optimization": keras_tuner.oracles.BayesianOptimizationOracle,
    }
    objective, _ = OBJECTIVES["many"]
    rows = []
    for name, kind in contenders.items():
        row = [name]
        with tempfile.TemporaryDirectory() as folder:
            filled = made(
                keras_tuner.oracles.RandomSearchOracle, folder, space(objective), 1, max_trials=999
            )
            oracle = made(kind, Path(folder) / "own", space(objective), 1, max_trials=9999)
            for count in counts:
                while len(oracle.end_order) < count:
                    values = filled.create_trial(str(len(filled.trials))).hyperparameters.values
                    draw = oracle.populate_space
                    oracle.populate_space = lambda _, v=values: {"status": "RUNNING", "values": v}
                    trial = oracle.create_trial("filler")
                    oracle.populate_space = draw
                    tell(oracle, trial, objective(trial.hyperparameters))
                row.append(spread([_seconds(oracle, 1, turn) for turn in range(options.rounds)]))
            if kind is BayesianOracle:
                row.append(spread([_seconds(oracle, size(100, 5), turn) for turn in range(3)]))
            else:
                row.append("–")
        rows.append(row)
    header = ["by", *(f"after {count} trials, s" for count in counts), "100 at once, s"]
    return table(header, rows)


def _seconds(oracle, count: int, turn: int) -> float:
    """How long it takes to propose for so many workers that wait, nothing being known yet."""
    oracle._known = None
    before = dict(oracle.trials), list(oracle.start_order), dict(oracle.ongoing_trials)
    start = time.perf_counter()
    for number in range(count):
        oracle.create_trial(f"{turn} {number}")
    seconds = time.perf_counter() - start
    oracle.trials, oracle.start_order, oracle.ongoing_trials = before
    return seconds


def overhead() -> str:
    """What a trial costs beside its training: to propose, to record, to print, to write."""
    counts = size((20, 100, 300), (5,))
    objective, _ = OBJECTIVES["many"]
    seconds: list[float] = []

    class Instant:
        """Workers whose trials take no time; what is measured is from one to the next."""

        slots = ("0",)

        def begin(self, slot, job, folder, parent):
            folder.mkdir(exist_ok=True)
            self.values = job.hyperparameters["values"]
            seconds.append(time.perf_counter())

        def wait(self, heard):
            hp = space(objective)
            hp.values = dict(self.values)
            error = objective(hp)
            return [
                ("0", Outcome(reason="diverged") if error is None else Outcome({"error": error}))
            ]

    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        with contextlib.redirect_stdout(io.StringIO()) as shown:
            tuner = keras_tuner.RandomSearch(
                _Declared(objective), keras_tuner.Objective("error", "min"),
                max_trials=counts[-1] + 1, directory=folder, project_name="trials", seed=1,
                max_consecutive_failed_trials=999,
            )  # fmt: skip
            tuner.oracle.verbose, snapshot = 0, Snapshot(folder)

            def ended(trial) -> None:
                snapshot.take(tuner.oracle)
                write_rows(folder / "trials.csv", rows_of(tuner.oracle))
                screen.say(f"trial {trial.trial_id} {trial.hyperparameters.values}")

            def job_of(trial) -> Job:
                config = trial.hyperparameters.get_config()
                return Job("none", None, {}, config, ("error", "min"), 1, 0, 0)

            console = Console(file=shown, force_terminal=True)
            with Screen(console, counts[-1]) as screen:
                search(tuner, job_of, Instant(), retries=0, ended=ended, screen=screen)
    took = [1000 * (after - before) for before, after in itertools.pairwise(seconds)]
    rows = [[str(count), spread(took[max(0, count - 10) : count])] for count in counts]
    return table(["trials", "ms a trial, of the last ten: median (range)"], rows)


class _Declared(keras_tuner.HyperModel):
    """The space of an objective."""

    def __init__(self, objective):
        super().__init__()
        self.objective = objective

    def build(self, hp):
        self.objective(hp)


def speed() -> str:
    """Trials an hour with no worker, one and two, of one thread each."""
    trials, epochs = size((4, 250), (2, 1))
    measured = in_turn(
        {
            name: functools.partial(_searched, trials, epochs, *words)
            for name, words in {
                "this process": (),
                "one worker": ("--workers", "1"),
                "two workers": ("--workers", "2"),
            }.items()
        },
        options.rounds,
    )
    seconds = {name: values[0::2] for name, values in measured.items()}
    first = {name: values[1::2] for name, values in measured.items()}
    rows = [
        [
            name,
            f"{3600 * trials / statistics.median(of):.0f}",
            ratio(seconds["this process"], of),
            f"{statistics.median(of) / trials:.1f}",
            spread(first[name]),
        ]
        for name, of in seconds.items()
    ]
    header = ["by", "trials an hour", "of this process, paired", "s a trial", "s to the first one"]
    return table(header, rows)


def _searched(trials: int, epochs: int, *words: str) -> list[float]:
    """Seconds of a search from its first trial's begin on, and those before that."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = [
            *(sys.executable, "-m", "amalthea", "tune", "variational_autoencoder"),
            *("--data", "digits", "--trials", trials, "--epochs", epochs, "--fix", "batch_size=64"),
            *("--top", 1, "--cpus-per-trial", 1, "--out", out, *words),
        ]
        start = time.perf_counter()
        process = subprocess.Popen(
            list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        begun = None
        while process.poll() is None:
            if begun is None and any(out.glob("trials/trial_*/trial.json")):
                begun = time.perf_counter()
            time.sleep(0.02)
        assert process.returncode == 0, command
        ended = max(path.stat().st_mtime for path in out.glob("trials/trial_*/trial.json"))
        seconds = ended - (time.time() - (time.perf_counter() - begun))
        with (out / "trials.csv").open(newline="") as file:
            assert all(row["status"] == "completed" for row in csv.DictReader(file))
        return [seconds, begun - start]


PARTS = {"regret": regret, "proposals": proposals, "overhead": overhead, "speed": speed}

if __name__ == "__main__":
    options = parsed(__doc__, PARTS, rounds=3)
    size = options.size
    with contextlib.redirect_stderr(io.StringIO() if options.fast else sys.stderr):
        publish_parts(
            "search",
            PARTS,
            options,
            timed=("proposals", "overhead", "speed"),
            distributions=("amalthea", "keras-tuner", "scikit-learn", "scipy"),
            beside="".join(f", {name}" for name in versions(options.torch, "optuna").values()),
        )
