"""What models of text do beside writing characters: states over batches, and words."""

import json
import re
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

from amalthea import data, jobs
from amalthea.data.features import words
from amalthea.data.streams import rows_for_most
from amalthea.errors import UserError
from amalthea.recipes import char_rnn, get_recipe, word_lm

from harness import call_endpoint, one_sentence

TEXT = np.random.default_rng(0).integers(0, 5, 13 * 10 + 1).astype("int32")
ROWS = np.lib.stride_tricks.sliding_window_view(TEXT, 11)[::10]
X, Y = ROWS[:, :-1], ROWS[:, 1:]
# What is traced soonest, where neither the cell nor a second layer matters.
SIMPLE = {"cell": "simple", "hidden_units": (8,)}


def net(**arguments):
    return char_rnn("abcde", **{"hidden_units": (8, 6), "seed": 0, **arguments})


def cross_entropy(model, x, y):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return float(loss(y, model.predict(x, verbose=0)))


@pytest.mark.parametrize(
    "cell", ["lstm", *(pytest.param(cell, marks=pytest.mark.slow) for cell in ("gru", "simple"))]
)
def test_a_text_in_parts_is_the_text_as_a_whole(cell):
    model = net(cell=cell)
    whole = cross_entropy(model, X.reshape(1, -1), Y.reshape(1, -1))
    assert model.evaluate(X, Y, batch_size=1, verbose=0)[0] == pytest.approx(whole, rel=1e-6)
    apart = net(cell=cell, carried=False).evaluate(X, Y, batch_size=1, verbose=0)[0]
    assert abs(apart - whole) > 1e-4
    # Three streams of four parts each, and one part that is left out.
    three = [X[:12].reshape(3, -1), Y[:12].reshape(3, -1)]
    streams = model.evaluate(X, Y, batch_size=3, verbose=0)[0]
    assert streams == pytest.approx(cross_entropy(model, *three), rel=1e-6)
    figures = get_recipe("char_rnn").measures(model, X, Y, 64)
    assert figures["bits_per_character"] == pytest.approx(whole / np.log(2), rel=1e-6)


def test_gradients_end_where_a_batch_begins():
    model = net()
    before = [v.numpy() if hasattr(v, "numpy") else np.asarray(v) for v in model.weights]
    model.compile(keras.optimizers.SGD(1.0), model.loss)
    model.fit(X[:2], Y[:2], batch_size=1, verbose=0)
    moved = [ops.convert_to_numpy(v) for v in model.trainable_variables]
    # By hand: a step on the first part, and one on the second, from the states that it ended in.
    twin = net()
    for value, weight in zip(before, twin.weights, strict=True):
        weight.assign(value)
    apart = keras.optimizers.SGD(1.0)
    states = twin.first_states(1)
    for x, y in zip(X[:2], Y[:2], strict=True):
        _, after = twin.go_on(x[None], states)
        gradients = finite_gradients(twin, x[None], y[None], states)
        apart.apply(gradients, twin.trainable_variables)
        states = after
    for a, b in zip(moved, twin.trainable_variables, strict=True):
        np.testing.assert_allclose(a, ops.convert_to_numpy(b), atol=1e-6)


