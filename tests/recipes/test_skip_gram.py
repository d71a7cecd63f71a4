"""What is special about vectors of words: questions to them, their text, how they are learnt."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

from amalthea import data, jobs
from amalthea.data.features import words
from amalthea.errors import UserError
from amalthea.recipes import get_recipe, skip_gram

from harness import arrays, call_endpoint, one_sentence

WORDS = (words.UNKNOWN, "man", "woman", "king", "queen", "apple", "pear", "cat's", "dog")
WORDS = tuple(word.replace("'", "") for word in WORDS)
# Along the axes: person, female, royal, fruit.
VECTORS = [
    (9, 9, 9, 9),  # what stands for unknown words would be near to all
    (1, 0, 0, 0),
    (1, 1, 0, 0),
    (2, 0, 2, 0),
    (3, 3, 3, 0),
    (0, 0, 0, 1),
    (0, 0.1, 0, 2),
    (0, 0.2, 0.1, 1),
    (0.1, 0, 0.5, 1),
]


def known():
    """A model whose vectors mean something."""
    model = skip_gram(WORDS, embedding_units=4, seed=0)
    model.get_layer("embedding").embeddings.assign(np.array(VECTORS, "float32"))
    return model


def nearest(query, without):
    """Numbers of words by their cosines with a vector, the largest first, and the cosines."""
    unit = np.array(VECTORS) / np.linalg.norm(VECTORS, axis=1, keepdims=True)
    cosines = unit @ (query / np.linalg.norm(query))
    order = [i for i in np.argsort(-cosines) if i not in {0, *without}]
    return order, cosines[order]


def test_neighbours_are_those_of_the_largest_cosine_but_the_word_itself():
    got = call_endpoint(known(), "nearest_numbers", numbers=[3, 7], n=4)
    for row, query in enumerate((3, 7)):
        order, cosines = nearest(np.array(VECTORS[query]), {query})
        np.testing.assert_array_equal(got["numbers"][row], order[:4])
        np.testing.assert_allclose(got["similarities"][row], cosines[:4], rtol=1e-5)


def test_an_analogy_is_a_sum_of_unit_vectors_without_the_words_asked():
    a, b, c = 1, 2, 3
    got = call_endpoint(known(), "analogy_numbers", questions=[[a, b, c]], n=3)
    unit = np.array(VECTORS) / np.linalg.norm(VECTORS, axis=1, keepdims=True)
    order, cosines = nearest(unit[b] - unit[a] + unit[c], {a, b, c})
    assert order[0] == 4
    np.testing.assert_array_equal(got["numbers"][0], order[:3])
    np.testing.assert_allclose(got["similarities"][0], cosines[:3], rtol=1e-5)


def test_a_question_with_an_unknown_word_has_unknown_words_for_an_answer():
    got = call_endpoint(known(), "analogy_numbers", questions=[[1, 0, 3], [1, 2, 3]], n=2)
    np.testing.assert_array_equal(got["numbers"][0], [0, 0])
    np.testing.assert_array_equal(got["similarities"][0], [0, 0])
    assert got["numbers"][1, 0] == 4


def test_there_are_no_more_answers_than_words():
    assert call_endpoint(known(), "nearest_numbers", numbers=[3], n=50)["numbers"].shape == (1, 7)


def test_words_are_served_as_their_input_vectors():
    got = call_endpoint(known(), "serve", tokens=[[3, 0], [8, 1]])["embeddings"]
    np.testing.assert_allclose(got, np.array(VECTORS, "float32")[[[3, 0], [8, 1]]])


@pytest.mark.tensorflow
def test_words_are_asked_about_as_they_are_written():
    model, ask = known(), get_recipe("skip_gram").endpoints["nearest"]
    import tensorflow as tf

    asked = tf.constant(
        ["King ", "  'PEAR',", "cat\N{RIGHT SINGLE QUOTATION MARK}s", "two words", "", "tyre"]
    )
    got = ask.bind(model)({"words": asked, "n": tf.constant(2)})
    by_number = call_endpoint(model, "nearest_numbers", numbers=[3, 6, 7, 0, 0, 0], n=2)
    np.testing.assert_allclose(got["similarities"], by_number["similarities"])
    for row, numbers in zip(got["words"].numpy(), by_number["numbers"], strict=True):
        assert [word.decode() for word in row] == [WORDS[number] for number in numbers]
    ask_analogy = get_recipe("skip_gram").endpoints["analogy"].bind(model)
    a, b, c = (tf.constant([word]) for word in ("man", "Woman", "king"))
    answer = ask_analogy({"a": a, "b": b, "c": c, "n": tf.constant(1)})
    assert answer["words"].numpy().tolist() == [[b"queen"]]
    none = ask.bind(model)({"words": tf.constant([], tf.string), "n": tf.constant(2)})
    assert none["words"].shape == (0, 2)


def test_a_model_of_numbers_takes_no_words():
    with pytest.raises(UserError, match="to take strings it must have the words"):
        get_recipe("skip_gram").endpoints["nearest"].bind(skip_gram(9, embedding_units=2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vocabulary": ("a", "b", words.UNKNOWN)}, "of which the first is U"),
        ({"vocabulary": (words.UNKNOWN, "a", "a")}, "vocabulary must be words, all different"),
        ({"vocabulary": 2}, "vocabulary must be words"),
        ({"vocabulary": 5, "counts": (0, 1)}, "counts must be one for each of 5 words, got 2"),
        ({"vocabulary": 3, "counts": (5, 0, 0)}, "not all known ones never, or None, got"),
        ({"vocabulary": 5, "subsample": -0.1}, "subsample must be a number of at least 0"),
    ],
)
def test_an_argument_that_makes_no_sense_is_one_sentence(arguments, message):
    with pytest.raises(UserError, match=message) as error:
        skip_gram(**arguments)
    one_sentence(error)


@pytest.mark.parametrize("cbow", [False, True])
def test_the_share_of_true_pairs_that_are_told_is_counted(cbow):
    model = skip_gram(WORDS, embedding_units=2, cbow=cbow, seed=0)
    layer, measures = model.get_layer("embedding"), get_recipe("skip_gram").measures
    # Two topics of equal lengths, and words that are unknown, which do not count.
    rows = [[1, 2, 0, 3, 1, 2], [4, 5, 6, 0, 4, 5]]
    text = np.tile(rows, (300, 1))
    # All scores are equal at first, and a draw is half a win.
    assert measures(model, text, None, 64) == {"auc": 0.5}
    topics = np.zeros((9, 2))
    topics[[1, 2, 3], 0] = topics[[4, 5, 6], 1] = 1
    layer.embeddings.assign(topics)
    layer.context_embeddings.assign(topics)
    # A word of the other topic is always told, and one of the same is a draw.
    assert measures(model, text, None, 64)["auc"] == pytest.approx(0.75, abs=0.02)
    # Who knows frequencies alone tells as many words rightly as wrongly.
    layer.embeddings.assign(np.ones((9, 2)))
    assert measures(model, text, None, 64)["auc"] == pytest.approx(0.5, abs=0.03)


def test_the_step_size_falls_to_almost_nothing():
    found = get_recipe("skip_gram").schedule({"learning_rate": 0.2})
    shares = [found.multiplier(share) for share in (0, 0.5, 0.8, 1)]
    np.testing.assert_allclose(shares, [1, 0.5, 0.2, 1e-4])


@pytest.mark.parametrize("cbow", [False, True])
def test_a_training_goes_on_exactly(tmp_path, cbow):
    text = np.random.default_rng(0).integers(0, 9, (24, 12))
    fit = {"batch_size": 8, "shuffle": False, "verbose": 0}
    settings = {"embedding_units": 3, "subsample": 0.1, "cbow": cbow, "seed": 2}
    whole, half = (skip_gram(9, **settings) for _ in range(2))
    whole.fit(text, epochs=3, **fit)
    half.fit(text, epochs=1, **fit)
    half.save(tmp_path / "a.keras")
    again = keras.models.load_model(tmp_path / "a.keras")
    again.fit(text, initial_epoch=1, epochs=3, **fit)
    for a, b in zip(arrays(whole.variables), arrays(again.variables), strict=True):
        np.testing.assert_array_equal(a, b)
    # What is drawn goes on from epoch to epoch: the second would be another with the first's.
    other = skip_gram(9, **settings)
    other.set_weights(half.get_weights())
    other.fit(text, initial_epoch=1, epochs=3, **fit)
    embeddings = [m.get_layer("embedding").embeddings for m in (whole, other)]
    assert not np.array_equal(*map(ops.convert_to_numpy, embeddings))


# Text.


def written(tmp_path, text):
    (tmp_path / "own.txt").write_text(text, "utf-8")
    return f"plain:text:{tmp_path / 'own.txt'}"


def test_plain_words_are_words_alone_in_lower_case_with_their_counts(tmp_path):
    name = written(tmp_path, "The cat, the DOG's 2 cats!\n" * 100)
    examples = data.read(name, sequence_length=6)
    text = examples.features["text"]
    assert text.vocabulary == (words.UNKNOWN, "the", "2", "cat", "cats", "dogs")
    assert text.rule == "plain"
    assert text.kind == "sequences of plain words, such as plain:NAME"
    assert text.decode(examples.columns["text"][0]) == "the cat the dogs 2 cats the"
    assert text.counts[0] < 2  # a word that the end of the split cuts
    assert abs(text.counts[1] - 160) < 2
    np.testing.assert_allclose(text.counts[2:], 80, atol=1)
    # They are those of the training text, in all splits, and of words that are known.
    assert data.read(name, "test", sequence_length=6).features["text"] == text
    fewer = data.read(name, sequence_length=6, vocabulary_size=3).features["text"]
    assert fewer.vocabulary == text.vocabulary[:3]
    assert fewer.counts[0] == sum(text.counts) - sum(text.counts[1:3])
    assert type(text).from_config(json.loads(json.dumps(text.config()))) == text


def test_windows_reach_over_words_of_one_row_that_begin_where_the_one_before_ends(tmp_path):
    task = get_recipe("skip_gram").task
    examples = data.read(written(tmp_path, "a b c d e f g " * 40), sequence_length=10)
    rows = task.select(examples).columns["text"]
    assert rows.shape[1] == 10
    assert task.select(task.select(examples)).columns["text"].shape[1] == 10
    np.testing.assert_array_equal(
        rows.ravel()[:40], examples.features["text"].encode("a b c d e f g " * 6)[:40]
    )


@pytest.mark.parametrize(
    ("recipe", "source", "message"),
    [
        (
            "skip_gram",
            "words:python_docs",
            "takes sequences of plain words, such as plain:NAME, but",
        ),
        ("skip_gram", "python_topics", "takes sequences of plain words, .* the data have texts"),
        ("word_lm", "plain:python_docs", "but the data have sequences of plain words"),
        ("skip_gram", "plain:digits", "plain:digits needs a text, such as .* and digits is none"),
    ],
)
@pytest.mark.tensorflow
def test_a_text_of_other_tokens_is_one_sentence(recipe, source, message, tmp_path):
    with pytest.raises(UserError, match=message) as error:
        jobs.train(recipe, source, out=tmp_path / "a", verbose=0)
    one_sentence(error)


# Learning.

ROLES = {
    "subject": ("cat", "dog", "fox", "cow"),
    "verb": ("sees", "hears", "meets", "hunts"),
    "object": ("stone", "tree", "river", "house"),
    "time": ("today", "often", "never", "again"),
}


def artificial(sentences):
    """Sentences in which any word of a role may stand for any other one."""
    random = np.random.default_rng(0)
    rows = [[random.choice(of) for of in ROLES.values()] for _ in range(sentences)]
    return "\n".join(" ".join(row) + "." for row in rows)


@pytest.mark.exhaustive
@pytest.mark.tensorflow
@pytest.mark.parametrize("cbow", [False, True])
def test_words_of_one_role_become_nearest_neighbours(tmp_path, cbow):
    name = written(tmp_path, artificial(6000))
    arguments = {"embedding_units": 16, "window": 2, "subsample": 0.0, "cbow": cbow}
    # Each of the few words is in every batch many times, so that the usual steps would be too long.
    arguments["learning_rate"] = 0.03
    run = jobs.train("skip_gram", name, out=tmp_path / "a", arguments=arguments, verbose=0)
    out = jobs.export(run.path)
    code = """
import sys
import tensorflow as tf
serve = tf.saved_model.load(sys.argv[1])
found = serve.signatures["nearest"](words=tf.constant(sys.argv[2:]), n=tf.constant(3))
for row in found["words"].numpy():
    print(*sorted(word.decode() for word in row))
"""
    asked = [word for role in ROLES.values() for word in role]
    done = subprocess.run([sys.executable, "-c", code, out, *asked], capture_output=True, text=True)
    wanted = [sorted(set(role) - {word}) for role in ROLES.values() for word in role]
    assert [line.split() for line in done.stdout.splitlines()] == wanted, done.stderr
    figures = jobs.evaluate(run.path)
    assert figures["loss"] < 6 * np.log(2) - 0.2
    # All roles are among the five words on either side that this asks about.
    assert figures["auc"] > 0.52
    log = np.genfromtxt(run.path / "log.csv", delimiter=",", names=True)
    assert log["val_auc"][-1] > 0.52
    vectors = jobs.predict(run.path, ["cat", "stone house"]).outputs["embeddings"]
    assert vectors.shape == (2, 2, 16)
