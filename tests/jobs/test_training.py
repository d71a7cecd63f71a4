import contextlib
import functools
import json
import resource
import shutil
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from amalthea import jobs
from amalthea.errors import UserError

from harness import one_sentence

TINY = {"hidden_units": (6,), "latent_dim": 3}


def train(arrays, out, **changes):
    settings = {"out": out, "arguments": TINY, "epochs": 2, "verbose": 0} | changes
    return jobs.train("tied_autoencoder", arrays, **settings)


def state(run):
    model = run.load_model()
    return [np.asarray(v.value) for v in (*model.variables, *model.optimizer.variables)]


@pytest.fixture(scope="module")
def trained(arrays, tmp_path_factory):
    """A training of two epochs, from the seed 3."""
    return train(arrays, tmp_path_factory.mktemp("trained") / "a", seed=3, batch_size=16)


@pytest.fixture
def run(trained, tmp_path):
    """A copy of it."""
    shutil.copytree(trained.path, tmp_path / "a")
    return jobs.Run.open(tmp_path / "a")


def test_a_run_folder_holds_what_the_job_did(run):
    names = {path.name for path in run.path.iterdir() if path.name != ".lock"}
    assert names == {"run.json", "log.csv", "backup", "model.keras", "samples", "curves.png"}
    settings = json.loads((run.path / "run.json").read_text())
    assert settings["recipe"] == "tied_autoencoder"
    assert settings["arguments"]["hidden_units"] == [6]
    assert settings["arguments"]["image_shape"] == [6, 6, 1]
    assert settings["seed"] == 3
    assert {"amalthea", "keras", "tensorflow", "python"} <= settings["versions"].keys()
    assert len((run.path / "log.csv").read_text().splitlines()) == 3
    assert len(list((run.path / "samples").iterdir())) == 2


def test_plain_fit_gives_the_model_that_the_job_gives(arrays, run):
    from amalthea import data
    from amalthea.recipes import tied_autoencoder

    model = tied_autoencoder((6, 6, 1), **TINY, seed=3)
    model.fit(data.load(arrays, "train", 16, seed=3), epochs=2, shuffle=False, verbose=0)
    for a, b in zip(run.load_model().get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_number_of_classes_comes_from_the_data(tmp_path, arrays):
    run = jobs.train("lenet5", arrays, out=tmp_path / "a", image_size=12, epochs=1, verbose=0)
    assert run.load_model().output_shape == (None, 3)


def test_a_finished_run_goes_on_for_more_epochs_as_if_it_had_never_stopped(arrays, run, tmp_path):
    whole = train(arrays, tmp_path / "whole", seed=3, batch_size=16, epochs=4)
    cut = jobs.resume(run.path, epochs=4, verbose=0)
    assert (whole.path / "log.csv").read_text() == (cut.path / "log.csv").read_text()
    for a, b in zip(state(whole), state(cut), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(UserError, match="at least 4"):
        jobs.resume(cut.path, epochs=3)


@pytest.mark.slow
@pytest.mark.parametrize("kills", [1, pytest.param(4, marks=pytest.mark.exhaustive)])
def test_killed_and_resumed_equals_never_killed(process, arrays, tmp_path, kills):
    epochs = 40
    words = [
        word for name, value in TINY.items() for word in (f"--{name.replace('_', '-')}", value)
    ]
    words = [value[0] if isinstance(value, tuple) else value for value in words]
    words = ["train", "tied_autoencoder", "--data", arrays, "--epochs", epochs, *words]
    whole = train(arrays, tmp_path / "whole", epochs=epochs)

    log = tmp_path / "cut" / "log.csv"
    job = process(*words, "--out", tmp_path / "cut")
    for kill in range(kills):
        target = epochs * (kill + 1) // (kills + 2)
        while job.poll() is None and not (log.exists() and log.read_text().count("\n") > target):
            time.sleep(0.003)
        assert job.poll() is None, job.communicate()
        job.kill()
        job.communicate()
        assert job.returncode == -signal.SIGKILL
        job = process("train", "--resume", tmp_path / "cut")
    _, err = job.communicate()
    assert job.returncode == 0, err

    cut = jobs.Run.open(tmp_path / "cut")
    assert log.read_text() == (whole.path / "log.csv").read_text()
    for a, b in zip(state(whole), state(cut), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_an_interruption_says_how_to_go_on(process, arrays, tmp_path):
    words = ("train", "tied_autoencoder", "--data", arrays, "--epochs", 100_000)
    # What a shell starts in the background ignores interruptions, and hands that on.
    heeded = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    job = process(*words, "--out", tmp_path / "a", preexec_fn=heeded)
    while job.poll() is None and not (tmp_path / "a" / "backup" / "epoch-00002.npz").exists():
        time.sleep(0.003)
    # Python drops an interruption that comes while it finalises an object, so it is repeated.
    for _ in range(10):
        job.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            job.wait(timeout=10)
            break
    _, err = job.communicate(timeout=60)
    assert job.returncode == 130
    assert f"go on with `amalthea train --resume {tmp_path / 'a'}`" in one_sentence(err.strip())


@pytest.mark.slow
def test_a_full_disk_is_one_sentence_and_the_run_can_go_on(process, arrays, tmp_path):
    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))

    words = ("train", "tied_autoencoder", "--data", arrays, "--epochs", 2)
    job = process(*words, "--out", tmp_path / "a", preexec_fn=small_files)
    _, err = job.communicate(timeout=60)
    assert job.returncode == 2, err
    one_sentence(err.strip())
    assert not [p for p in (tmp_path / "a").rglob("*") if p.name.startswith(".amalthea")]
    run = jobs.resume(tmp_path / "a", verbose=0)
    whole = jobs.train("tied_autoencoder", arrays, out=tmp_path / "b", epochs=2, verbose=0)
    for a, b in zip(state(run), state(whole), strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_existing_run_is_replaced_only_by_force(arrays, run, monkeypatch):
    with pytest.raises(UserError, match="--force"):
        train(arrays, run.path)
    # The folder that one stands in can be a run's, too.
    monkeypatch.chdir(run.path)
    second = train(arrays, ".", epochs=1, force=True)
    assert second.settings["epochs"] == 1
    assert len((run.path / "log.csv").read_text().splitlines()) == 2


def test_what_is_no_run_is_never_replaced(arrays, tmp_path):
    (tmp_path / "precious.txt").write_text("keep me")
    with pytest.raises(UserError, match="is no run folder"):
        train(arrays, tmp_path, force=True)
    assert (tmp_path / "precious.txt").read_text() == "keep me"


def test_tensorboard_logs_are_written_when_asked_for(arrays, tmp_path):
    run = train(arrays, tmp_path / "a", tensorboard=True)
    assert list((run.path / "tensorboard").rglob("events.*"))


def test_a_loaded_model_knows_its_origin_and_trains_on(trained):
    model = trained.load_model()
    assert model.origin.recipe == "tied_autoencoder"
    assert int(model.optimizer.iterations) > 0
    model.fit(np.random.rand(8, 6, 6, 1), verbose=0)


@pytest.mark.parametrize("contents", [b"", b"PK\x03\x04 half a file"])
def test_a_damaged_model_is_one_sentence(run, contents):
    run.model_path.write_bytes(contents)
    with pytest.raises(UserError, match=r"model.keras is damaged") as error:
        run.load_model()
    one_sentence(error)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is damaged"),
        ("{", "is damaged"),
        ('{"kind": "train"}', "not in it"),
        ("[]", "damaged"),
    ],
)
def test_a_damaged_run_json_is_one_sentence(tmp_path, text, message):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(UserError, match=message) as error:
        jobs.Run.open(tmp_path)
    one_sentence(error)


