import csv
import json
import resource
import shutil
import signal
import time

import keras
import numpy as np
import pytest

from amalthea import jobs
from amalthea.errors import UserError
from amalthea.jobs import tuning

from harness import one_sentence

pytestmark = pytest.mark.usefixtures("no_report")

SMALL = {"hidden_units": (6,), "latent_dim": 3}


def tune(arrays, out, **changes):
    settings = {"out": out, "trials": 3, "epochs": 1, "fixed": SMALL, "verbose": 0} | changes
    return jobs.tune("tied_autoencoder", arrays, **settings)


@pytest.fixture(scope="module")
def finished(arrays, tmp_path_factory):
    """The folder of a finished search of two trials, to be copied."""
    return tune(arrays, tmp_path_factory.mktemp("finished") / "a", trials=2).path


def rows(run):
    with (run.path / "trials.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    "strategy",
    [
        "random",
        pytest.param("grid", marks=pytest.mark.slow),
        *(pytest.param(s, marks=pytest.mark.exhaustive) for s in ("bayesian", "hyperband")),
    ],
)
def test_finds_the_best_and_hands_it_over(arrays, tmp_path, strategy):
    # Hyperband alone has to have more than one epoch.
    trials, epochs = (2, 1) if strategy == "random" else (3, 3)
    run = tune(arrays, tmp_path / "a", strategy=strategy, trials=trials, epochs=epochs)
    found = rows(run)
    assert len(found) == trials
    scores = [float(row["score"]) for row in found]
    best = json.loads((run.path / "best.json").read_text())
    assert best["score"] == min(scores)
    assert best["batch_size"] == int(found[int(np.argmin(scores))]["batch_size"])
    assert best["arguments"]["hidden_units"] == [6]
    assert (run.path / "curves.png").stat().st_size > 1000

    # What is saved is what was measured.
    figures = jobs.evaluate(run.path, split="validation")
    assert figures["mean_squared_error"] == pytest.approx(best["score"], rel=1e-4)
    if strategy == "grid":
        assert jobs.export(run.path).is_dir()


@pytest.mark.slow
def test_the_first_trial_is_the_recipe_with_its_defaults(arrays, tmp_path):
    run = tune(arrays, tmp_path / "a", trials=2)
    first = rows(run)[0]
    assert float(first["learning_rate"]) == 1e-3
    assert first["batch_size"] == "64"
    assert first["activation"] == "relu"


def test_searches_of_neighbouring_seeds_share_nothing():
    seeds = [tuning._spread(seed) for seed in range(1000)]
    # KerasTuner counts up from a seed, by one for each value that it draws.
    assert np.diff(sorted(seeds)).min() > 0
    assert np.abs(np.diff(seeds)).min() > 1000
    assert all(0 < seed < 2**31 + 1 for seed in seeds)


@pytest.mark.slow
def test_top_and_fix_leave_the_others_at_their_defaults(arrays, tmp_path):
    run = tune(arrays, tmp_path / "a", top=1, fixed=SMALL | {"batch_size": 16})
    best = json.loads((run.path / "best.json").read_text())
    assert best["batch_size"] == 16
    assert best["arguments"]["activation"] == "relu"
    tuned = set(rows(run)[0]) - {"trial", "status", "score", "epoch", "reason"}
    assert tuned == {"learning_rate"}


@pytest.mark.exhaustive
def test_a_training_starts_from_the_best_of_a_search(arrays, tmp_path):
    search = tune(arrays, tmp_path / "search")
    run = jobs.train(
        "tied_autoencoder", arrays, out=tmp_path / "b", best=search.path, epochs=1, verbose=0,
        arguments={"latent_dim": 2},
    )  # fmt: skip
    best = json.loads((search.path / "best.json").read_text())
    assert run.settings["batch_size"] == best["batch_size"]
    assert run.settings["arguments"]["learning_rate"] == best["arguments"]["learning_rate"]
    assert run.settings["arguments"]["latent_dim"] == 2
    with pytest.raises(UserError, match="a search of tied_autoencoder, not of lenet5"):
        jobs.train("lenet5", arrays, out=tmp_path / "c", best=search.path)


