import subprocess
import sys

import keras
import numpy as np
import pytest

from amalthea import data, jobs
from amalthea.errors import UserError
from amalthea.recipes import (
    get_recipe,
    irnn,
    recurrent_classifier,
    recurrent_text_classifier,
)
from amalthea.recipes.recurrent import CELLS

from harness import build, call_endpoint, one_sentence

RANDOM = np.random.default_rng(0)
TOKENS = np.array([[2, 3, 4, 1, 2], [4, 2, 0, 0, 0], [3, 0, 0, 0, 0], [0, 0, 0, 0, 0]], "int32")


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(
    "cell", ["gru", *(pytest.param(c, marks=pytest.mark.slow) for c in CELLS if c != "gru")]
)
def test_in_a_batch_filled_up_each_text_has_the_scores_that_it_has_alone(cell, bidirectional):
    model = build("recurrent_text_classifier", cell=cell, bidirectional=bidirectional)
    together = model.predict(TOKENS, verbose=0)
    for row, scores in zip(TOKENS, together, strict=True):
        alone = model.predict(row[: max(1, np.count_nonzero(row))][None], verbose=0)
        np.testing.assert_allclose(alone[0], scores, rtol=1e-5, atol=1e-6)


def test_a_word_changes_the_scores_of_its_own_text_alone_and_so_does_their_order():
    model = build("recurrent_text_classifier")
    other = TOKENS.copy()
    other[0, 1:3] = other[0, [2, 1]]
    same, changed = (model.predict(tokens, verbose=0) for tokens in (TOKENS, other))
    np.testing.assert_allclose(same[1:], changed[1:], rtol=1e-6)
    assert np.abs(same[0] - changed[0]).min() > 0


def test_of_two_classes_the_probability_is_the_sigmoid_of_one_score():
    model = build("recurrent_text_classifier", num_classes=2)
    scores = model.predict(TOKENS, verbose=0)
    assert model.get_layer("scores").units == 1
    np.testing.assert_array_equal(scores[:, 0], 0)
    probabilities = call_endpoint(model, "tokens", tokens=TOKENS)["probabilities"]
    np.testing.assert_allclose(probabilities[:, 1], 1 / (1 + np.exp(-scores[:, 1])), rtol=1e-6)
    labels = np.array([0, 1, 1, 0])
    loss = model.evaluate(TOKENS, labels, verbose=0, return_dict=True)["loss"]
    expected = keras.losses.binary_crossentropy(labels, probabilities[:, 1])
    assert loss == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.tensorflow
def test_strings_have_the_probabilities_of_their_words_up_to_the_length():
    import tensorflow as tf

    model = build("recurrent_text_classifier", sequence_length=4)
    texts = ["a B, c? d a", "C a", "b", ""]
    served = get_recipe("recurrent_text_classifier").endpoints["serve"].bind(model)
    found = served({"texts": tf.constant(texts)})["probabilities"].numpy()
    expected = call_endpoint(model, "tokens", tokens=TOKENS[:, :4])["probabilities"]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.tensorflow
def test_a_model_that_knows_no_words_takes_no_strings():
    entry = get_recipe("recurrent_text_classifier")
    model = recurrent_text_classifier(50, embedding_units=4, hidden_units=(3,))
    with pytest.raises(UserError, match="to take strings it must have the words") as error:
        entry.endpoints["serve"].bind(model)
    one_sentence(error)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vocabulary": ("a", "b", "c")}, "must be words, all different, of which the first is ''"),
        ({"vocabulary": ("", "\N{REPLACEMENT CHARACTER}", "a", "a")}, "all different"),
        ({"vocabulary": 2}, "or their number, got 2"),
        ({"vocabulary": tuple(map(str, range(1000)))}, r"got \('0', '1', .*\.\.\.\)$"),
        ({"sequence_length": 0}, "sequence_length must be"),
        ({"cell": "transformer"}, "cell must be one of 'lstm'"),
    ],
)
def test_what_makes_no_classifier_of_texts_is_one_short_sentence(arguments, message):
    with pytest.raises(UserError, match=message) as error:
        recurrent_text_classifier(**arguments)
    assert len(one_sentence(error)) < 250


