"""A run folder is a small database: locked, checked, and never lost."""

import errno
import json
import shutil

import filelock
import numpy as np
import pytest
from PIL import Image

from amalthea import data, jobs
from amalthea.errors import UserError
from amalthea.jobs import run as run_module
from amalthea.jobs import training
from amalthea.recipes import tied_autoencoder

from harness import one_sentence

TINY = {"hidden_units": (6,), "latent_dim": 3}


def train(given, out, **changes):
    settings = {"out": out, "arguments": TINY, "epochs": 2, "verbose": 0} | changes
    return jobs.train("tied_autoencoder", given, **settings)


def edit(run, **changes):
    settings = json.loads((run.path / "run.json").read_text())
    (run.path / "run.json").write_text(json.dumps(settings | changes))


@pytest.fixture(scope="module")
def trained(arrays, tmp_path_factory):
    """A training of two epochs."""
    return train(arrays, tmp_path_factory.mktemp("trained") / "a")


@pytest.fixture
def run(trained, tmp_path):
    """A copy of it."""
    shutil.copytree(trained.path, tmp_path / "a")
    return jobs.Run.open(tmp_path / "a")


@pytest.fixture
def pictures(tmp_path):
    """A folder of 40 pictures of cats and dogs, and what makes one."""
    random = np.random.default_rng(0)

    def picture(name, label):
        folder = tmp_path / "pictures" / label
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (6, 6), dtype="uint8")).save(folder / name)

    for number in range(20):
        picture(f"{number}.png", "cats")
        picture(f"{number}.png", "dogs")
    return tmp_path / "pictures", picture


def test_one_process_at_a_time_works_in_a_folder(run, arrays):
    before = (run.path / "log.csv").read_text()
    with run_module.working(run.path):
        for job in (
            lambda: jobs.resume(run.path, epochs=3),
            lambda: train(arrays, run.path, force=True),
            lambda: jobs.evaluate(run.path),
        ):
            with pytest.raises(UserError, match=r"is in use by process \d+ on .*: wait") as error:
                job()
            one_sentence(error)
    assert (run.path / "log.csv").read_text() == before
    assert jobs.resume(run.path, epochs=3, verbose=0).settings["epochs"] == 3


def test_what_a_killed_process_held_is_free_again(run):
    (run.path / run_module.HOLDER).write_text("process 1 on nowhere")
    jobs.resume(run.path, verbose=0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", "many"),
        ("epochs", 0),
        ("batch_size", 2.5),
        ("seed", None),
        ("recipe", 3),
        ("recipe", "nothing"),
        ("arguments", []),
        ("arguments", {"latent_dim": "three"}),
        ("arguments", {"size": 3}),
        ("image_size", "large"),
        ("value_range", [1]),
        ("class_names", "cats"),
        ("fingerprint", None),
        ("fingerprint", {}),
        ("early_stopping", -1),
        ("tensorboard", "yes"),
        ("kind", "bake"),
        ("kind", []),
        ("data", 5),
        ("format", 99),
        ("versions", "old"),
    ],
)
def test_what_run_json_says_is_checked(run, name, value):
    edit(run, **{name: value})
    with pytest.raises(UserError) as error:
        jobs.resume(run.path, epochs=3)
    one_sentence(error)
    assert name == "format" or "damaged" in str(error.value) or "no recipe" in str(error.value)


def test_a_run_of_an_older_version_is_refused_by_version_but_still_sampled_from(arrays, tmp_path):
    run = jobs.train(
        "variational_autoencoder", arrays, out=tmp_path / "a", arguments=TINY, epochs=1
    )
    settings = json.loads((run.path / "run.json").read_text())
    for name in ("format", "fingerprint", "class_names", "value_range", "early_stopping"):
        del settings[name]
    settings["versions"]["amalthea"] = "0.0.9"
    (run.path / "run.json").write_text(json.dumps(settings))
    with pytest.raises(UserError, match=r"a run of amalthea 0\.0\.9, with which"):
        jobs.resume(run.path)
    with pytest.raises(UserError, match=r"a run of amalthea 0\.0\.9, with which"):
        jobs.evaluate(run.path)
    assert jobs.sample(run.path, 2).shape == (2, 6, 6, 1)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-25],
        lambda text: text.replace("\n1,", "\n7,"),
        lambda text: "\n".join(text.splitlines()[:-1]) + "\n",
        lambda text: text.replace("0.", "zero."),
        lambda text: "nonsense",
    ],
)
def test_a_damaged_log_is_one_sentence(run, damage):
    log = run.path / "log.csv"
    log.write_text(damage(log.read_text()))
    with pytest.raises(UserError, match=r"log\.csv is damaged") as error:
        jobs.resume(run.path, epochs=3)
    one_sentence(error)