def finite_gradients(model, x, y, states):
    """The gradients of one part alone, by the means of the backend."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            value = loss(y, model.go_on(x, states)[0])
        return tape.gradient(value, [v.value for v in model.trainable_variables])
    import jax

    def of(values):
        pairs = zip(model.trainable_variables, values, strict=True)
        with keras.StatelessScope(state_mapping=pairs):
            return loss(y, model.go_on(x, states)[0])

    return jax.grad(of)([v.value for v in model.trainable_variables])


def test_every_epoch_begins_with_states_of_zeros_and_nothing_else_carries_any():
    model = net(learning_rate=1e-12)
    first, second = model.fit(X, Y, batch_size=3, epochs=2, verbose=0).history["loss"]
    assert first == pytest.approx(second, rel=1e-6)
    assert model.evaluate(X, Y, batch_size=3, verbose=0)[0] == pytest.approx(first, rel=1e-5)
    known = net().predict(X[:3], verbose=0)
    for _ in range(2):
        np.testing.assert_allclose(model.predict(X[:3], verbose=0), known, atol=1e-5)
        np.testing.assert_allclose(ops.convert_to_numpy(model(X[:3])), known, atol=1e-5)
        tokens = call_endpoint(model, "serve", tokens=X[:3])["probabilities"]
        np.testing.assert_allclose(tokens, np.asarray(ops.softmax(known)), atol=1e-5)
    alone = net(learning_rate=1e-12, carried=False).train_on_batch(X[:3], Y[:3])
    for _ in range(2):
        np.testing.assert_allclose(model.train_on_batch(X[:3], Y[:3]), alone, rtol=1e-5)


def test_held_out_parts_are_read_in_streams_too():
    model = net(learning_rate=1e-12, **SIMPLE)
    logs = model.fit(X, Y, batch_size=2, validation_split=0.3, verbose=0).history
    assert logs["val_loss"][0] == pytest.approx(
        model.evaluate(X[9:], Y[9:], batch_size=2, verbose=0)[0], rel=1e-5
    )
    given = {"validation_data": (X[:9], Y[:9]), "validation_batch_size": 3}
    logs = model.fit(X, Y, batch_size=2, **given, epochs=2, verbose=0).history
    wanted = model.evaluate(X[:9], Y[:9], batch_size=3, verbose=0)[0]
    np.testing.assert_allclose(logs["val_loss"], wanted, rtol=1e-5)


@pytest.mark.tensorflow
def test_shuffled_batches_of_the_package_are_put_into_streams():
    feature = data.features.Text("abcde", 10)
    examples = data.Examples("text", {"text": X, "next": Y}, {"text": feature, "next": feature})
    model = net(**SIMPLE)
    batches = model.evaluate(examples.batches(3, seed=5), verbose=0)
    assert batches == pytest.approx(model.evaluate(X, Y, batch_size=3, verbose=0), rel=1e-6)


@pytest.mark.slow
@pytest.mark.tensorflow
def test_batches_of_any_size_cannot_carry_states():
    import tensorflow as tf

    batches = tf.data.Dataset.from_tensor_slices((X, Y)).batch(3)
    with pytest.raises(UserError, match=r"have as many rows each \(drop_remainder=True\)") as error:
        net(**SIMPLE).fit(batches, verbose=0)
    one_sentence(error)
    equal = tf.data.Dataset.from_tensor_slices((X, Y)).batch(3, drop_remainder=True)
    net(**SIMPLE).fit(equal, shuffle=False, verbose=0)
    net(**SIMPLE, carried=False).fit(batches, shuffle=False, verbose=0)


def test_a_file_has_no_states(tmp_path):
    model = net()
    model.fit(X, Y, batch_size=3, verbose=0)
    model.save(tmp_path / "a.keras")
    again = keras.models.load_model(tmp_path / "a.keras")
    figures = [each.evaluate(X, Y, batch_size=4, verbose=0) for each in (model, again)]
    np.testing.assert_allclose(*figures, rtol=1e-6)


def test_a_training_that_carries_states_goes_on_exactly(tmp_path):
    whole = net(dropout=0.3)
    whole.fit(X, Y, batch_size=3, epochs=3, verbose=0)
    half = net(dropout=0.3)
    half.fit(X, Y, batch_size=3, epochs=1, verbose=0)
    half.save(tmp_path / "a.keras")
    again = keras.models.load_model(tmp_path / "a.keras")
    again.fit(X, Y, batch_size=3, initial_epoch=1, epochs=3, verbose=0)
    for a, b in zip(whole.trainable_variables, again.trainable_variables, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(a), ops.convert_to_numpy(b))


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_training_says_that_states_are_carried(tmp_path, capsys):
    settings = {"arguments": {"hidden_units": (4,)}, "batch_size": 16, "sequence_length": 60}
    run = jobs.train(
        "word_lm", out=tmp_path / "a", vocabulary_size=50, epochs=1, verbose=2, **settings
    )
    said = capsys.readouterr().out
    assert re.search(r"states are carried over batches, in 16 streams of \d\d+ sequences", said)
    assert run.settings["vocabulary_size"] == len(run.settings["arguments"]["vocabulary"]) == 50


# Words.


def test_the_published_step_is_on_the_sum_of_the_loss_over_the_steps():
    numbers = np.tile(np.array([[1, 2, 3, 4, 1, 2, 0]]), (4, 1))
    x, y = numbers[:, :-1], numbers[:, 1:]
    arguments = {"sequence_length": 6, "hidden_units": (4,), "clip": 0.5, "carried": False}
    model = word_lm(5, **arguments, seed=1)
    before = [ops.convert_to_numpy(v) for v in model.trainable_variables]
    gradients = finite_gradients(model, x, y, model.first_states(4))
    summed = [6 * ops.convert_to_numpy(ops.convert_to_tensor(g)) for g in dense(gradients)]
    norm = np.sqrt(sum((g**2).sum() for g in summed))
    assert norm > 0.5
    model.fit(x, y, batch_size=4, verbose=0)
    for was, g, now in zip(before, summed, model.trainable_variables, strict=True):
        wanted = was - g * 0.5 / norm
        np.testing.assert_allclose(ops.convert_to_numpy(now), wanted, atol=1e-5)


def dense(gradients):
    """Gradients of embeddings as matrices."""
    if keras.backend.backend() != "tensorflow":
        return gradients
    import tensorflow as tf

    return [tf.convert_to_tensor(gradient) for gradient in gradients]


@pytest.mark.parametrize(
    ("name", "rates"),
    [
        ("char_rnn", [1.0] * 10 + [0.97**k for k in range(1, 41)]),
        ("word_lm", [1.0] * 4 + [0.5**k for k in range(1, 10)]),
        ("word_lm_medium", [1.0] * 6 + [1.2**-k for k in range(1, 34)]),
        ("word_lm_large", [1.0] * 14 + [1.15**-k for k in range(1, 42)]),
    ],
)
def test_the_step_size_falls_as_published(name, rates):
    entry = get_recipe(name)
    arguments = {p.name: p.default for p in entry.parameters}
    found = entry.schedule(arguments)
    shares = np.arange(len(rates)) / len(rates)
    np.testing.assert_allclose([found.multiplier(share) for share in shares], rates)
    # The published step is on the sum over the steps of a sequence, where there is one.
    assert found.learning_rate == arguments["learning_rate"] * arguments.get("sequence_length", 1)
    if name != "char_rnn":
        assert entry.epochs == len(rates)


@pytest.mark.slow
def test_tied_vectors_are_one_matrix(tmp_path):
    model = word_lm(30, sequence_length=4, hidden_units=(6, 6), tied=True, carried=False)
    assert model.count_params() == 30 * 6 + 2 * (4 * 6 * 13) + 30 - 2 * 4 * 6 + 2 * 4 * 6
    x = np.random.default_rng(0).integers(0, 30, (8, 5))
    model.fit(x[:, :-1], x[:, 1:], batch_size=4, verbose=0)
    model.save(tmp_path / "a.keras")
    again = keras.models.load_model(tmp_path / "a.keras")
    assert again.count_params() == model.count_params()
    same = [each.predict(x[:, :-1], verbose=0) for each in (model, again)]
    np.testing.assert_allclose(*same, rtol=1e-6)
    # A text is written by the same scores.
    numbers = {"numbers": x[:1, :3], "n": 1, "temperature": 0.0, "seed": 0}
    drawn = call_endpoint(model, "continue", **numbers, top_k=0, top_p=1.0)["numbers"]
    assert drawn[0, -1] == model.predict(x[:1, :3], verbose=0)[0, -1].argmax()
    with pytest.raises(UserError, match="as many units in the last layer as in the first"):
        word_lm(30, hidden_units=(6, 4), tied=True)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("words")
    (folder / "own.txt").write_text("The cat sat on the mat.\nIt's a mat!\n" * 60, "utf-8")
    arguments = {"hidden_units": (24,), "learning_rate": 1.0}
    settings = {"batch_size": 4, "sequence_length": 8, "epochs": 40, "verbose": 0}
    data_ = f"words:text:{folder / 'own.txt'}"
    return jobs.train("word_lm", data_, out=folder / "a", arguments=arguments, **settings)


@pytest.mark.exhaustive
@pytest.mark.tensorflow
def test_words_are_learnt_and_served(run):
    figures = jobs.evaluate(run.path)
    assert figures["perplexity"] < 1.5
    assert figures["bits_per_character"] < figures["bits_per_token"] / 2
    (written,) = jobs.sample(run.path, prompt="The cat", temperature=0, length=10)
    assert written == "The cat sat on the mat.\nIt's a mat!"
    out = jobs.export(run.path)
    code = """
