"""Small data and quick runs for the tests of jobs."""

import os
import subprocess
import sys

import numpy as np
import pytest

from amalthea.jobs import cli, tuning

TINY = {"hidden_units": (6,), "latent_dim": 3}


@pytest.fixture(scope="session")
def arrays(tmp_path_factory):
    """Data of the user's own: 60 random 6×6 images of 3 classes, as `arrays:FILE.npz`."""
    random = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("arrays") / "tiny.npz"
    images = random.random((60, 6, 6, 1), dtype="float32")
    np.savez(path, images=images, labels=np.arange(60) % 3)
    return f"arrays:{path}"


@pytest.fixture
def no_report(monkeypatch):
    """Searches in this process draw no report, which takes as long as a trial of a small model."""
    monkeypatch.setattr(tuning, "report", lambda out: None)


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs the command line in this process: exit status, stdout, stderr."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["amalthea", *map(str, words)])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        out, err = capsys.readouterr()
        return exit_.value.code, out, err

    return run


@pytest.fixture
def process():
    """Starts the command line in a process of its own."""

    def start(*words, **options):
        environment = os.environ | {"PYTHONUNBUFFERED": "1"}
        return subprocess.Popen(
            [sys.executable, "-m", "amalthea", *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            **options,
        )

    return start
