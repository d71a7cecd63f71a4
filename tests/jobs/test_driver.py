"""The loop of a search, with workers that make up what they find."""

import io
import itertools
import time

import keras_tuner
import pytest
from keras_tuner.engine.trial import TrialStatus
from rich.console import Console

from amalthea.errors import UserError
from amalthea.jobs.search import Grid
from amalthea.jobs.search.driver import search
from amalthea.jobs.search.progress import Screen
from amalthea.jobs.search.record import ended, rows_of
from amalthea.jobs.search.trial import Job, NoRoom, Outcome

from harness import one_sentence


class Model(keras_tuner.HyperModel):
    def build(self, hp):
        hp.Choice("units", list(range(8)))


class Workers:
    """Do trials in another order than they were begun, and as they are told to."""

    def __init__(self, slots, found):
        self.slots = tuple(str(slot) for slot in range(slots))
        self.found = found
        self.under_way = {}
        self.begun = []

    def begin(self, slot, job, folder, parent):
        assert slot not in self.under_way
        self.under_way[slot] = job.hyperparameters["values"]["units"]
        self.begun.append(self.under_way[slot])

    def wait(self, heard):
        slot = max(self.under_way)
        units = self.under_way.pop(slot)
        heard(slot, 1, "error", 0.5)
        found = self.found(units)
        if isinstance(found, Exception):
            raise found
        return [(slot, found)]


def good(units):
    return Outcome({"error": abs(units - 5.0)}, step=1)


def job_of(trial):
    return Job("none", None, {}, trial.hyperparameters.get_config(), ("error", "min"), 3, 0, 0)


@pytest.fixture
def run(tmp_path):
    """Searches a grid of eight with made-up workers: the tuner, and the workers."""
    count = itertools.count()

    def go(found, slots=1, retries=2, terminal=False, kind=Grid):
        goal = keras_tuner.Objective("error", "min")
        folder = tmp_path / str(next(count))
        tuner = kind(
            Model(), goal, max_trials=8, directory=folder, project_name="a",
            max_consecutive_failed_trials=9, seed=3,
        )  # fmt: skip
        tuner.oracle.verbose = 0
        workers, shown = Workers(slots, found), io.StringIO()
        with Screen(Console(force_terminal=terminal, file=shown, width=80), 8) as screen:
            said = []
            search(
                tuner, job_of, workers, retries=retries, ended=said.append, screen=screen
            )  # fmt: skip
        assert len(said) == len(ended(tuner.oracle))
        return tuner.oracle, workers, shown.getvalue()

    return go


@pytest.mark.parametrize("kind", [Grid, keras_tuner.RandomSearch])
def test_however_many_workers_do_them_the_trials_are_the_same(run, kind):
    found = [rows_of(run(good, slots, kind=kind)[0]) for slots in (1, 3, 20)]
    assert found[0] == found[1] == found[2]
    assert [row["trial"] for row in found[0]] == [str(number) for number in range(8)]


def test_a_trial_whose_process_died_is_done_again_so_many_times(run):
    deaths = {2: 1, 4: 2, 6: 9}

    def found(units):
        deaths[units] = deaths.get(units, 0) - 1
        return good(units) if deaths[units] < 0 else Outcome(reason="its process died", died=True)

    oracle, workers, _ = run(found, slots=2)
    rows = rows_of(oracle)
    assert [row["reason"] for row in rows if row["status"] == "failed"] == [
        "its process died, 3 times"
    ]
    assert [workers.begun.count(units) for units in (1, 2, 4, 6)] == [1, 2, 3, 3]
    deaths.update({2: 1, 4: 0, 6: 0})
    oracle, workers, _ = run(found, retries=0)
    assert workers.begun == list(range(8))
    assert rows_of(oracle)[2]["reason"] == "its process died"


def test_a_trial_that_fails_for_a_reason_of_its_own_is_not_done_again(run):
    def found(units):
        return good(units) if units % 2 else Outcome(reason="the moon is full")

    oracle, workers, _ = run(found)
    assert workers.begun == list(range(8))
    assert {row["reason"] for row in rows_of(oracle)} == {"", "the moon is full"}


@pytest.mark.parametrize(("slots", "tried"), [(1, 3), (5, 5)])
def test_if_the_first_all_fail_alike_the_others_are_left(run, slots, tried):
    with pytest.raises(UserError, match=f"the first {tried} trials all failed, .* full") as error:
        run(lambda units: Outcome(reason="the moon is full"), slots)
    one_sentence(error)
    run(lambda units: Outcome(reason=f"{units} is too many"))
    run(lambda units: Outcome(reason="the objective became nan"))


def test_a_full_disk_ends_the_search(run):
    with pytest.raises(UserError, match="No space left; make room and go on by --resume"):
        run(lambda units: NoRoom("No space left"))


def test_where_none_is_to_be_begun_yet_it_waits_for_those_under_way(run):
    class Patient(Grid.oracle_class):
        def populate_space(self, trial_id):
            if len(self.trials) % 2 == 0 and self.ongoing_trials:
                return {"status": TrialStatus.IDLE}
            return super().populate_space(trial_id)

    kind = type("PatientTuner", (Grid,), {"oracle_class": Patient})
    oracle, *_ = run(good, slots=4, kind=kind)
    assert len(ended(oracle)) == 8


def test_a_terminal_shows_a_line_a_worker_and_nothing_else_does(run):
    def found(units):
        time.sleep(0.4 * (units == 1))  # a terminal is looked at now and then
        return good(units)

    *_, shown = run(found, slots=2, terminal=True)
    assert "trial 1 epoch 1/3 error 0.5" in shown
    assert "8/8" in shown
    assert "0:00:0" in shown  # the time that is left
    *_, shown = run(good, slots=2)
    assert shown == ""


def test_what_others_print_meanwhile_is_not_shown_with_it(capsys):
    shown = io.StringIO()
    with Screen(Console(force_terminal=True, file=shown, width=80), 8):
        print("(raylet) A worker died")
    assert "raylet" not in shown.getvalue()
    assert "raylet" in capsys.readouterr().out