def test_an_unfinished_run_says_how_to_finish_it(run):
    run.model_path.unlink()
    with pytest.raises(UserError, match=f"amalthea train --resume {run.path}"):
        run.load_model()


def test_a_custom_seed_changes_weights_and_order(arrays, trained, tmp_path):
    other = train(arrays, tmp_path / "a", seed=2, batch_size=16)
    assert (trained.path / "log.csv").read_text() != (other.path / "log.csv").read_text()


@pytest.mark.parametrize(
    ("recipe", "name", "value"),
    [
        ("tied_autoencoder", "seed", 3),
        ("tied_autoencoder", "image_shape", (6, 6, 1)),
        ("lenet5", "num_classes", 3),
        ("multimodal_dbn", "vocabulary_size", 3),
    ],
)
def test_what_the_data_or_the_job_determines_cannot_be_given(arrays, tmp_path, recipe, name, value):
    with pytest.raises(UserError, match=f"{name} comes from the .*, got "):
        jobs.train(recipe, arrays, out=tmp_path / "a", arguments={name: value})
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": None}, r"must be a whole number from \d.*, got"),
        ({"seed": -1}, r"must be a whole number from \d.*, got"),
        ({"epochs": 1.5}, r"must be a whole number of at least \d.*, got"),
        ({"arguments": {"hidden_units": (-1,)}}, "hidden_units"),
    ],
)
def test_no_mistake_costs_the_earlier_run_even_by_force(arrays, run, changes, message):
    before = sorted(p.name for p in run.path.rglob("*"))
    model = run.model_path.read_bytes()
    with pytest.raises(UserError, match=message):
        train(arrays, run.path, force=True, **changes)
    assert run.model_path.read_bytes() == model
    assert sorted(p.name for p in run.path.rglob("*")) == before


def test_numbers_of_numpy_are_numbers(arrays, tmp_path):
    sizes = {"hidden_units": [np.int64(6)], "latent_dim": np.int32(3)}
    run = train(arrays, tmp_path / "a", arguments=sizes, epochs=np.int64(1), seed=np.int64(2))
    settings = json.loads((run.path / "run.json").read_text())
    assert settings["arguments"]["hidden_units"] == [6]
    assert settings["epochs"] == 1


def test_images_of_two_channels_are_drawn_too(tmp_path):
    np.savez(tmp_path / "two.npz", images=np.random.default_rng(0).random((60, 6, 6, 2)))
    run = train(f"arrays:{tmp_path / 'two.npz'}", tmp_path / "a", epochs=1)
    assert len(list((run.path / "samples").iterdir())) == 1