def test_an_irnn_adds_up_what_enters_at_first():
    model = irnn(steps=9, channels=1, num_classes=3)
    recurrent = model.get_layer("irnn_1")
    kernel, identity, bias = recurrent.get_weights()
    np.testing.assert_array_equal(identity, np.eye(100))
    assert 0.5e-3 < kernel.std() < 2e-3
    assert not bias.any()
    recurrent.cell.kernel.assign(np.abs(kernel))  # all that enters is positive then
    series = RANDOM.random((4, 9, 1), dtype="float32")
    features = call_endpoint(model, "features", series=series)["features"]
    np.testing.assert_allclose(features, series.sum(1) * np.abs(kernel), rtol=1e-4)


def test_the_way_back_is_a_net_of_its_own_that_reads_the_first_step_last():
    one, both = (
        recurrent_classifier(6, 2, 3, hidden_units=(4,), bidirectional=both, seed=0)
        for both in (False, True)
    )
    assert one.get_layer("features").output.shape == (None, 4)
    assert both.get_layer("features").output.shape == (None, 8)
    series = RANDOM.random((4, 6, 2), dtype="float32")
    features = call_endpoint(both, "features", series=series)["features"]
    layer = both.get_layer("bidirectional_1")
    for half, way, read in (
        (features[:, :4], layer.forward_layer, series),
        (features[:, 4:], layer.backward_layer, series[:, ::-1]),
    ):
        one.get_layer("lstm_1").set_weights(way.get_weights())
        alone = call_endpoint(one, "features", series=read)["features"]
        np.testing.assert_allclose(alone, half, rtol=1e-5, atol=1e-6)


@pytest.mark.tensorflow
@pytest.mark.slow
def test_handwritten_digits_are_told_row_by_row():
    train, test = data.read("rows:digits"), data.read("rows:digits", "test")
    model = recurrent_classifier(8, 8, hidden_units=(64,), learning_rate=5e-3, seed=0)
    fit = {"epochs": 12, "batch_size": 32, "verbose": 0}
    model.fit(train.given("series"), train.given("label"), **fit)
    accuracy = model.evaluate(test.given("series"), test.given("label"), verbose=0)[1]
    assert accuracy > 0.93, accuracy


def reviews(count=300):
    """Texts that no bag of words tells apart: what is said first is meant."""
    random = np.random.default_rng(1)
    labels = random.integers(0, 2, count)
    pairs = [("good", "bad") if label else ("bad", "good") for label in labels]
    filler = ["the film", "is", "and", "not", "so", "it", "was", "all in all"]
    texts = [
        " ".join([*random.choice(filler, random.integers(0, 4)), first, "then", second])
        for first, second in pairs
    ]
    return texts, np.array(["negative", "positive"])[labels]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    arguments = {"embedding_units": 8, "hidden_units": (16,), "learning_rate": 0.02}
    settings = {"arguments": arguments, "epochs": 8, "batch_size": 16, "verbose": 0}
    out = tmp_path_factory.mktemp("run") / "a"
    return jobs.train("recurrent_text_classifier", reviews(), out=out, **settings)


