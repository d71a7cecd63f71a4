import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from amalthea import jobs
from amalthea.jobs import catalogue
from amalthea.recipes import get_recipe, list_recipes

from harness import one_sentence


@pytest.fixture(scope="module")
def folder(tmp_path_factory, arrays):
    """Data and runs to make mistakes with."""
    folder = tmp_path_factory.mktemp("mistakes")
    random = np.random.default_rng(0)
    images = random.random((40, 6, 6, 1), dtype="float32")

    def save(name, images, labels=None):
        np.savez(
            folder / f"{name}.npz", images=images, **({} if labels is None else {"labels": labels})
        )

    save("flat", images.reshape(40, 36))
    hole = images.copy()
    hole[7, 2, 3, 0] = np.nan
    save("hole", hole)
    save("bright", images * 255)
    save("alone", np.tile(images, (1, 2, 2, 1)), np.zeros(40, int))
    save("unlabelled", np.tile(images, (1, 2, 2, 1)))
    save("few", images[:3])
    (folder / "empty").mkdir()
    (folder / "precious").mkdir()
    (folder / "precious" / "file").write_text("keep me")
    run = jobs.train("tied_autoencoder", arrays, out=folder / "run", epochs=1, verbose=0)
    (folder / "damaged").mkdir()
    (folder / "damaged" / "run.json").write_text("{")
    shutil.copytree(run.path, folder / "broken")
    (folder / "broken" / "model.keras").write_bytes(run.model_path.read_bytes()[:1000])
    return folder


