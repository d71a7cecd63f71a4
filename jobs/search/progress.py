"""How far a search is: a line a worker on a terminal, and none elsewhere."""

import contextlib
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

# Seconds of which it is known how long trials took: all there are.
LONG = 1e9


class Screen:
    """A search as a terminal shows it; a context, outside of which nothing is left of that.

    Args:
        console: The console; shown is nothing unless it is a terminal.
        trials: How many trials there may be.
        done: How many there have been.
    """

    def __init__(self, console: Console, trials: int, done: int = 0):
        self.console = console
        self._lines: dict[str, str] = {}
        self._trials: dict[str, str] = {}
        self._epochs: dict[str, int] = {}
        self._progress = Progress(
            TextColumn("trials"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            speed_estimate_period=LONG,
        )
        self._total = self._progress.add_task("", total=trials, completed=done)
        shown = console.is_terminal and not console.quiet
        live = Live(
            console=console,
            transient=True,
            get_renderable=self._render,
            redirect_stdout=False,  # Ray's own words are not for the terminal
            redirect_stderr=False,
        )
        self._live: Any = live if shown else contextlib.nullcontext()

    def __enter__(self):
        self._live.__enter__()
        return self

    def __exit__(self, *error):
        return self._live.__exit__(*error)

    def _render(self) -> Group:
        room = max(1, self.console.height - 3)
        lines = list(self._lines.values())
        if len(lines) > room:
            lines = [*lines[: room - 1], f"… and {len(lines) - room + 1} more"]
        return Group(*(Text(line, no_wrap=True) for line in lines), self._progress)

    def begin(self, slot: str, trial: str, epochs: int = 0) -> None:
        """Show that a trial has begun."""
        self._trials[slot], self._epochs[slot] = trial, epochs
        self._lines[slot] = f"trial {trial}"

    def heard(self, slot: str, epoch: int, name: str, value: float) -> None:
        """Show how far a trial is."""
        of = f"/{self._epochs[slot]}" if self._epochs[slot] else ""
        self._lines[slot] = f"trial {self._trials[slot]} epoch {epoch}{of} {name} {short(value)}"

    def end(self, slot: str) -> None:
        """Show that a trial has ended."""
        del self._lines[slot]
        self._progress.advance(self._total)

    def say(self, line: str) -> None:
        """Print a line that stays, wherever the search is shown."""
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)


def short(value: Any) -> str:
    """A value in four digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
