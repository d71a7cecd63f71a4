"""Searches whose trials are done by workers of Ray, which die, hang and lie."""

import contextlib
import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import psutil
import pytest

from amalthea import jobs
from amalthea.errors import UserError
from amalthea.jobs.search import task, workers

from harness import one_sentence

HERE = Path(__file__).parent
SMALL = {"hidden_units": (6,), "latent_dim": 3}
needs_ray = pytest.mark.slow
pytestmark = pytest.mark.usefixtures("no_report")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The environment of a process that has the recipe `faulty` as a distribution."""
    site = tmp_path_factory.mktemp("site")
    shutil.copy(HERE / "faulty.py", site)
    metadata = site / "faulty-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: faulty\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[amalthea.recipes]\nfaulty = faulty\n")
    notes = tmp_path_factory.mktemp("notes")
    return {"PYTHONPATH": str(site), "FAULTY_NOTES": str(notes)}


@pytest.fixture
def tune(installed, tmp_path):
    """Starts `amalthea tune` in a process of its own."""
    started = []

    def start(*words, **environment):
        for note in Path(installed["FAULTY_NOTES"]).iterdir():
            note.unlink()
        process = subprocess.Popen(
            [sys.executable, "-m", "amalthea", "tune", *map(str, words)],
            # Processes of Ray that outlive a killed one have it open for a while.
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | installed | environment,
            start_new_session=True,
        )
        started.append(process)
        return process

    with (tmp_path / "stdout").open("w") as stdout:
        yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


def rows(folder):
    with (Path(folder) / "trials.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def ended(folder):
    return len(rows(folder)) if (Path(folder) / "trials.csv").exists() else 0


def wait_for(process, condition, seconds=240):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)


@needs_ray
def test_a_fault_costs_no_trial_but_its_own(tune, tmp_path):
    memory = psutil.virtual_memory().percent / 100 + 0.2
    grid = ["faulty", "--strategy", "grid", "--fix", "batch_size=64", "--fix", "learning_rate=0.01"]
    job = tune(
        *grid, "--epochs", 2, "--workers", 2, "--retries", 1, "--trial-limit", 40, "--out",
        tmp_path / "a",
        RAY_memory_usage_threshold=str(min(memory, 0.95)),
        RAY_memory_monitor_refresh_ms="100",
    )  # fmt: skip
    _, err = job.communicate(timeout=400)
    assert job.returncode == 0, err
    assert "raylet" not in err + (tmp_path / "stdout").read_text()
    found = {row["fault"]: row for row in rows(tmp_path / "a")}
    reasons = {fault: row["reason"] for fault, row in found.items()}
    assert reasons == {
        "none": "",
        "once": "",
        "slow": "",
        "always": "its process died, 2 times",
        "segfault": "its process died, 2 times",
        "raises": "RuntimeError: the moon is full",
        "nan": "the objective became nan",
        "hangs": "it took longer than 40 s",
        "memory": "its process ran out of memory, 2 times",
    }
    assert found["once"]["score"] == found["none"]["score"] == found["slow"]["score"]
    report = (tmp_path / "a" / "report.html").read_text()
    assert all(reason in report for reason in reasons.values())


@pytest.mark.exhaustive
@needs_ray
@pytest.mark.parametrize(("strategy", "workers"), [("random", 1), ("grid", 0)])
def test_killed_and_resumed_with_other_workers_it_finds_what_it_would_have(
    tune, arrays, tmp_path, strategy, workers
):
    words = ["tied_autoencoder", "--data", arrays, "--strategy", strategy, "--trials", 4]
    words += ["--fix", "hidden_units=6", "--fix", "latent_dim=3", "--epochs", 2]
    job = tune(*words, "--workers", 2, "--out", tmp_path / "a")
    wait_for(job, lambda: ended(tmp_path / "a") >= 2)
    os.kill(job.pid, signal.SIGKILL)
    job.communicate()
    before = rows(tmp_path / "a")
    assert len(before) < 4
    resumed = jobs.resume_search(tmp_path / "a", workers=workers, verbose=0)
    whole = jobs.tune(
        "tied_autoencoder", arrays, out=tmp_path / "b", strategy=strategy, trials=4, epochs=2,
        fixed=SMALL, verbose=0,
    )  # fmt: skip
    assert rows(resumed.path) == rows(whole.path)
    assert [row for row in rows(resumed.path) if row in before] == before
    for one, other in zip(
        resumed.load_model().get_weights(), whole.load_model().get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.exhaustive
@needs_ray
@pytest.mark.parametrize(
    ("strategy", "trials"),
    [pytest.param("hyperband", 6, marks=pytest.mark.exhaustive), ("bayesian", 4)],
)
def test_one_worker_searches_as_this_process_does(arrays, tmp_path, strategy, trials):
    found = [
        rows(
            jobs.tune(
                "tied_autoencoder", arrays, out=tmp_path / str(workers), strategy=strategy,
                trials=trials, top=1, epochs=3, fixed=SMALL, workers=workers, verbose=0,
            ).path
        )
        for workers in (0, 1)
    ]  # fmt: skip
    assert found[0] == found[1]
    assert len(found[0]) == trials


@pytest.mark.exhaustive
@needs_ray
def test_arrays_callbacks_and_metrics_of_ones_own_go_to_the_workers(tmp_path):
    import keras

    images = np.random.default_rng(0).random((60, 6, 6, 1), dtype="float32")
    settings = {
        "trials": 2, "epochs": 6, "fixed": SMALL, "verbose": 0, "objective": "min:val_mae",
        "callbacks": [keras.callbacks.EarlyStopping("val_loss", patience=1)],
        "metrics": [keras.metrics.MeanAbsoluteError(name="mae")],
    }  # fmt: skip
    found = [
        rows(
            jobs.tune("tied_autoencoder", images, out=tmp_path / str(n), workers=n, **settings).path
        )
        for n in (0, 1)
    ]
    assert found[0] == found[1]
    with pytest.raises(UserError, match="a search with callbacks EarlyStopping: give them again"):
        jobs.resume_search(tmp_path / "0", images)


@needs_ray
def test_an_interruption_ends_at_once_and_says_how_to_go_on(tune, arrays, tmp_path):
    out = tmp_path / "a"
    job = tune(
        "tied_autoencoder", "--data", arrays, "--epochs", 10**6, "--workers", 2, "--out", out
    )
    wait_for(job, (out / "trials" / "trial_01" / "trial.json").exists)
    time.sleep(1)
    start = time.monotonic()
    os.killpg(job.pid, signal.SIGINT)  # as a terminal does
    _, err = job.communicate(timeout=60)
    assert time.monotonic() - start < 30  # on a machine with nothing else to do: 3
    assert job.returncode == 130
    assert f"`amalthea tune --resume {out} --workers 2`" in one_sentence(err.strip())


@pytest.mark.exhaustive
@needs_ray
def test_a_lost_node_loses_no_trial(tune, installed, tmp_path, monkeypatch):
    from ray._private.authentication_test_utils import reset_auth_token_state
    from ray.cluster_utils import Cluster

    secret = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0" * 64, "RAY_USAGE_STATS_ENABLED": "0"}
    for name, value in {**secret, **installed}.items():
        monkeypatch.setenv(name, value)
    reset_auth_token_state()
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    try:
        nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
        words = ("faulty", "--cluster", cluster.address, "--epochs", 20, "--fix", "fault=none")
        wrong = tune(*words, "--out", tmp_path / "b", RAY_AUTH_TOKEN="1" * 64)
        job = tune(*words, "--trials", 3, "--out", tmp_path / "a")
        with monkeypatch.context() as elsewhere:
            other = task.setting() | {"versions": {"keras": "99"}}
            elsewhere.setattr(workers, "setting", lambda: other)
            with pytest.raises(UserError, match=r"has keras 3\..*, and the search 99") as error:
                jobs.tune("rbm", "digits", cluster=cluster.address, out=tmp_path / "c", epochs=1)
            one_sentence(error)
            assert not (tmp_path / "c").exists()
        wait_for(job, lambda: ended(tmp_path / "a") >= 1)
        cluster.remove_node(nodes[0], allow_graceful=False)
        _, err = job.communicate(timeout=300)
        assert job.returncode == 0, err
        assert [row["status"] for row in rows(tmp_path / "a")] == ["completed"] * 3

        _, err = wrong.communicate(timeout=60)
        assert wrong.returncode == 2
        said = one_sentence(err.strip())
        assert f"Ray on the cluster at {cluster.address} is not to be used" in said
        assert not (tmp_path / "b").exists()
    finally:
        cluster.shutdown()


def test_a_node_that_lacks_something_says_so_before_any_trial(arrays, monkeypatch):
    wanted = {
        "recipe": "tied_autoencoder",
        "fixed": {},
        "source": {
            "data": arrays, "image_size": None, "value_range": None, "sequence_length": None
        },
        "fingerprint": {},
    }  # fmt: skip
    setting = task.setting()
    monkeypatch.setattr(task, "_begin", lambda *_: None)
    assert "is not the data of the search" in task.ready(setting, wanted, 1)
    there = wanted | {"source": wanted["source"] | {"data": "arrays:/nowhere.npz"}}
    assert "/nowhere.npz" in task.ready(setting, there, 1)
    assert "no recipe 'mine'" in task.ready(setting, wanted | {"recipe": "mine"}, 1)
    newer = setting | {"versions": setting["versions"] | {"keras": "99"}}
    assert "has keras 3" in task.ready(newer, wanted, 1)


def test_without_ray_workers_are_one_sentence(arrays, tmp_path, monkeypatch):
    def absent(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(workers, "version", absent)
    with pytest.raises(UserError, match=r"pip install 'amalthea\[ray\]'") as error:
        jobs.tune("tied_autoencoder", arrays, out=tmp_path / "a", workers=2, epochs=1)
    one_sentence(error)
    monkeypatch.setattr(workers, "version", lambda name: "2.59.1")
    with pytest.raises(UserError, match=r"need Ray 2\.60 or newer, got 2\.59\.1"):
        jobs.tune("tied_autoencoder", arrays, out=tmp_path / "a", workers=2, epochs=1)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"workers": -1}, "workers must be a whole number of at least 0, got -1"),
        ({"workers": 2, "cluster": "auto"}, "here or on a cluster, got 2 and auto"),
        ({"trial_limit": 0}, "trial_limit must be above 0 seconds, got 0"),
        ({"retries": 1.5}, "retries must be a whole number of at least 0, got 1.5"),
        ({"gpus_per_trial": 1}, "gpus_per_trial is of workers"),
        ({"gpus_per_trial": 1.5}, "must be a part of one, or whole, got 1.5"),
        ({"cpus_per_trial": 0}, "cpus_per_trial must be a whole number of at least 1, got 0"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(arrays, tmp_path, settings, message):
    with pytest.raises(UserError, match=message) as error:
        jobs.tune("tied_autoencoder", arrays, out=tmp_path / "a", **settings)
    one_sentence(error)
    assert not (tmp_path / "a").exists()


def test_an_interruption_is_noticed_though_its_exception_be_lost():
    before = signal.getsignal(signal.SIGINT)
    with workers._noticed() as noted:
        assert noted == []
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert noted == [signal.SIGINT]
    assert signal.getsignal(signal.SIGINT) is before