def test_without_its_log_a_training_goes_on(run):
    log = run.path / "log.csv"
    log.unlink()
    jobs.resume(run.path, epochs=3, verbose=0)
    assert [line.split(",")[0] for line in log.read_text().splitlines()] == ["epoch", "2"]


def test_a_model_of_another_run_is_not_taken(run):
    other = tied_autoencoder((6, 6, 1), **TINY | {"latent_dim": 2})
    other.optimizer.build(other.trainable_variables)
    other.save(run.model_path)
    with pytest.raises(UserError, match=r"is not the model of its run\.json: .* latent_dim=2"):
        jobs.evaluate(run.path)


def test_a_run_that_cannot_go_on_costs_the_earlier_one_nothing(run, arrays):
    (run.path / "notes.txt").write_text("mine")
    before = {path.name for path in run.path.iterdir()}
    model, log = run.model_path.read_bytes(), (run.path / "log.csv").read_text()
    settings = {"arguments": {"learning_rate": 1e30}, "batch_size": 4, "verbose": 0}
    with pytest.raises(UserError, match="no number any more"):
        jobs.train("rbm", arrays, out=run.path, force=True, **settings)
    assert run.model_path.read_bytes() == model
    assert (run.path / "log.csv").read_text() == log
    assert {path.name for path in run.path.iterdir()} == before
    train(arrays, run.path, force=True, epochs=1)
    assert (run.path / "notes.txt").read_text() == "mine"
    assert {path.name for path in run.path.iterdir()} == before


def test_a_run_that_ends_early_but_can_go_on_says_where_the_earlier_one_is(
    run, arrays, monkeypatch
):
    model = run.model_path.read_bytes()

    def fail(*_):
        raise RuntimeError("after the last epoch")

    with monkeypatch.context() as patched:
        patched.setattr(training, "draw_log", fail)
        with (
            pytest.raises(RuntimeError, match="after the last epoch"),
            pytest.warns(UserWarning, match=r"held before is kept there, in \.replaced\.1"),
        ):
            train(arrays, run.path, force=True, epochs=1)
    assert (run.path / ".replaced.1" / "model.keras").read_bytes() == model
    jobs.resume(run.path, verbose=0)
    assert not (run.path / ".replaced.1").exists()


