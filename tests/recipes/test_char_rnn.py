import csv
import json
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
from scipy.stats import chisquare

from amalthea import data, jobs
from amalthea.data.features import words
from amalthea.errors import UserError
from amalthea.recipes import char_rnn

from harness import batch, build, call_endpoint, one_sentence

PROMPTS = np.array([[1, 2, 3], [4, -1, -1]], "int32")


def go_on(model, prompts=PROMPTS, n=5, temperature=1.0, seed=3, top_k=0, top_p=1.0):
    given = {"numbers": prompts, "temperature": temperature, "seed": seed}
    given |= {"top_k": top_k, "top_p": top_p}
    return call_endpoint(model, "continue", n=n, **given)["numbers"]


def test_later_characters_do_not_matter():
    model, (text, _) = build("char_rnn"), batch("char_rnn")
    other = text.copy()
    other[:, 3] = (other[:, 3] + 1) % 5
    same, changed = model.predict(text, verbose=0), model.predict(other, verbose=0)
    np.testing.assert_allclose(same[:, :3], changed[:, :3], rtol=1e-6)
    assert (np.abs(same[:, 3:] - changed[:, 3:]).max(axis=(1, 2)) > 0).all()


def test_a_prompt_is_kept_and_goes_on_by_so_many_characters():
    numbers = go_on(build("char_rnn"))
    assert numbers.shape == (2, 8)
    assert numbers[0, :3].tolist() == [1, 2, 3]
    assert numbers[1, 0] == 4
    assert (numbers[0] >= 0).all()
    assert (numbers[1] >= 0).tolist() == [True] * 6 + [False] * 2


def test_at_temperature_0_each_character_is_the_likeliest_one():
    model = build("char_rnn")
    numbers = go_on(model, n=9, temperature=0.0)[:1]
    most_probable = model.predict(numbers, verbose=0).argmax(-1)
    np.testing.assert_array_equal(numbers[0, 3:], most_probable[0, 2:-1])
    np.testing.assert_array_equal(go_on(model, n=9, temperature=0.0, seed=7)[:1], numbers)


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_characters_are_drawn_by_their_probabilities(temperature):
    model, prompts = build("char_rnn"), np.tile(PROMPTS[:1], (4000, 1))
    model.get_layer("logits").kernel.assign(3 * model.get_layer("logits").kernel)
    drawn = go_on(model, prompts, n=1, temperature=temperature)[:, -1]
    logits = model.predict(PROMPTS[:1], verbose=0)[0, -1].astype("float64") / temperature
    expected = np.exp(logits - np.logaddexp.reduce(logits)) * len(drawn)
    assert chisquare(np.bincount(drawn, minlength=5), expected).pvalue > 1e-3
    assert not np.array_equal(drawn, go_on(model, prompts, n=1, temperature=temperature, seed=4))


@pytest.mark.parametrize(("top_k", "top_p"), [(2, 1.0), (0, 0.6), (3, 0.7)])
def test_only_the_most_probable_characters_are_drawn_by_what_they_are_to_each_other(top_k, top_p):
    model, prompts = build("char_rnn"), np.tile(PROMPTS[:1], (4000, 1))
    model.get_layer("logits").kernel.assign(6 * model.get_layer("logits").kernel)
    drawn = go_on(model, prompts, n=1, top_k=top_k, top_p=top_p)[:, -1]
    logits = model.predict(PROMPTS[:1], verbose=0)[0, -1].astype("float64")
    probabilities = np.exp(logits - np.logaddexp.reduce(logits))
    order = np.argsort(-probabilities)[: top_k or 5]
    shares = probabilities[order] / probabilities[order].sum()
    kept = order[np.r_[0, shares.cumsum()[:-1]] < top_p]
    assert 1 <= len(kept) < 5
    assert set(drawn) == set(kept)
    if len(kept) > 1:
        expected = len(drawn) * probabilities[kept] / probabilities[kept].sum()
        found = np.bincount(drawn, minlength=5)[kept]
        assert chisquare(found, expected).pvalue > 1e-3


def test_what_stands_for_unknown_characters_is_not_drawn():
    model = build("char_rnn", vocabulary=f"ab{words.UNKNOWN}c")
    model.get_layer("logits").bias.assign([0.0, 0.0, 9.0, 0.0])
    prompts = np.tile([[0, 2]], (200, 1))
    drawn = go_on(model, prompts, n=3)[:, 2:]
    assert set(drawn.ravel()) == {0, 1, 3}
    assert set(go_on(model, prompts, n=3, temperature=0)[:, 2:].ravel()) <= {0, 1, 3}


@pytest.mark.parametrize("wrong", [-1, 5, 0.5, np.nan])
def test_numbers_beyond_the_vocabulary_are_refused_before_the_first_step(wrong):
    model, (text, following) = build("char_rnn"), batch("char_rnn")
    for changed in ("x", "y"):
        given = {"x": text.astype("float32"), "y": following.astype("float32")}
        given[changed][2, 3] = wrong
        with pytest.raises(UserError, match=r"^char_rnn takes .* from 0 to 4, got") as error:
            model.fit(**given, verbose=0)
        one_sentence(error)
    with pytest.raises(UserError, match=r"got some of shape \(\)"):
        model.fit(text[:, 0], following, verbose=0)
    with pytest.raises(UserError, match="from 0 to 4, got none"):
        model.fit(text, verbose=0)
    assert not model.optimizer.built