import sys
import tensorflow as tf
sample = tf.saved_model.load(sys.argv[1]).signatures["sample"]
given = {"prompts": tf.constant(["The", "", "It's a"]), "n": tf.constant(4)}
given |= {"top_k": tf.constant(0), "top_p": tf.constant(1.0), "seed": tf.constant(0)}
texts = sample(**given, temperature=tf.constant(0.0))["texts"]
print("|".join(text.decode() for text in texts.numpy()), end="")
"""
    done = subprocess.run([sys.executable, "-c", code, out], capture_output=True, text=True)
    first, second, third = done.stdout.split("|")
    assert first == "The cat sat on the", done.stderr
    assert second in ("The cat sat on", "It's a mat!")
    assert third == "It's a mat!\nThe"
    settings = json.loads((run.path / "run.json").read_text())
    assert settings["features"]["text"]["rule"] == "words"
    # Another text is read by the words that the model knows, and one of characters is refused.
    assert jobs.evaluate(run.path, "words:python_docs")["perplexity"] > 2
    with pytest.raises(UserError, match=r"takes sequences of words, .* sequences of characters"):
        jobs.evaluate(run.path, "python_docs")


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("recipe", "source", "message"),
    [
        ("word_lm", "python_docs", "takes sequences of words, such as words:NAME, but the data"),
        ("char_rnn", "words:python_docs", "takes sequences of characters, but the data have"),
    ],
)
def test_a_text_of_other_tokens_is_one_sentence(recipe, source, message, tmp_path):
    with pytest.raises(UserError, match=message) as error:
        jobs.train(recipe, source, out=tmp_path / "a", verbose=0)
    one_sentence(error)


def test_a_model_of_numbers_takes_no_strings():
    model = word_lm(5, hidden_units=(4,))
    with pytest.raises(UserError, match="to take strings it must have the words"):
        get_recipe("word_lm").endpoints["sample"].bind(model, n=2)
    numbers = {"numbers": [[1, 2]], "n": 3, "temperature": 1.0, "seed": 0}
    drawn = call_endpoint(model, "continue", **numbers, top_k=0, top_p=1.0)["numbers"]
    assert drawn.shape == (1, 5)


def test_unknown_words_are_not_written():
    model = word_lm((words.UNKNOWN, " a", "\n"), hidden_units=(4,))
    model.get_layer("logits").bias.assign([9.0, 0.0, 0.0])
    numbers = {"numbers": np.tile([[1]], (50, 1)), "n": 4, "temperature": 1.0, "seed": 0}
    drawn = call_endpoint(model, "continue", **numbers, top_k=0, top_p=1.0)["numbers"]
    assert set(drawn.ravel()) == {1, 2}


# Off the usual path.


class Meddling(keras.callbacks.Callback):
    """Asks the model for other things in the midst of a training."""

    def on_train_batch_end(self, batch, logs=None):
        self.model.predict_on_batch(X[:3])
        self.model(X[:2])

    def on_epoch_end(self, epoch, logs=None):
        for rows in (1, 3):
            self.model.evaluate(X, Y, batch_size=rows, verbose=0)
        self.model.predict(X[:3], verbose=0)
        self.model.test_on_batch(X[:3], Y[:3])


def test_what_a_callback_asks_for_changes_no_training():
    model, plain = (net(learning_rate=0.1, **SIMPLE) for _ in range(2))
    given = {"batch_size": 3, "epochs": 2, "validation_data": (X, Y), "verbose": 0}
    logs = model.fit(X, Y, callbacks=[Meddling()], **given).history
    assert logs == plain.fit(X, Y, **given).history
    for a, b in zip(model.trainable_variables, plain.trainable_variables, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(a), ops.convert_to_numpy(b))


@pytest.mark.slow
@pytest.mark.parametrize("way", [{"steps_per_execution": 2}, {"run_eagerly": True}])
def test_states_are_carried_in_every_way_of_taking_steps(way):
    plain, model = net(), net()
    for each, arguments in ((plain, {}), (model, way)):
        each.compile(keras.optimizers.SGD(0.5), each.loss, **arguments)
    logs = [each.fit(X, Y, batch_size=3, epochs=2, verbose=0).history for each in (plain, model)]
    np.testing.assert_allclose(logs[0]["loss"], logs[1]["loss"], rtol=1e-5)


def test_rows_that_do_not_follow_each_other_are_refused_unless_nothing_is_carried():
    x, y = X[::2], Y[::2]
    with pytest.raises(UserError, match="or carried=False for sequences that do not follow") as e:
        net(**SIMPLE).fit(x, y, verbose=0)
    one_sentence(e)
    net(**SIMPLE, carried=False).fit(x, y, verbose=0)


@pytest.mark.parametrize(
    ("rows", "arguments", "message"),
    [
        (0, {}, "needs one row of text at the least, got none"),
        (13, {"validation_split": 1.5}, "validation_split must leave some of 13 rows on both"),
        (13, {"validation_split": 0.01}, "validation_split must leave some of 13 rows on both"),
    ],
)
def test_too_little_text_is_one_sentence(rows, arguments, message):
    with pytest.raises(UserError, match=message) as error:
        net().fit(X[:rows], Y[:rows], **arguments, verbose=0)
    one_sentence(error)


def test_a_split_counts_for_nothing_where_there_are_held_out_data():
    steps = []
    for split in ({}, {"validation_split": 0.5}):
        model = net(**SIMPLE)
        model.fit(X, Y, batch_size=3, validation_data=(X[:3], Y[:3]), **split, verbose=0)
        steps.append(int(model.optimizer.iterations))
    assert steps == [4, 4]


@pytest.mark.parametrize(
    ("count", "most", "rows"), [(63, 32, 21), (12, 32, 12), (13, 4, 4), (1, 9, 1)]
)
def test_few_rows_are_left_out_where_a_text_is_measured(count, most, rows):
    assert rows_for_most(count, most) == rows


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [("a", "a"), ("b a", "b a"), (" a", "a"), ("c a", "c a"), ("\n a", "\na")],
)
def test_a_text_begins_with_its_prompt(prompt, wanted):
    model = word_lm((words.UNKNOWN, "\n", " a", " b", "c", "a"), hidden_units=(4,), seed=0)
    entry = get_recipe("word_lm")
    (text,) = entry.task.sample(entry, model, seed=0, prompt=prompt, length=3)
    assert text.startswith(wanted)


@pytest.mark.tensorflow
def test_a_prompt_of_no_word_is_one_sentence():
    entry = get_recipe("word_lm")
    model = word_lm((words.UNKNOWN, "\n", " a", " b"), hidden_units=(4,))
    with pytest.raises(UserError, match="prompt must be a text of one token or more, got ' '"):
        entry.task.sample(entry, model, seed=0, prompt=" ")
    with pytest.raises(UserError, match="its vocabulary is a number"):
        entry.task.sample(entry, word_lm(5, hidden_units=(4,)), seed=0)