@pytest.fixture
def flawed(monkeypatch):
    """Makes `tied_autoencoder` fail to build, or diverge, for chosen trials."""
    from amalthea.recipes.hypermodel import RecipeHyperModel

    fit = RecipeHyperModel.fit
    count = iter(range(100))

    def install(flaws):
        def flawed_fit(self, hp, model, *args, **kwargs):
            flaw = flaws.get(next(count))
            if flaw == "raises":
                raise RuntimeError("the disk\nof the moon is full")
            if flaw == "diverges":
                model.set_weights([np.full_like(w, np.nan) for w in model.get_weights()])
            return fit(self, hp, model, *args, **kwargs)

        monkeypatch.setattr(RecipeHyperModel, "fit", flawed_fit)

    return install


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:All-NaN")  # of KerasTuner, about the diverged trial
def test_failed_trials_are_reported_and_never_the_best(arrays, tmp_path, flawed):
    flawed({0: "diverges", 1: "raises"})
    run = tune(arrays, tmp_path / "a", trials=3)
    found = rows(run)
    assert [row["status"] for row in found] == ["failed", "failed", "completed"]
    assert found[0]["reason"] == "the objective became nan"
    assert "of the moon is full" in found[1]["reason"]
    assert found[1]["score"] == ""
    assert json.loads((run.path / "best.json").read_text())["trial"] == found[2]["trial"]


@pytest.mark.slow
def test_if_all_trials_fail_the_reason_is_given_and_nothing_is_best(arrays, tmp_path, flawed):
    flawed({0: "raises", 1: "raises"})
    with pytest.raises(UserError, match=r"all 2 trials failed: .*of the moon is full") as error:
        tune(arrays, tmp_path / "a", trials=2)
    one_sentence(error)
    assert not (tmp_path / "a" / "best.json").exists()
    assert not (tmp_path / "a" / "model.keras").exists()
    assert len(rows(jobs.Run.open(tmp_path / "a"))) == 2


@pytest.mark.slow
def test_a_killed_search_loses_the_trial_under_way_and_no_other(process, arrays, tmp_path):
    words = ["tune", "tied_autoencoder", "--data", arrays, "--trials", 4, "--epochs", 2]
    words += ["--fix", "hidden_units=6", "--fix", "latent_dim=3", "--out", tmp_path / "a"]
    job = process(*words)
    table = tmp_path / "a" / "trials.csv"
    while job.poll() is None and not (table.exists() and table.read_text().count("\n") > 2):
        time.sleep(0.003)
    assert job.poll() is None, job.communicate()
    job.kill()
    job.communicate()
    assert job.returncode == -signal.SIGKILL
    before = rows(jobs.Run.open(tmp_path / "a"))

    run = tuning.resume_search(tmp_path / "a", verbose=0)
    assert len(before) >= 2
    assert rows(run)[: len(before)] == before
    assert len(rows(run)) == 4
    whole = tune(arrays, tmp_path / "whole", trials=4, epochs=2)
    assert [row["score"] for row in rows(run)] == [row["score"] for row in rows(whole)]


@pytest.mark.parametrize(
    ("damaged", "left"),
    [
        ("trials/oracle.json", 20),
        pytest.param("trials/oracle.json", None, marks=pytest.mark.exhaustive),
        pytest.param("trials/oracle.json", "[]", marks=pytest.mark.exhaustive),
        ("trials/tuner0.json", 1),
        pytest.param("trials/trial_1/trial.json", 20, marks=pytest.mark.exhaustive),
        ("trials/trial_1/trial.json", "{}"),
        ("trials.json", 20),
    ],
)
@pytest.mark.slow
def test_a_file_cut_or_lost_or_edited_costs_no_finished_trial(finished, tmp_path, damaged, left):
    run = jobs.Run.open(shutil.copytree(finished, tmp_path / "a"))
    before = rows(run)
    damage(run.path / damaged, left)
    run = tuning.resume_search(run.path, trials=3, verbose=0)
    assert rows(run)[:2] == before
    assert len(rows(run)) == 3


@pytest.mark.slow
def test_what_no_copy_mends_is_one_sentence(arrays, tmp_path):
    run = tune(arrays, tmp_path / "a", trials=1)
    whole = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    damage(run.path / "trials" / "trial_0" / "checkpoint.weights.h5", 20)
    with pytest.raises(UserError, match=r"model of trial 0, the best, is damaged: .*--best"):
        tuning.resume_search(run.path, verbose=0)
    for path, content in whole.items():
        path.write_bytes(content)
    damage(run.path / "trials" / "oracle.json", "[]")
    damage(run.path / "trials.json", None)
    with pytest.raises(UserError, match=r"trials is damaged, and there is no whole copy"):
        tuning.resume_search(run.path, verbose=0)