def test_weights_of_classes_are_refused_where_there_is_no_one_class():
    with pytest.raises(UserError, match="one class each, and char_rnn learns from texts"):
        build("char_rnn").fit(*batch("char_rnn"), class_weight={0: 1.0}, verbose=0)


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "own.txt"
    path.write_text("the cat sat on the mat.\n" * 40 + "é", "utf-8")
    return path


@pytest.fixture(scope="module")
def run(text, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "a"
    settings = {"arguments": {"hidden_units": (24,), "learning_rate": 0.02}, "batch_size": 8}
    settings |= {"sequence_length": 16, "epochs": 25, "verbose": 0}
    return jobs.train("char_rnn", f"text:{text}", out=out, **settings)


@pytest.mark.tensorflow
@pytest.mark.slow
def test_a_text_is_learnt_and_goes_on_from_a_prompt(run):
    assert jobs.evaluate(run.path)["bits_per_character"] < 1
    (written,) = jobs.sample(run.path, prompt="the ", temperature=0, length=40)
    assert written == ("the cat sat on the mat.\n" * 2)[:44]
    assert len(jobs.sample(run.path, 3, seed=1)) == 3
    assert {path.suffix for path in (run.path / "samples").iterdir()} == {".txt"}
    settings = json.loads((run.path / "run.json").read_text())
    assert settings["features"]["text"]["vocabulary"] == settings["arguments"]["vocabulary"]
    resumed = jobs.resume(run.path, epochs=26, verbose=0)
    assert len((resumed.path / "log.csv").read_text().splitlines()) == 27
    # A text with other characters is read by the vocabulary that the model knows.
    assert jobs.evaluate(run.path, "python_docs")["bits_per_character"] > 3


@pytest.mark.tensorflow
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:the data of")
def test_a_run_goes_on_with_another_text_by_the_vocabulary_that_it_knows(run, text, tmp_path):
    (tmp_path / "other.txt").write_text("!" + text.read_text("utf-8"), "utf-8")  # numbers move on
    out = shutil.copytree(run.path, tmp_path / "a")
    other = f"text:{tmp_path / 'other.txt'}"
    more = {"epochs": run.settings["epochs"] + 1, "accept_changed_data": True, "verbose": 0}
    resumed = jobs.resume(out, other, **more)
    *_, last = csv.DictReader((resumed.path / "log.csv").read_text().splitlines())
    assert float(last["val_loss"]) < 0.5  # by its own numbers it is 1.4


@pytest.mark.tensorflow
@pytest.mark.slow
def test_a_server_gives_texts_for_texts(run):
    out = jobs.export(run.path)
    code = """
import sys
import tensorflow as tf
sample = tf.saved_model.load(sys.argv[1]).signatures["sample"]
given = {"prompts": tf.constant(["the ", "", "the cat"]), "n": tf.constant(20)}
given |= {"top_k": tf.constant(0), "top_p": tf.constant(1.0), "seed": tf.constant(0)}
texts = sample(**given, temperature=tf.constant(0.0))["texts"]
print("|".join(text.decode() for text in texts.numpy()), end="")
"""
    done = subprocess.run([sys.executable, "-c", code, out], capture_output=True, text=True)
    line = "the cat sat on the mat.\n" * 2
    assert done.stdout == f"{line[:24]}|{line[:20]}|{line[:27]}", done.stderr
    assert "next" not in json.loads((out / "recipe.json").read_text())["features"]


@pytest.mark.tensorflow
@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"prompt": ""}, "prompt must be a text of one character or more, got ''"),
        ({"temperature": -1}, "temperature must be a number of at least 0, got -1"),
        ({"length": 0}, "length must be"),
        ({"top_k": -1}, "top_k must be a whole number of at least 0, got -1"),
        ({"top_p": 0}, "top_p must be a number above 0 and at most 1, got 0"),
        ({"steps": 3}, "char_rnn writes texts, got steps=3"),
        ({"label": 1}, "char_rnn writes texts, got label=1"),
        ({"grid": "a.png"}, "char_rnn writes texts, got grid='a.png'"),
    ],
)
def test_what_cannot_be_written_is_one_sentence(run, asked, message):
    with pytest.raises(UserError, match=message) as error:
        jobs.sample(run.path, **asked)
    one_sentence(error)


@pytest.mark.tensorflow
def test_a_recipe_of_images_learns_from_no_text_and_a_language_model_from_no_images(tmp_path):
    with pytest.raises(UserError, match="lenet5 learns from images, and python_docs has none"):
        jobs.train("lenet5", "python_docs", out=tmp_path / "a")
    with pytest.raises(UserError, match="char_rnn learns from texts, and digits has none"):
        jobs.train("char_rnn", "digits", out=tmp_path / "a")
    assert not list(tmp_path.iterdir())


def test_two_biases_are_those_of_lstm_layers():
    with pytest.raises(UserError, match="two_biases are those of cell='lstm', got cell='gru'"):
        char_rnn("ab", cell="gru", two_biases=True)


def test_texts_are_read_as_the_source_reads_them():
    examples = data.read("python_docs", "train", sequence_length=30)
    feature, rows = examples.features["text"], examples.columns["text"]
    assert rows.shape[1] == 31
    np.testing.assert_array_equal(rows[:-1, -1], rows[1:, 0])
    assert "\N{REPLACEMENT CHARACTER}" in feature.vocabulary
    assert keras.utils.to_categorical(rows[:2], len(feature.vocabulary)).sum() == 62