@pytest.mark.tensorflow
@pytest.mark.slow
def test_the_order_of_words_is_learnt_and_texts_and_files_are_asked_about(run, tmp_path):
    assert jobs.evaluate(run.path, reviews())["accuracy"] > 0.95
    found = jobs.predict(run.path, ["Good, then bad!", "it was BAD then good"])
    assert [row["class"] for row in found.rows()] == ["positive", "negative"]
    assert jobs.predict(run.path, "good then bad").rows()[0]["class"] == "positive"
    for name, text in (("a.txt", "bad then good"), ("b.txt", "so good then bad")):
        (tmp_path / name).write_text(text)
    by_file = jobs.predict(run.path, [tmp_path])
    assert by_file.names == [str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]
    assert [row["class"] for row in by_file.rows()] == ["negative", "positive"]
    (tmp_path / "a.csv").write_text('text,price\n"good, then bad",3\n')
    assert jobs.predict(run.path, tmp_path / "a.csv").rows()[0]["class"] == "positive"
    assert jobs.features(run.path, ["good then bad"]).shape == (1, 32)
    resumed = jobs.resume(run.path, reviews(), epochs=9, verbose=0)
    assert len((resumed.path / "log.csv").read_text().splitlines()) == 10


@pytest.mark.tensorflow
@pytest.mark.slow
def test_a_server_takes_strings(run):
    out = jobs.export(run.path, force=True)
    code = """
import sys
import tensorflow as tf
serve = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
texts = tf.constant(["good then bad", "Bad... then GOOD"])
print(serve(texts=texts)["probabilities"].numpy().argmax(1))
"""
    done = subprocess.run([sys.executable, "-c", code, out], capture_output=True, text=True)
    assert done.stdout == "[1 0]\n", done.stderr


@pytest.mark.tensorflow
@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ([], "there are no texts to predict"),
        (["good", 3], "texts must be strings, one an example, got 3 in row 1"),
    ],
)
def test_what_is_no_text_is_one_sentence(run, asked, message):
    with pytest.raises(UserError, match=message) as error:
        jobs.predict(run.path, asked)
    one_sentence(error)


@pytest.mark.tensorflow
@pytest.mark.slow
def test_paths_without_texts_are_one_sentence(run, tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    for path, message in (
        (tmp_path / "nowhere.txt", "there is no file .*nowhere.txt"),
        (tmp_path, r"there are no files \*.txt in"),
        (tmp_path / "a.csv", "a.csv has no column text, only a, b"),
    ):
        with pytest.raises(UserError, match=message) as error:
            jobs.predict(run.path, path)
        one_sentence(error)


@pytest.mark.tensorflow
def test_recipes_of_other_texts_are_not_for_these(tmp_path):
    with pytest.raises(
        UserError, match="takes sequences of characters, but the data have"
    ) as error:
        jobs.train("char_rnn", "python_topics", out=tmp_path / "a")
    assert len(one_sentence(error)) < 250
    with pytest.raises(UserError, match="learns from labels, and python_docs has none"):
        jobs.train("recurrent_text_classifier", "python_docs", out=tmp_path / "a")
    with pytest.raises(UserError, match="recurrent_classifier learns from series"):
        jobs.train("recurrent_classifier", "digits", out=tmp_path / "a")
    one_word = (["word"] * 20, np.arange(20) % 2)
    with pytest.raises(UserError, match=r"needs texts of two different words or more, .* has 1"):
        jobs.train("recurrent_text_classifier", one_word, out=tmp_path / "a")
    assert not list(tmp_path.iterdir())


@pytest.mark.tensorflow
@pytest.mark.slow
def test_texts_are_cut_at_the_length_that_the_model_knows(tmp_path):
    rows = "".join(f"{label},{text}\n" for text, label in zip(*reviews(60), strict=True))
    (tmp_path / "a.csv").write_text(f"label,text\n{rows}")
    arguments = {"embedding_units": 4, "hidden_units": (3,)}
    settings = {"arguments": arguments, "epochs": 1, "sequence_length": 2, "verbose": 0}
    run = jobs.train(
        "recurrent_text_classifier", f"table:{tmp_path / 'a.csv'}", out=tmp_path / "a", **settings
    )
    assert run.settings["arguments"]["sequence_length"] == 2
    found = jobs.predict(run.path, ["good then bad", "good then good"]).outputs["probabilities"]
    np.testing.assert_array_equal(*found)
    assert jobs.evaluate(run.path, reviews(60)).keys() == jobs.evaluate(run.path).keys()