def damage(path, left):
    """Leave so many bytes of a file, or this text, or nothing."""
    content = path.read_bytes()
    if left is None:
        path.unlink()
    elif isinstance(left, str):
        path.write_text(left)
    else:
        path.write_bytes(content[:left])


@pytest.mark.slow
def test_a_finished_search_goes_on_with_more_trials(finished, tmp_path):
    first = rows(jobs.Run.open(shutil.copytree(finished, tmp_path / "a")))
    run = tuning.resume_search(tmp_path / "a", trials=4, verbose=0)
    assert rows(run)[:2] == first
    assert len(rows(run)) == 4
    with pytest.raises(UserError, match=r"trials must be at least 4, which are done, got 1"):
        tuning.resume_search(tmp_path / "a", trials=1, verbose=0)
    assert json.loads((run.path / "run.json").read_text())["trials"] == 4


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"objective": "val_auc"}, "no metric 'val_auc' to optimise; training logs .*val_loss"),
        (
            {"objective": "val_loss"},
            r"val_loss is not comparable between trials, as the search changes loss: take "
            r"val_mean_squared_error, the recipe's own, or keep it at a value \(--fix loss=…\)",
        ),
        ({"objective": "up:val_loss"}, "must begin with 'min:' or 'max:'"),
        ({"strategy": "best"}, "strategy must be one of random, .*, grid, got 'best'"),
        ({"trials": 0}, "trials must be a whole number of at least 1, got 0"),
        ({"epochs": 0}, "epochs must be"),
        ({"top": 0}, "at least 1, got 0"),
        ({"fixed": {"widths": 3}}, "has no argument 'widths'"),
        ({"fixed": {"latent_dim": 0}}, "latent_dim must be"),
        ({"fixed": {"seed": 3}}, "seed comes from the seed of the job, got 3"),
    ],
)
def test_a_mistake_is_one_sentence_before_any_trial(arrays, tmp_path, settings, message):
    with pytest.raises(UserError, match=message) as error:
        tune(arrays, tmp_path / "a", **settings)
    one_sentence(error)
    assert not (tmp_path / "a").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("objective", "direction"),
    [("val_loss", "min"), ("max:val_loss", "max"), ("val_mean_squared_error", "min")],
)
def test_the_direction_of_an_objective_is_known_or_said(arrays, tmp_path, objective, direction):
    fixed = SMALL | {"loss": "binary_crossentropy"}
    run = tune(arrays, tmp_path / "a", trials=1, objective=objective, fixed=fixed)
    assert run.settings["objective"][1] == direction


def test_a_metric_whose_direction_nobody_knows_must_be_given_one(arrays, tmp_path, monkeypatch):
    compile_ = keras.Model.compile

    def with_metric(self, *args, **kwargs):
        kwargs["metrics"] = [keras.metrics.CosineSimilarity(name="cosine")]
        compile_(self, *args, **kwargs)

    monkeypatch.setattr(keras.Model, "compile", with_metric)
    with pytest.raises(UserError, match="min:val_cosine or max:val_cosine"):
        tune(arrays, tmp_path / "a", objective="val_cosine")


@pytest.mark.exhaustive
def test_a_full_disk_is_one_sentence_and_the_search_can_go_on(process, arrays, tmp_path):
    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))

    words = ("tune", "tied_autoencoder", "--data", arrays, "--epochs", 1, "--trials", 2)
    job = process(*words, "--out", tmp_path / "a", preexec_fn=small_files)
    _, err = job.communicate(timeout=60)
    assert job.returncode == 2, err
    assert "make room and go on by --resume" in one_sentence(err.strip())
    run = jobs.resume_search(tmp_path / "a", verbose=0)
    whole = jobs.tune("tied_autoencoder", arrays, out=tmp_path / "b", epochs=1, trials=2, verbose=0)
    assert json.loads((run.path / "best.json").read_text()) == json.loads(
        (whole.path / "best.json").read_text()
    )