@pytest.mark.slow
def test_a_growing_run_logs_its_stages_and_is_sampled_and_exported_in_one(tmp_path):
    images = np.random.default_rng(0).random((40, 8, 8, 1), dtype="float32")
    np.savez(tmp_path / "images.npz", images=images)
    tiny = {"latent_dim": 4, "width": 4, "mapping_layers": 1}
    run = jobs.train(
        "stylegan",
        f"arrays:{tmp_path / 'images.npz'}",
        out=tmp_path / "a",
        arguments=tiny,
        epochs=2,
        verbose=0,
    )
    header, *rows = (run.path / "log.csv").read_text().splitlines()
    logged = [dict(zip(header.split(","), row.split(","), strict=True)) for row in rows]
    shown = [int(float(row["images"])) for row in logged]
    assert shown[1] == 2 * shown[0] > 0
    assert {(float(row["resolution"]), float(row["phase"])) for row in logged} == {(8, 0)}
    assert not [name for name in header.split(",") if name == "val_images"]
    for truncation in (None, 0.5):
        drawn = jobs.sample(run.path, 3, truncation=truncation)
        assert drawn.shape == (3, 8, 8, 1)
    with pytest.raises(UserError, match="truncation must be a finite number, got nan"):
        jobs.sample(run.path, truncation=float("nan"))
    signatures = json.loads((jobs.export(run.path) / "endpoints.json").read_text())
    assert list(signatures["style_mix"]["inputs"]) == ["coarse", "fine", "crossovers"]


@pytest.mark.exhaustive
def test_batch_sizes_change_with_the_resolution_and_a_resumed_run_has_them_too(
    tmp_path, monkeypatch
):
    progan = sys.modules["amalthea.recipes.gans.progan"]
    monkeypatch.setattr(progan, "BATCH_SIZES", {8: 5})
    images = np.random.default_rng(0).random((50, 8, 8, 1), dtype="float32")
    np.savez(tmp_path / "images.npz", images=images)
    settings = {
        "data": f"arrays:{tmp_path / 'images.npz'}",
        "arguments": {"latent_dim": 4, "width": 4, "images_per_phase": 60},
        "batch_size": 10,
        "verbose": 0,
    }
    begins = r"begins after \d+ epochs of \d+ images: epochs must be at least \d+, .* got 2"
    with pytest.raises(UserError, match=begins):
        jobs.train("progan", out=tmp_path / "a", epochs=2, **settings)
    whole = jobs.train("progan", out=tmp_path / "a", epochs=5, **settings)
    header, *rows = (whole.path / "log.csv").read_text().splitlines()
    shown = [float(row.split(",")[header.split(",").index("images")]) for row in rows]
    assert shown == [shown[0] * (epoch + 1) for epoch in range(5)]
    cut = jobs.train("progan", out=tmp_path / "b", epochs=4, **settings)
    cut = jobs.resume(cut.path, epochs=5, verbose=0)
    assert (whole.path / "log.csv").read_text() == (cut.path / "log.csv").read_text()
    for a, b in zip(state(whole), state(cut), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_warm_up_that_would_not_end_is_refused(arrays, tmp_path):
    with pytest.raises(UserError, match=r"after 3 epochs of \d+ images: .* at least 4, .* got 3"):
        jobs.train(
            "variational_autoencoder",
            arrays,
            out=tmp_path / "a",
            arguments={"warm_up_epochs": 3},
            epochs=3,
        )
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_a_training_in_mixed_precision_goes_on_exactly(arrays, tmp_path, precision):
    whole = train(arrays, tmp_path / "whole", precision=precision)
    parts = train(arrays, tmp_path / "parts", precision=precision, epochs=1)
    parts = jobs.resume(parts.path, epochs=2, verbose=0)
    assert parts.settings["precision"] == precision
    assert keras.config.dtype_policy().name == "float32"
    model = parts.load_model()
    assert {layer.dtype_policy.name for layer in model.layers} >= {precision}
    scales = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scales == (precision == "mixed_float16")
    for a, b in zip(state(whole), state(parts), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_precision_that_keras_is_set_to_is_gone_on_with(arrays, tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        run = train(arrays, tmp_path / "a", epochs=1)
    finally:
        keras.config.set_dtype_policy("float32")
    assert run.settings["precision"] == "mixed_bfloat16"
    whole = train(arrays, tmp_path / "whole", precision="mixed_bfloat16")
    for a, b in zip(state(whole), state(jobs.resume(run.path, epochs=2, verbose=0)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_another_precision_is_one_sentence(arrays, tmp_path):
    with pytest.raises(UserError, match=r"precision must be one of float32, .*, got 'half'"):
        train(arrays, tmp_path / "a", precision="half")
    assert not (tmp_path / "a").exists()


def test_a_batch_size_that_is_none_is_one_sentence_when_resumed(run):
    for size in ("many", 0, True):
        with pytest.raises(UserError, match="batch_size must be a whole number of at least 1"):
            jobs.resume(run.path, batch_size=size)