def test_figures_that_cannot_be_kept_are_given_all_the_same(run, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    with pytest.warns(UserWarning, match="could not be written: Read-only file system"):
        figures = jobs.evaluate(run.path)
    assert "reconstruction_error" in figures
    assert not (run.path / "evaluation.json").exists()


# Data that are not those of before


@pytest.mark.slow
def test_changed_files_are_told_and_accepted_only_when_asked(pictures, tmp_path):
    folder, picture = pictures
    run = train(f"images:{folder}", tmp_path / "a")
    assert run.settings["class_names"] == ["cats", "dogs"]
    for file in folder.rglob("*.png"):
        file.touch()  # another time alone is no change
    jobs.resume(run.path, epochs=3, verbose=0)
    picture("new.png", "cats")
    for job in (jobs.evaluate, jobs.resume):
        with pytest.raises(UserError, match=r"not those of before: .*new\.png") as error:
            job(run.path)
        one_sentence(error)
    with pytest.warns(UserWarning, match=r"new\.png"):
        jobs.evaluate(run.path, accept_changed_data=True)
    with pytest.warns(UserWarning, match=r"new\.png"):
        run = jobs.resume(run.path, epochs=4, accept_changed_data=True, verbose=0)
    assert run.settings["changes"] == [{"after_epochs": 3, "change": "other data"}]
    jobs.evaluate(run.path)


def test_renamed_classes_are_told(pictures, tmp_path):
    folder, _ = pictures
    run = train(f"images:{folder}", tmp_path / "a")
    (folder / "cats").rename(folder / "lions")
    with pytest.raises(UserError, match=r"cats.*lions|lions.*cats"):
        jobs.evaluate(run.path)


def test_classes_in_another_order_are_not_compared_by_their_numbers(tmp_path, arrays):
    run = jobs.train("lenet5", arrays, out=tmp_path / "a", image_size=12, epochs=1, verbose=0)
    images = np.random.default_rng(0).random((9, 12, 12, 1), dtype="float32")
    other = data.ImageSet("mine", images, np.arange(9) % 3, ("2", "1", "0"))
    with pytest.raises(UserError, match="the classes of mine are 2, 1, 0"):
        jobs.evaluate(run.path, other)
    assert "accuracy" in jobs.evaluate(run.path, other, accept_changed_data=True)


# Data from Python


IMAGES = np.random.default_rng(0).random((60, 6, 6, 1), dtype="float32")


def held(kind):
    labels = np.arange(60) % 3
    if kind == "arrays":
        return IMAGES, labels
    if kind == "an image set":
        return data.ImageSet("mine", IMAGES, labels)
    if kind == "bytes":
        return (255 * IMAGES).astype("uint8"), labels
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((IMAGES, labels)).batch(7)


@pytest.mark.parametrize(
    "kind",
    [
        "a dataset",
        *(pytest.param(k, marks=pytest.mark.slow) for k in ("arrays", "an image set", "bytes")),
    ],
)
def test_data_from_python_train_as_files_do(kind, trained, tmp_path):
    run = train(held(kind), tmp_path / "a")
    assert run.settings["data"] is None
    if kind != "bytes":
        for a, b in zip(
            run.load_model().get_weights(),
            trained.load_model().get_weights(),
            strict=True,
        ):
            np.testing.assert_array_equal(a, b)
    with pytest.raises(UserError, match="came from Python: give them again"):
        jobs.resume(run.path, epochs=3)
    with pytest.raises(UserError, match=r"not those of before: .*(other pixels|pixels from)"):
        jobs.resume(run.path, (1 - IMAGES, np.arange(60) % 3), epochs=3)
    assert jobs.resume(run.path, held(kind), epochs=3, verbose=0).settings["epochs"] == 3


def test_splits_can_be_given(tmp_path):
    sets = {"train": IMAGES[:40], "validation": IMAGES[40:]}
    run = train(sets, tmp_path / "a")
    assert set(run.settings["fingerprint"]["origins"]) >= {"train", "validation"}
    with pytest.raises(UserError, match="no split 'validation' among those given: train"):
        train({"train": IMAGES}, tmp_path / "b")
    with pytest.raises(UserError, match="splits must be of"):
        train({"train": IMAGES, "testing": IMAGES}, tmp_path / "b")


def test_a_path_is_data(tmp_path):
    np.savez(tmp_path / "a.npz", images=IMAGES)
    run = train(tmp_path / "a.npz", tmp_path / "a", epochs=1)
    assert run.settings["data"] == f"arrays:{tmp_path / 'a.npz'}"


# Going on otherwise


def test_a_smaller_batch_goes_on_from_the_last_epoch_and_says_so(run, capsys):
    run = jobs.resume(run.path, epochs=3, batch_size=8, verbose=0)
    assert "mini-batches of 8 instead of 64 from epoch 3 on" in capsys.readouterr().out
    assert run.settings["batch_size"] == 8
    assert run.settings["changes"] == [
        {"after_epochs": 2, "change": "mini-batches of 8 instead of 64"}
    ]
    assert len((run.path / "log.csv").read_text().splitlines()) == 4


@pytest.mark.slow
def test_a_training_that_does_not_become_better_ends_with_its_best_weights(arrays, tmp_path):
    settings = {"arguments": TINY | {"learning_rate": 0.5}, "epochs": 60, "early_stopping": 3}
    whole = train(arrays, tmp_path / "whole", **settings)
    rows = [line.split(",") for line in (whole.path / "log.csv").read_text().splitlines()]
    column = rows[0].index("val_mean_squared_error")
    errors = [float(row[column]) for row in rows[1:]]
    best = int(np.argmin(errors))
    assert len(errors) == best + 4 < 60
    sets = data.read(arrays, "validation")
    figures = whole.load_model().evaluate(sets.as_float(), return_dict=True, verbose=0)
    assert figures["mean_squared_error"] == pytest.approx(errors[best], rel=1e-5)
    # An interrupted one stops where it would have stopped.
    train(arrays, tmp_path / "cut", **(settings | {"epochs": best + 2}))
    cut = jobs.resume(tmp_path / "cut", epochs=60, verbose=0)
    assert (cut.path / "log.csv").read_text() == (whole.path / "log.csv").read_text()
    for a, b in zip(cut.load_model().get_weights(), whole.load_model().get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    (newest,) = sorted((cut.path / "backup").glob("best-*"))[-1:]
    whole_file = newest.read_bytes()
    newest.write_bytes(whole_file[:100])
    with pytest.raises(UserError, match=r"best-\d+\.npz is damaged"):
        jobs.resume(cut.path)
    newest.write_bytes(whole_file)
    again = jobs.resume(whole.path, verbose=0)
    assert (again.path / "log.csv").read_text() == (cut.path / "log.csv").read_text()


@pytest.mark.parametrize("seed", [2**31, 2**32 + 1, -1, 1.5])
def test_a_seed_of_more_than_32_bits_is_refused(run, arrays, tmp_path, seed):
    with pytest.raises(UserError, match="seed must be a whole number from 0 to 2147483647"):
        train(arrays, tmp_path / "b", seed=seed)
    with pytest.raises(UserError, match="seed must be"):
        jobs.sample(run.path, 2, seed=seed)


def test_a_run_of_an_earlier_version_knows_no_features(tmp_path):
    assert run_module.Run(tmp_path, {"recipe": "lenet5", "arguments": {}}).features == {}