@pytest.mark.exhaustive
def test_an_adversarial_net_is_searched_for_what_is_measured_not_for_a_loss(tmp_path):
    small = {"units": 8, "latent_dim": 2, "batch_size": 256}
    run = jobs.tune(
        "toy_gan", "ring8", out=tmp_path / "a", trials=2, epochs=1, fixed=small, verbose=0
    )
    assert run.settings["objective"] == ["val_modes_covered", "max"]
    found = rows(run)
    assert all(0 <= float(row["score"]) <= 8 for row in found)
    assert found[0]["minibatch"] == "none"
    assert run.settings["arguments"]["minibatch"] in (None, "discrimination", "stddev")
    assert jobs.sample(run.path, 4).shape == (4, 2)


@pytest.mark.parametrize(
    "objective",
    [
        "val_generator_loss",
        *(pytest.param(o, marks=pytest.mark.slow) for o in ("val_loss", "max:val_real_score")),
    ],
)
def test_no_figure_of_a_game_is_an_objective(tmp_path, objective):
    with pytest.raises(UserError, match=r"says of no toy_gan .*: take val_modes_covered") as error:
        jobs.tune(
            "toy_gan", "ring8", out=tmp_path / "a", trials=1, epochs=1, objective=objective,
            fixed={"units": 8, "latent_dim": 2},
        )  # fmt: skip
    one_sentence(error)
    assert not (tmp_path / "a").exists()


@pytest.mark.slow
def test_where_there_is_no_likelihood_a_machine_is_searched_for_another_figure(tmp_path):
    settings = {"trials": 1, "epochs": 1, "fixed": {"hidden_units": 16, "binary": False}}
    with pytest.raises(
        UserError, match=r"rbm has no val_log_likelihood, .*: name another"
    ) as error:
        jobs.tune("rbm", "digits", out=tmp_path / "a", **settings)
    one_sentence(error)
    run = jobs.tune("rbm", "digits", out=tmp_path / "a", objective="val_loss", **settings)
    assert run.settings["objective"] == ["val_loss", "min"]


@pytest.mark.exhaustive
def test_a_stack_of_machines_is_searched_for_what_it_says_of_images_not_of_features(tmp_path):
    settings = {"trials": 2, "epochs": 2, "verbose": 0}
    settings["fixed"] = {"pretraining_epochs": 1, "learning_rate": 0.01, "momentum": 0.5}
    with pytest.raises(UserError, match="as the search changes hidden_units: take val_log"):
        jobs.tune("dbn", "digits", out=tmp_path / "a", objective="val_loss", **settings)
    run = jobs.tune("dbn", "digits", out=tmp_path / "a", **settings)
    best = json.loads((run.path / "best.json").read_text())
    assert best["score"] == max(float(row["score"]) for row in rows(run))
    figures = jobs.evaluate(run.path, split="validation")
    assert figures["log_likelihood_bound"] == pytest.approx(best["score"], abs=1)


@pytest.mark.slow
def test_an_objective_that_only_untuned_arguments_change_is_taken(arrays, tmp_path):
    run = tune(arrays, tmp_path / "a", trials=1, top=2, objective="val_loss")
    assert run.settings["objective"] == ["val_loss", "min"]


def test_hyperband_compares_no_models_of_which_stages_are_missing(tmp_path):
    def search(recipe):
        jobs.tune(recipe, "nothing", out=tmp_path / "a", trials=2, strategy="hyperband")

    for recipe in ("dbn", "progan"):
        with pytest.raises(UserError, match=f"{recipe} is trained in stages"):
            search(recipe)
    # A warm-up is no stage: only the data is wrong here.
    with pytest.raises(UserError, match="nothing"):
        search("variational_autoencoder")


@pytest.mark.slow
def test_a_trial_that_takes_too_long_is_ended_after_a_batch(arrays, tmp_path):
    with pytest.raises(UserError, match=r"all 1 trials failed: it took longer than 0\.5 s"):
        tune(arrays, tmp_path / "a", trials=1, epochs=9**9, trial_limit=0.5)


def test_threads_cannot_change_after_something_was_computed(arrays, tmp_path):
    keras.ops.add(1.0, 1.0)
    with pytest.raises(UserError, match="cpus_per_trial cannot change in a process") as error:
        tune(arrays, tmp_path / "a", cpus_per_trial=1)
    one_sentence(error)


def test_a_callback_that_cannot_be_copied_is_one_sentence(arrays, tmp_path):
    callback = keras.callbacks.LambdaCallback()
    callback.file = (line for line in "ab")
    with pytest.raises(UserError, match="LambdaCallback cannot be copied") as error:
        tune(arrays, tmp_path / "a", callbacks=[callback])
    one_sentence(error)
    assert not (tmp_path / "a").exists()
