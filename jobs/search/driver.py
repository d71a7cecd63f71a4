"""The loop of a search: an oracle proposes, workers do the trials, and the oracle is told."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from keras_tuner.engine.trial import TrialStatus

from ...errors import UserError
from .progress import Screen
from .trial import DIVERGED, WEIGHTS, Job, NoRoom, Outcome
from .workers import Workers

# As many trials at the least are tried before a search ends since all of them fail alike.
FIRST = 3


def search(
    tuner: Any,
    job_of: Callable[[Any], Job],
    workers: Workers,
    *,
    retries: int,
    ended: Callable[[Any], None],
    screen: Screen,
) -> None:
    """Do trials until the oracle of a tuner proposes no more.

    A trial whose process has died is done again; one that fails for a reason of its own is not, as
    it would fail again.

    Args:
        tuner: KerasTuner's tuner, of which the oracle and the folder are used.
        job_of: What a trial of the oracle is asked for.
        workers: Who does the trials.
        retries: How often a trial is done again.
        ended: Called with each trial after it is on record.
        screen: Where it is shown how far the trials are.

    Raises:
        UserError: If the first trials all fail for the same reason, or the disk is full.
    """
    oracle = tuner.oracle
    # A trial that ended in the moment of a kill is in the queue of those that are done again, too.
    oracle._retry_queue = [name for name in oracle._retry_queue if name not in oracle.end_order]
    tuner.save()  # else what follows would not be read when the search is resumed
    try:
        _search(tuner, job_of, workers, retries, ended, screen)
    except (NoRoom, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{tuner.directory}: {reason}; make room and go on by --resume") from error


def _search(tuner, job_of, workers, retries, ended, screen) -> None:
    oracle = tuner.oracle
    under_way: dict[str, Any] = {}
    attempts: Counter[str] = Counter()
    hopeful: set[str] = set()  # slots whose trial has come through an epoch

    def begin(slot: str) -> None:
        trial = under_way[slot]
        attempts[trial.trial_id] += 1
        job = job_of(trial)
        parent = trial.hyperparameters.values.get("tuner/trial_id")
        weights = None if parent is None else folder_of(tuner, parent) / WEIGHTS
        workers.begin(slot, job, folder_of(tuner, trial.trial_id), weights)
        screen.begin(slot, trial.trial_id, job.epochs)

    def heard(slot: str, epoch: int, name: str, value: float) -> None:
        hopeful.add(slot)
        screen.heard(slot, epoch, name, value)

    while True:
        for slot in workers.slots:
            if slot in under_way:
                continue
            trial = oracle.create_trial(slot)
            if trial.status != TrialStatus.RUNNING:
                break  # none is left, or one under way decides which is next
            under_way[slot] = trial
            begin(slot)
        if not under_way:
            return
        for slot, outcome in workers.wait(heard):
            trial = under_way[slot]
            hopeful.discard(slot)
            if outcome.died and attempts[trial.trial_id] <= retries:
                begin(slot)
                continue
            del under_way[slot]
            screen.end(slot)
            if outcome.died and (times := attempts[trial.trial_id]) > 1:
                outcome = replace(outcome, reason=f"{outcome.reason}, {times} times")
            record(oracle, trial, outcome)
            ended(oracle.get_trial(trial.trial_id))
        if not hopeful:
            _check_not_all_alike(oracle, max(FIRST, len(workers.slots)))


def folder_of(tuner: Any, trial_id: str) -> Path:
    """The folder of a trial."""
    return Path(tuner.get_trial_dir(trial_id))


def record(oracle: Any, trial: Any, outcome: Outcome) -> None:
    """Tell an oracle what came of a trial."""
    if outcome.reason:
        trial.status, trial.message = TrialStatus.FAILED, outcome.reason
    else:
        # What a killed process may have told before is not of this attempt.
        trial.metrics = type(trial.metrics)()
        oracle.update_trial(trial.trial_id, dict(outcome.metrics), step=outcome.step)
        trial.status = TrialStatus.COMPLETED
    oracle.end_trial(trial)
    oracle.save()  # the state before still has the trial under way


def _check_not_all_alike(oracle: Any, count: int) -> None:
    """Raise `UserError` if all trials so far have failed for a reason that others have, too."""
    trials = [oracle.trials[name] for name in oracle.end_order]
    reasons = {trial.message if trial.status == TrialStatus.FAILED else None for trial in trials}
    if len(trials) < count or len(reasons) > 1:
        return
    reason = reasons.pop()
    if reason and not reason.startswith(DIVERGED):
        raise UserError(
            f"the first {len(trials)} trials all failed, so that no more were tried: {reason}"
        )
