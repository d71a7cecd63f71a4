import json
import subprocess
import sys

import numpy as np
import pytest

from amalthea import jobs
from amalthea.data.features.words import WRITTEN
from amalthea.errors import UserError
from amalthea.recipes import get_recipe, recurrent_tagger

from harness import call_endpoint, one_sentence

RANDOM = np.random.default_rng(0)
WORDS = RANDOM.integers(1, 20, (6, 9)).astype("int32")
LENGTHS = np.array([9, 4, 1, 7, 9, 2])
PADDED = np.where(np.arange(9) < LENGTHS[:, None], WORDS, 0)
LABELS = (WORDS % 3).astype("int32")


def net(**arguments):
    return recurrent_tagger(
        20, 3, **{"embedding_units": 4, "hidden_units": (5,), "seed": 0} | arguments
    )


@pytest.mark.parametrize("bidirectional", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_padded_batch_is_its_texts_alone(bidirectional):
    model = net(bidirectional=bidirectional)
    both = model.predict(PADDED, verbose=0)
    losses, right = 0.0, 0
    for row, length in enumerate(LENGTHS):
        x, y = WORDS[row : row + 1, :length], LABELS[row : row + 1, :length]
        alone = model.predict(x, verbose=0)
        np.testing.assert_allclose(both[row, :length], alone[0], atol=1e-5)
        loss, accuracy = model.evaluate(x, y, verbose=0)
        losses, right = losses + length * loss, right + length * accuracy
    # What stands beside padding counts in neither, whatever it is.
    wrong = np.where(PADDED > 0, LABELS, (LABELS + 1) % 3)
    for labels in (LABELS, wrong):
        loss, accuracy = model.evaluate(PADDED, labels, batch_size=6, verbose=0)
        assert loss == pytest.approx(losses / LENGTHS.sum(), rel=1e-5)
        assert accuracy == pytest.approx(right / LENGTHS.sum(), rel=1e-5)


def test_labels_are_the_most_probable_ones_and_padding_has_none():
    model = net()
    labels = call_endpoint(model, "label", tokens=PADDED)["labels"]
    np.testing.assert_array_equal(labels >= 0, PADDED > 0)
    best = model.predict(PADDED, verbose=0).argmax(-1)
    np.testing.assert_array_equal(labels[PADDED > 0], best[PADDED > 0])


def test_rare_classes_are_measured_too():
    model = net()
    figures = get_recipe("recurrent_tagger").measures(model, PADDED, LABELS, 4)
    known = PADDED > 0
    true, found = LABELS[known], model.predict(PADDED, verbose=0).argmax(-1)[known]
    assert figures["most_frequent_accuracy"] == pytest.approx(np.bincount(true).max() / true.size)
    from sklearn.metrics import f1_score

    wanted = f1_score(true, found, labels=np.unique(true), average="macro", zero_division=0)
    assert figures["macro_f1"] == pytest.approx(wanted)


@pytest.mark.parametrize("wrong", [-1, 3])
def test_labels_beyond_the_classes_are_refused(wrong):
    labels = LABELS.copy()
    labels[1, 2] = wrong
    with pytest.raises(UserError, match=r"learns from labels of tokens, .* from 0 to 2, got") as e:
        net().fit(PADDED, labels, verbose=0)
    one_sentence(e)
    with pytest.raises(UserError, match="learns from labels of tokens"):
        net().fit(PADDED, LABELS[:, 0], verbose=0)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tagger")
    text = "Ask Anna, the HTTP server. It's on! " * 200
    (folder / "own.txt").write_text(text, "utf-8")
    arguments = {"embedding_units": 8, "hidden_units": (12,), "learning_rate": 0.02}
    settings = {"batch_size": 8, "sequence_length": 10, "epochs": 8, "verbose": 0}
    source = f"written:text:{folder / 'own.txt'}"
    return jobs.train("recurrent_tagger", source, out=folder / "a", arguments=arguments, **settings)


@pytest.mark.tensorflow
@pytest.mark.slow
def test_texts_are_written_as_they_should_be(run, tmp_path):
    figures = jobs.evaluate(run.path)
    assert figures["accuracy"] > 0.99 > figures["most_frequent_accuracy"]
    out = jobs.export(run.path)
    code = """
import sys
import tensorflow as tf
tag = tf.saved_model.load(sys.argv[1]).signatures["tag"]
texts = tag(texts=tf.constant(["its on ask anna the http server its on", "", "anna THE"]))["texts"]
print("|".join(text.decode() for text in texts.numpy()), end="")
"""
    done = subprocess.run([sys.executable, "-c", code, out], capture_output=True, text=True)
    written = done.stdout.split("|")
    assert written[0] == "Its on! Ask Anna, the HTTP server. Its on!", done.stderr
    assert written[1] == ""
    assert written[2].startswith("Anna,")
    (tmp_path / "a.txt").write_text("on ask anna")
    (row,) = jobs.predict(run.path, [tmp_path / "a.txt"]).rows()
    assert row["labels"] == ["xx!", "Xx", "Xx,"]
    json.dumps(row)


@pytest.mark.tensorflow
def test_other_classes_stand_behind_a_stroke():
    import tensorflow as tf

    model = recurrent_tagger(("", "\N{REPLACEMENT CHARACTER}", "a", "b"), 2, ("yes", "no"))
    model.get_layer("scores").bias.assign([0.0, 9.0])
    tag = get_recipe("recurrent_tagger").endpoints["tag"].bind(model)
    texts = tag({"texts": tf.constant(["A, b!", ""])})["texts"].numpy()
    assert list(texts) == [b"a/no b/no", b""]
    assert len(WRITTEN) == 21


@pytest.mark.exhaustive
def test_the_copying_problem_is_solved():
    from amalthea import data

    sets = {split: data.read("copying", split, sequence_length=21) for split in ("train", "test")}
    entry = get_recipe("recurrent_tagger")
    model = entry.build(
        **entry.from_data(sets["train"].features),
        embedding_units=16,
        hidden_units=(128,),
        cell="gru",
        bidirectional=False,
        learning_rate=1e-2,
        seed=0,
    )
    x, y = entry.task.arrays(sets["train"])
    for rate in (1e-2, 1e-2, 1e-3, 1e-3):
        model.optimizer.learning_rate.assign(rate)
        model.fit(x, y, batch_size=64, verbose=0)
        loss, _ = model.evaluate(*entry.task.arrays(sets["test"]), verbose=0)
        if loss < 1e-3:
            break
    assert loss < 1e-3 < 10 * np.log(8) / 21
