"""Trainings on several devices: the same steps, in processes that have as many of them."""

import csv
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from amalthea import jobs
from amalthea.errors import UserError
from amalthea.jobs.devices import prepare_devices

BACKEND = keras.backend.backend()
tensorflow = pytest.mark.tensorflow


def command(*words):
    """What a process with two devices of JAX, or of TensorFlow if asked for, prints."""
    flags = "--xla_force_host_platform_device_count=2"
    done = subprocess.run(
        [sys.executable, "-m", "amalthea", *map(str, words)],
        capture_output=True,
        text=True,
        env=os.environ | {"XLA_FLAGS": flags, "KERAS_BACKEND": BACKEND},
    )
    return done.stdout if done.returncode == 0 else done.stderr


def logged(folder):
    with (folder / "log.csv").open(newline="") as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


@pytest.mark.slow
@pytest.mark.jax
def test_two_devices_take_the_steps_of_one_and_go_on_alone(arrays, tmp_path):
    words = ["train", "tied_autoencoder", "--data", arrays, "--hidden-units", "6"]
    words += ["--latent-dim", "3", "--batch-size", "16", "--out"]
    for devices in (1, 2):
        said = command(*words, tmp_path / str(devices), "--epochs", 2, "--devices", devices)
        assert "trained:" in said, said
        assert ("on 2 devices" in said) == (devices == 2)
    one, two = (logged(tmp_path / str(devices)) for devices in (1, 2))
    assert len(one) == len(two) == 2
    for a, b in zip(one, two, strict=True):
        assert a == pytest.approx(b, rel=1e-4)
    said = command("train", "--resume", tmp_path / "2", "--epochs", 3)
    assert "on 2 devices" in said
    said = command("train", "--resume", tmp_path / "2", "--epochs", 4, "--devices", 1)
    assert "1 device instead of 2 from epoch 4 on" in said
    said = command("train", "--resume", tmp_path / "1", "--epochs", 4)
    for a, b in zip(logged(tmp_path / "1"), logged(tmp_path / "2"), strict=True):
        assert a == pytest.approx(b, rel=1e-3)
    assert "mean_squared_error" in command("evaluate", tmp_path / "2")


@tensorflow
@pytest.mark.parametrize(
    ("devices", "sentence"),
    [
        (10**6, r"there are \d+ (processors|devices) to train on, got devices=1000000"),
        (0, r"devices must be a whole number of at least 1, or 'all', got 0"),
        ("two", "devices must be a whole number"),
        (True, "devices must be a whole number"),
    ],
)
def test_devices_that_are_not_there_are_one_sentence(arrays, tmp_path, devices, sentence):
    with pytest.raises(UserError, match=sentence):
        jobs.train("tied_autoencoder", arrays, out=tmp_path / "a", devices=devices)
    assert not (tmp_path / "a").exists()


@tensorflow
def test_processors_cannot_become_devices_once_tensorflow_has_begun(arrays, tmp_path):
    np.asarray(keras.ops.ones(1))
    if keras.distribution.list_devices("gpu") or len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs two processors, and no GPU")
    with pytest.raises(UserError, match="TensorFlow has begun with 1 device"):
        jobs.train("tied_autoencoder", arrays, out=tmp_path / "a", devices=2)
    assert not (tmp_path / "a").exists()


@tensorflow
def test_all_is_one_where_there_is_no_gpu():
    assert prepare_devices("all") == max(1, len(keras.distribution.list_devices("gpu")))
    assert prepare_devices(None) == 1
