"""What every benchmark needs: contenders run in turn, and a section of README.md."""

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

README = Path(__file__).with_name("README.md")


class Options(argparse.Namespace):
    """What the command line of a benchmark of several parts says."""

    def size(self, full, quick):
        """A size of the full run, or of the quick one."""
        return quick if self.fast else full


def parsed(description: str, parts: Collection[str], rounds: int, peer: str = "torch") -> Options:
    """Read the command line.

    Args:
        description: What the benchmark does.
        parts: Names of its parts, all of which run unless some are named.
        rounds: How often contenders are timed in turn if it does not say.
        peer: What the peers are written in, of which an option names a Python.

    Returns:
        What is said, with the load of the machine before there is any of our own, as `load`.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(f"--{peer}", help=f"a Python with {peer}, for the peers; none otherwise")
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--only", nargs="+", choices=parts, default=list(parts), metavar="PART")
    parser.add_argument("--fast", action="store_true", help="a quick pass that changes nothing")
    return parser.parse_args(namespace=Options(load=os.getloadavg()[0]))


def publish_parts(
    benchmark: str,
    parts: Mapping[str, Callable[[], str]],
    options: Options,
    *,
    timed: Collection[str],
    distributions: Sequence[str] = ("amalthea", "keras", "tensorflow", "numpy"),
    beside: str = "",
) -> None:
    """Run parts of a benchmark, and put what each gives into README.md, or print it if quick.

    Args:
        benchmark: With which the names of the sections begin.
        parts: Name to function that gives the text of its section.
        options: Which parts run, and how.
        timed: Names of the parts that time something.
        distributions: Whose versions are told.
        beside: What else is told of the versions.
    """
    for part in options.only:
        result = parts[part]()
        text = machine(*distributions) + beside
        if part in timed:
            text += f"; {options.rounds} rounds, begun at a load of {options.load:.1f}"
        text = f"{text}.\n\n{result}"
        if options.fast:
            print(f"\n{text}\n")
        else:
            publish(f"{benchmark}-{part}", text)


def in_turn(contenders: Mapping[str, Callable[[], list[float]]], rounds: int):
    """Measure all contenders once in each round, so that a noisy minute hits all alike.

    Args:
        contenders: Name to a function that gives one or more measurements.
        rounds: How often each runs.

    Returns:
        Name to the measurements of all rounds.
    """
    measured = {name: [] for name in contenders}
    for turn in range(rounds):
        for name, measure in contenders.items():
            measured[name] += measure()
            print(f"round {turn + 1}/{rounds}  {name}  {measured[name][-1]:.4g}", flush=True)
    return measured


def ratio(ours: list[float], peer: list[float]) -> str:
    """Median of the ratios of measurements taken one after the other: noise hits both alike."""
    return f"{statistics.median(a / b for a, b in zip(ours, peer, strict=True)):.2f}"


def machine(*distributions: str) -> str:
    """One sentence: processor, cores, versions, date."""
    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        names = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
        model = names[0] if names else model
    versions = ", ".join(f"{name} {version(name)}" for name in distributions)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{model}, {cores} cores; Python {platform.python_version()}, {versions}; {date.today()}"


def spread(values: list[float], digits: int = 3) -> str:
    """Median and range of measurements: `1.2 (1.1 to 1.4)`."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}g} ({low:.{digits}g} to {high:.{digits}g})"


def table(header: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def publish(section: str, text: str) -> None:
    """Print `text`, and put it in README.md between the markers of `section`."""
    print(f"\n{text}\n")
    begin, end = f"<!-- {section} -->", f"<!-- end of {section} -->"
    before, found, rest = README.read_text().partition(begin)
    if not found:
        raise SystemExit(f"{README} has no line {begin}")
    README.write_text(f"{before}{begin}\n{text}\n{end}{rest.partition(end)[2]}")


def run(command: list) -> str:
    """The last line that a process prints."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout.strip().splitlines()[-1]


def versions(python: str | None, *distributions: str) -> dict[str, str]:
    """Name and version, by name, of what another Python has; empty if there is none."""
    if python is None:
        return {}
    code = "import json, sys; from importlib.metadata import version; "
    code += "print(json.dumps({name: f'{name} {version(name)}' for name in sys.argv[1:]}))"
    return json.loads(run([python, "-c", code, *distributions]))


def peak_memory() -> float:
    """MiB that this process had at most: on Linux, where `getrusage` begins at its parent's."""
    return int(re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[1]) / 1024