MISTAKES = {
    "unknown recipe": ("train lenet6 --out OUT", "no recipe 'lenet6': did you mean lenet5"),
    "unknown recipe to tune": ("tune lenett --out OUT", "no recipe 'lenett': did you mean lenet5"),
    "unknown recipe to describe": ("describe lent5", "did you mean lenet5"),
    "unknown command": ("trian", "trian"),
    "unknown option": ("train lenet5 --learnin-rate 1 --out OUT", "--learning-rate"),
    "option of another recipe": ("train lenet5 --latent-dim 3 --out OUT", "--latent-dim"),
    "no recipe": ("train --out OUT", "name a recipe"),
    "no folder": ("train lenet5", "--out"),
    "not a number": ("train lenet5 --epochs many --out OUT", "got 'many'"),
    "no epochs": ("train lenet5 --epochs 0 --out OUT", "got '0'"),
    "negative rate": (
        "train tied_autoencoder --data digits --learning-rate -1 --out OUT",
        "learning_rate must be a number above 0, got -1.0",
    ),
    "negative width": (
        "train tied_autoencoder --data digits --hidden-units 64,-3 --out OUT",
        "hidden_units must be a list of whole numbers of at least 1, got (64, -3)",
    ),
    "no widths": (
        "train tied_autoencoder --data digits --latent-dim 0 --out OUT",
        "latent_dim must be a whole number of at least 1, got 0",
    ),
    "not widths": ("train tied_autoencoder --hidden-units a,b --out OUT", "'a,b'"),
    "images too small": ("train lenet5 --data digits --out OUT", "at least 12×12 pixels"),
    "wrong rank": ("train tied_autoencoder --data arrays:DIR/flat.npz --out OUT", "(40, 36)"),
    "not a number in an image": (
        "train tied_autoencoder --data arrays:DIR/hole.npz --out OUT",
        "image 7",
    ),
    "values above one": (
        "train tied_autoencoder --data arrays:DIR/bright.npz --out OUT",
        "[0, 1]",
    ),
    "one class": ("train lenet5 --data arrays:DIR/alone.npz --out OUT", "2 or more classes"),
    "no labels": ("train lenet5 --data arrays:DIR/unlabelled.npz --out OUT", "has none"),
    "empty split": ("train tied_autoencoder --data arrays:DIR/few.npz --out OUT", "3 images"),
    "no pictures": ("train tied_autoencoder --data images:DIR/empty --out OUT", "DIR/empty"),
    "no such file": ("train tied_autoencoder --data arrays:DIR/none.npz --out OUT", "none.npz"),
    "unknown data": ("train tied_autoencoder --data digitz --out OUT", "digits"),
    "no image size": ("train lenet5 --data digits --image-size 0 --out OUT", "'0'"),
    "a run that exists": (
        "train tied_autoencoder --data digits --out DIR/run",
        "--resume, or replace it by force (--force)",
    ),
    "no run's folder": (
        "train tied_autoencoder --data digits --force --out DIR/precious",
        "no run folder",
    ),
    "no run to resume": ("train --resume DIR/precious", "is no run folder: it holds no run.json"),
    "no folder to resume": ("train --resume DIR/nowhere", "is no run folder: it is no folder"),
    "resume with options": ("train --resume DIR/run --seed 3", "only, got --seed"),
    "resume a search with options": ("tune --resume DIR/run --strategy random", "got --strategy"),
    "resume another job": ("tune --resume DIR/run", "a run of 'amalthea train', not of 'tune'"),
    "no run to evaluate": ("evaluate DIR/empty", "is no run folder"),
    "unknown split": ("evaluate DIR/run --split tset", "test"),
    "damaged run": ("evaluate DIR/damaged", "run.json is damaged"),
    "damaged model": ("evaluate DIR/broken", "model.keras is damaged"),
    "damaged model to export": ("export DIR/broken", "model.keras is damaged"),
    "unknown format": ("export DIR/run --format pmml", "savedmodel, onnx, litert"),
    "unknown strategy": ("tune lenet5 --data digits --strategy best --out OUT", "random, bayesian"),
    "fix without value": ("tune lenet5 --fix padding --out OUT", "NAME=VALUE"),
    "fix nonsense": ("tune lenet5 --fix width=3 --out OUT", "no argument 'width'"),
    "fix a wrong type": (
        "tune lenet5 --fix padding=x --out OUT",
        "of at least 0, got 'x'",
    ),
    "fix in vain": ("tune lenet5 --fix =3 --out OUT", "NAME=VALUE, got '=3'"),
    "fix twice": ("tune lenet5 --fix padding=1 --fix padding=2 --out OUT", "twice, 1 and '2'"),
    "fix the seed": ("tune lenet5 --fix seed=3 --data digits --out OUT", "the seed of the job"),
    "fix no widths": ("tune tied_autoencoder --fix hidden-units=5,x --out OUT", "got '5,x'"),
    "no metric": ("tune lenet5 --objective max: --data digits --image-size 12 --out OUT", "'max:'"),
    "images too large": ("train lenet5 --data digits --image-size 999999 --out OUT", "in memory"),
    "an empty path": ("train lenet5 --out=", "expected a path, got ''"),
    "no side": ("train lenet5 --data digits --image-size 8x8 --out OUT", "got '8x8'"),
    "export to something else": (
        "export DIR/run --force --out DIR/precious",
        "is no earlier export: choose",
    ),
    "best of no search": ("train lenet5 --best DIR/run --out OUT", "not of 'tune'"),
    "disk": ("train tied_autoencoder --data digits --out /proc/nowhere/run", "/proc/nowhere"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_and_nothing_is_written(command, folder, tmp_path, mistake):
    words, message = MISTAKES[mistake]
    words = words.replace("OUT", str(tmp_path / "out")).replace("DIR", str(folder)).split()
    before = sorted(path.relative_to(folder) for path in folder.rglob("*"))
    status, _, err = command(*words)
    assert status == 2
    assert err.startswith("amalthea: ")
    assert message.replace("DIR", str(folder)) in one_sentence(err.strip())
    assert not (tmp_path / "out").exists()
    assert sorted(path.relative_to(folder) for path in folder.rglob("*")) == before


def test_list_shows_every_recipe(command):
    status, out, _ = command("list")
    assert status == 0
    assert all(name in out for name in list_recipes())
    status, out, _ = command("list", "*autoencoder")
    assert "lenet5" not in out
    assert command("list", "zzz")[0] == 2


@pytest.mark.parametrize("name", list_recipes(variants=True))
def test_describe_shows_what_the_registry_knows(command, name):
    status, out, _ = command("describe", name)
    assert status == 0
    entry = get_recipe(name)
    words = " ".join(out.split())
    for parameter in entry.parameters:
        assert f"{parameter.name} = " in words
        if parameter.tunable and parameter.name not in entry.fixed:
            rank = int(entry.hyperparameters()[parameter.name])
            assert f"tuned over {parameter.domain} (rank {rank})" in words
    for endpoint in entry.endpoints:
        assert f"{endpoint}: " in words
    for published in entry.published:
        assert f"{published.parameters:,} parameters" in words
    status, out, _ = command("describe", name, "--json")
    assert json.loads(out) == entry.describe()


@pytest.mark.parametrize("name", list_recipes())
def test_help_shows_the_options_of_the_recipe(command, name, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    status, out, _ = command("train", name, "--help")
    assert status == 0
    for parameter in get_recipe(name).parameters:
        option = f"--{parameter.name.replace('_', '-')}"
        # How texts are read are options of every training.
        own = parameter.from_data is None or option in ("--sequence-length", "--vocabulary-size")
        assert (re.search(rf"{option}(?![\w-])", out) is not None) == own
        if parameter.tunable:
            assert out.count("Tuned over") >= 1


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """A cache folder of its own, with nothing in it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    catalogue._own.cache_clear()
    yield tmp_path / "cache" / "amalthea"
    catalogue._own.cache_clear()


def test_the_catalogue_is_what_the_registry_says(cache):
    said = catalogue.registered()
    for _ in range(2):  # from the registry, and from the cache
        assert [catalogue.describe(entry["name"]) for entry in said] == said
        for variants in (False, True):
            assert catalogue.list_recipes(variants=variants) == list_recipes(variants=variants)
        assert json.loads(catalogue.cache_file().read_text()) == said
        catalogue._own.cache_clear()
    assert [path.parent for path in cache.iterdir()] == [cache]
    readme = (catalogue.PACKAGE / "README.md").read_text()
    table = f"{catalogue.BEGIN}\n{catalogue.table(said)}\n{catalogue.END}"
    assert table in readme, "run `make catalogue`"


def test_a_cache_that_is_damaged_or_cannot_be_written_is_done_without(cache):
    names = catalogue.list_recipes()
    catalogue.cache_file().write_text("[{")
    catalogue._own.cache_clear()
    assert catalogue.list_recipes() == names
    assert json.loads(catalogue.cache_file().read_text())
    shutil.rmtree(cache)
    cache.write_text("a file where the folder would be")
    catalogue._own.cache_clear()
    assert catalogue.list_recipes() == names


def test_caches_of_other_code_are_kept_for_some_time_only(cache):
    cache.mkdir(parents=True)
    for number in range(9):
        (cache / f"catalogue-{number}.json").write_text("[]")
    catalogue.list_recipes()
    assert catalogue.cache_file().is_file()
    assert len(list(cache.iterdir())) == catalogue.KEPT


def test_a_shell_completes_recipes_their_options_and_data_sets():
    def completed(words):
        complete = {"_AMALTHEA_COMPLETE": "complete_bash", "COMP_WORDS": words}
        complete["COMP_CWORD"] = str(len(words.split()) - 1)
        command = [sys.executable, "-m", "amalthea"]
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | complete)
        return done.stdout.split()

    assert completed("amalthea train sty") == ["stylegan", "stylegan_1024"]
    assert completed("amalthea train lenet5 --pad") == ["--padding"]
    assert completed("amalthea tune lenet5 --data fash") == ["fashion_mnist"]


def test_from_training_to_export_by_command(command, arrays, tmp_path):
    run = tmp_path / "run"
    words = ("train", "tied_autoencoder", "--data", arrays, "--epochs", 1, "--out", run)
    status, out, err = command(*words, "--hidden-units", "6,5", "--learning-rate", 0.002)
    assert status == 0, err
    arguments = json.loads((run / "run.json").read_text())["arguments"]
    assert arguments["hidden_units"] == [6, 5]
    assert arguments["learning_rate"] == 0.002
    # Options have any order.
    words = ("train", "--force", "--out", run, "--epochs", 1, "tied_autoencoder", "--data", arrays)
    command(*words, "--latent-dim", 4)
    assert json.loads((run / "run.json").read_text())["arguments"]["latent_dim"] == 4
    status, out, _ = command("evaluate", run)
    assert status == 0
    assert "reconstruction_error" in out
    status, out, _ = command("export", run)
    assert status == 0
    assert "encode: images → codes" in out
    assert (run / "export" / "saved_model.pb").is_file()


@pytest.mark.slow
def test_from_search_to_training_by_command(command, arrays, tmp_path):
    words = ("tune", "tied_autoencoder", "--data", arrays, "--trials", 2, "--epochs", 1)
    fixed = ("--fix", "hidden_units=6", "--fix", "activation=tanh", "--fix", "batch_size=16")
    status, out, err = command(*words, *fixed, "--out", tmp_path / "search")
    assert status == 0, err
    assert len([line for line in out.splitlines() if line.startswith("trial ")]) == 2
    assert command("tune", "--resume", tmp_path / "search", "--trials", 3)[0] == 0
    words = ("train", "tied_autoencoder", "--data", arrays, "--epochs", 1)
    words += ("--best", tmp_path / "search", "--out", tmp_path / "best")
    assert command(*words)[0] == 0
    settings = json.loads((tmp_path / "best" / "run.json").read_text())
    assert settings["batch_size"] == 16
    assert settings["arguments"]["activation"] == "tanh"


def test_output_that_is_no_terminal_has_a_line_an_epoch(command, arrays, tmp_path):
    words = ("train", "tied_autoencoder", "--data", arrays, "--epochs", 2, "--out", tmp_path / "a")
    status, out, err = command(*words)
    assert status == 0, err
    assert out.count("Epoch ") == 2
    assert "\b" not in out
    assert "\r" not in out
    assert err == ""


def test_the_version_is_shown(command):
    status, out, _ = command("--version")
    assert status == 0
    assert out.startswith("amalthea ")


@pytest.mark.parametrize(
    "words", [["--help"], ["list"], ["describe", "lenet5"], ["train", "lenet5", "--help"]]
)
def test_what_needs_no_keras_does_not_import_it(words):
    code = f"""
import sys
from amalthea.jobs import cli
sys.argv = ["amalthea", *{words!r}]
try:
    cli.main()
except SystemExit as exit:
    assert exit.code == 0, exit.code
assert not {{"keras", "tensorflow", "numpy"}} & set(sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ
    )
    assert done.returncode == 0, done.stderr
