"""Jobs on data that stay on disk: what they make is what they make of data in memory."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from amalthea import jobs
from amalthea.errors import UserError
from amalthea.jobs import evaluation, training

TINY = {"hidden_units": (6,), "latent_dim": 3}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    random = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("pictures")
    for label in ("a", "b"):
        (folder / label).mkdir()
        for number in range(40):
            pixels = random.integers(0, 256, (6, 5), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{number}.png")
    return folder


def train(folder, out, **changes):
    settings = {"out": out, "arguments": TINY, "epochs": 2, "batch_size": 16, "verbose": 0}
    return jobs.train("tied_autoencoder", f"images:{folder}", **settings | changes)


def logged(run):
    return (run.path / "log.csv").read_text()


def test_a_training_from_disk_is_that_from_memory_and_goes_on(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "WATCHED", 5)
    memory = train(folder, tmp_path / "memory", in_memory=True, epochs=3)
    disk = train(folder, tmp_path / "disk", in_memory=False)
    assert disk.settings["in_memory"] is False
    disk = jobs.resume(disk.path, epochs=3, verbose=0)
    assert logged(memory) == logged(disk)
    assert jobs.evaluate(memory.path) == jobs.evaluate(disk.path)


def test_figures_beside_those_of_keras_are_of_a_sample_and_it_is_said(
    folder, tmp_path, monkeypatch
):
    monkeypatch.setattr(evaluation, "MEASURED", 4)
    run = train(folder, tmp_path / "a", in_memory=False, epochs=1)
    jobs.evaluate(run.path, split="train")
    assert json.loads((run.path / "evaluation.json").read_text())["measured"] == 4


def test_a_file_that_changes_is_not_gone_on_with_unsaid(folder, tmp_path):
    own = shutil.copytree(folder, tmp_path / "pictures")
    run = train(own, tmp_path / "a", in_memory=False, epochs=1)
    Image.new("L", (5, 6)).save(own / "a" / "3.png")
    with pytest.raises(UserError, match=r"1 picture is changed \(a/3\.png\)"):
        jobs.resume(run.path, epochs=2, verbose=0)


def test_a_damaged_picture_ends_a_training_in_a_sentence_or_is_left_out(folder, tmp_path):
    own = shutil.copytree(folder, tmp_path / "pictures")
    for file in own.glob("a/*.png"):
        file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(UserError, match=r"pictures: a/\d+\.png is damaged"):
        train(own, tmp_path / "a", in_memory=False)
    with pytest.warns(UserWarning, match=r"skipped \d+ damaged pictures: a/"):
        run = train(own, tmp_path / "b", in_memory=False, skip_damaged=True, epochs=1)
    assert run.settings["skip_damaged"] is True


@pytest.mark.slow
def test_a_search_reads_from_disk_what_it_would_have_in_memory(folder, tmp_path):
    best = []
    for where in (True, False):
        out = tmp_path / str(where)
        run = jobs.tune(
            "tied_autoencoder",
            f"images:{folder}",
            out=out,
            trials=2,
            epochs=1,
            fixed=TINY,
            in_memory=where,
            verbose=0,
        )
        best.append(json.loads((run.path / "best.json").read_text()))
    assert best[0] == best[1]
