"""What a search leaves on disk, so that a kill at any moment costs no finished trial."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

from keras_tuner.engine.trial import Trial

from ...errors import UserError
from ..files import replacing
from .scores import score_of


def ended(oracle) -> list:
    """The trials that have ended, in the order in which they were begun."""
    over = set(oracle.end_order)
    return [oracle.trials[name] for name in oracle.start_order if name in over]


def rows_of(oracle) -> list[dict[str, Any]]:
    """A row for each finished trial, in order: its result and its hyperparameters."""
    names = [p.name for p in oracle.hyperparameters.space]
    rows = []
    for trial in ended(oracle):
        score = score_of(trial)
        values = trial.hyperparameters.values
        rows.append(
            {
                "trial": trial.trial_id,
                "status": "failed" if score is None else "completed",
                "score": "" if score is None else score,
                "epoch": "" if score is None else trial.best_step + 1,
                **{name: values.get(name, "") for name in names},
                "reason": reason_of(trial) if score is None else "",
            }
        )
    return rows


def reason_of(trial) -> str:
    """Why a trial failed."""
    lines = (trial.message or "").strip().splitlines()
    return lines[-1] if lines else f"the objective became {trial.score}"


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows to a table of comma-separated values."""
    with replacing(path) as aside, aside.open("w", newline="") as file:
        names = dict.fromkeys(name for row in rows for name in row)
        writer = csv.DictWriter(file, list(names))
        writer.writeheader()
        writer.writerows(rows)


# KerasTuner writes its files in place, so a kill can leave one of them cut. A copy of them, taken
# after each trial and replaced as a whole, is what a search goes on from then.


def _state_files(folder: Path) -> list[Path]:
    trials = folder / "trials"
    return [*trials.glob("*.json"), *trials.glob("trial_*/*.json")]


# What KerasTuner reads of them.
NEEDED = {
    "oracle.json": {"ongoing_trials", "hyperparameters", "start_order", "end_order"},
    "trial.json": {"trial_id", "hyperparameters", "status"},
}


def _state(path: Path) -> dict | None:
    """What a state file holds; None if it is damaged or missing."""
    try:
        state = json.loads(path.read_text())
    except (ValueError, OSError):
        return None
    needed = NEEDED.get(path.name, set())
    return state if isinstance(state, dict) and needed <= state.keys() else None


class Snapshot:
    """The copy of the state of a search; what is of trials that have ended is read once.

    Args:
        folder: The run folder.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._texts: dict[str, str] = {}
        self._settled: set[str] = set()

    def take(self, oracle) -> None:
        """Put all as it is now into `trials.json`."""
        trials = self._folder / "trials"
        names = [name for name in oracle.start_order if name not in self._settled]
        folders = [trials, *(trials / f"trial_{name}" for name in names)]
        for path in (path for folder in folders for path in folder.glob("*.json")):
            self._texts[str(path.relative_to(self._folder))] = path.read_text()
        self._settled.update(set(names) & set(oracle.end_order))
        with replacing(self._folder / "trials.json") as aside:
            aside.write_text(json.dumps(self._texts))


def trials_in(folder: Path) -> list[Trial]:
    """The trials of a search that have ended, as they are on record in the run `folder`."""
    copies = _state(folder / "trials.json") or {}
    states = {
        Path(name).parent.name: json.loads(text)
        for name, text in copies.items()
        if name.endswith("trial.json")
    }
    oracle = json.loads(copies.get("trials/oracle.json", "{}"))
    over = set(oracle.get("end_order", ()))
    names = [name for name in oracle.get("start_order", ()) if name in over]
    return [Trial.from_state(states[f"trial_{name}"]) for name in names]


def restore(folder: Path) -> int:
    """If a state file is damaged, put all back as they were after the last whole trial.

    Returns:
        The number of finished trials.

    Raises:
        UserError: If there is no whole copy to put back.
    """
    saved = folder / "trials.json"
    copies = _state(saved) or {}
    paths = {*_state_files(folder), *(folder / name for name in copies)}
    if any(_state(path) is None for path in paths):
        if not copies:
            raise UserError(
                f"{folder / 'trials'} is damaged, and there is no whole copy, {saved}: "
                "begin anew by --force"
            )
        for name, text in copies.items():
            with replacing(folder / name) as aside:
                aside.write_text(text)
        for path in _state_files(folder):
            if str(path.relative_to(folder)) not in copies:
                path.unlink()
    known = _state(folder / "trials" / "oracle.json") or {}
    for path in (folder / "trials").glob("trial_*"):
        # A trial killed before it was on record would be counted and never run.
        if path.name.removeprefix("trial_") not in known.get("start_order", ()):
            shutil.rmtree(path)
    return len(known.get("end_order", ()))
