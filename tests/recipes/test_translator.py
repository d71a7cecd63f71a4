"""The translator: what it computes, what it learns from, and how its translations are found."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

from amalthea import data
from amalthea.data.features.line import END, PADDING, SPECIAL, START, UNKNOWN_NUMBER
from amalthea.errors import UserError
from amalthea.recipes import get_recipe, translator

from harness import call_endpoint, check_gradients, one_sentence

LINES = [[1, 4, 5, 6, 6, 4, 2], [1, 6, 2], [1, 2], [1, 5, 5, 4, 2]]
TRANSLATIONS = [[1, 5, 2], [1, 4, 4, 5, 5, 2], [1, 4, 2], [1, 2]]
EVERY = [
    {"attention": attention, "cell": cell, "bidirectional": bidirectional, "reverse": reverse}
    for attention, cell, bidirectional, reverse in itertools.product(
        ("none", "bahdanau"), ("lstm", "gru"), (False, True), (False, True)
    )
]


def kinds(quick):
    """Parametrizes a test by all kinds: some by default, a quarter of the others in slow tests."""
    return pytest.mark.parametrize(
        "kind",
        [
            pytest.param(
                kind,
                id="-".join(map(str, kind.values())),
                marks=[]
                if number in quick
                else pytest.mark.exhaustive
                if number % 4
                else pytest.mark.slow,
            )
            for number, kind in enumerate(EVERY)
        ],
    )


def filled(rows, width=0):
    """Rows of numbers as a matrix, filled up by 0."""
    width = max(width, *map(len, rows))
    return np.array([row + [PADDING] * (width - len(row)) for row in rows], "int32")


X, Y = filled(LINES), filled(TRANSLATIONS)


def net(*, scale=1.0, **arguments):
    """A small translator of 7 characters into 6, whose weights are far from those at first."""
    small = {"hidden_units": (6,), "embedding_units": 4, "seed": 0}
    model = translator(7, 6, 8, **{**small, **arguments})
    random = np.random.default_rng(0)
    for weight in model.trainable_variables:
        weight.assign(weight + scale * random.normal(0, 0.5, weight.shape))
    return model


def scored(model, x, y):
    """Logarithms of the probabilities of each next token, and the weights, if there are any."""
    logits, weights = model.teach(ops.convert_to_tensor(x), ops.convert_to_tensor(y))
    logits = np.asarray(ops.log_softmax(ops.cast(logits, "float32")))
    return logits, None if weights is None else np.asarray(weights)


# What it computes.


@kinds(quick={4, 9, 15})
def test_a_padded_batch_is_each_sequence_alone(kind):
    model = net(hidden_units=(6, 5), **kind)
    logits, weights = scored(model, filled(LINES, 9), filled(TRANSLATIONS, 8))
    for row in (1, 3):
        line, translation = LINES[row], TRANSLATIONS[row]
        alone, looked = scored(model, np.array([line]), np.array([translation]))
        steps = len(translation) - 1
        np.testing.assert_allclose(logits[row, :steps], alone[0], atol=1e-5)
        if weights is not None:
            np.testing.assert_allclose(weights[row, :steps, : len(line)], looked[0], atol=1e-5)
            assert (weights[row, :, len(line) :] == 0).all()
            np.testing.assert_allclose(weights[row].sum(-1), 1, atol=1e-5)


@kinds(quick={15})
def test_a_line_is_translated_alike_in_any_batch(kind):
    model = net(scale=2.0, **kind)
    together = model.predict(filled(LINES, 9), verbose=0)
    for line, found in zip(LINES, together, strict=True):
        alone = model.translate(ops.convert_to_tensor([line]))[0]
        np.testing.assert_array_equal(np.asarray(alone)[0], found)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(x, state, kernel, recurrent, bias):
    h, c = state
    i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def test_attention_is_that_of_bahdanau_step_by_step():
    model = net(cell="lstm")
    part = {layer.name: [np.asarray(w) for w in layer.get_weights()] for layer in model.layers}
    logits, weights = scored(model, X, Y)
    for row, (line, translation) in enumerate(zip(LINES, TRANSLATIONS, strict=True)):
        read = part["source_embedding"][0][line]
        ways = []
        for number, order in enumerate((slice(None), slice(None, None, -1))):
            states, known = [], (np.zeros(6), np.zeros(6))
            for x in read[order]:
                known = lstm(x, known, *part["encoder_1"][3 * number : 3 * number + 3])
                states.append(known)
            ways.append((np.array([h for h, _ in states])[order], known))
        memory = np.concatenate([h for h, _ in ways], axis=1)
        state = []
        for index in range(2):
            kernel, bias = part[f"bridge_1_{index}"]
            last = np.concatenate([end[index] for _, end in ways])
            state.append(np.tanh(last @ kernel + bias))
        (w,), (u, b), (v,) = (part[f"attention{n}"] for n in ("_query", "_key", ""))
        for step, token in enumerate(translation[:-1]):
            energies = np.array([v @ np.tanh(state[0] @ w + h @ u + b) for h in memory])
            alpha = np.exp(energies - energies.max())
            alpha /= alpha.sum()
            context = alpha @ memory
            x = np.concatenate([part["target_embedding"][0][token], context])
            state = lstm(x, state, *part["decoder_1"])
            kernel, bias = part["logits"]
            scores = np.concatenate([state[0], context]) @ kernel + bias
            np.testing.assert_allclose(weights[row, step, : len(line)], alpha, atol=1e-5)
            wanted = scores - np.log(np.exp(scores).sum())
            np.testing.assert_allclose(logits[row, step], wanted, atol=1e-5)


@kinds(quick={4, 15})
def test_later_characters_of_a_translation_do_not_matter(kind):
    model, other = net(hidden_units=(6, 5), **kind), Y.copy()
    other[:, 3:] = 5
    first, second = (scored(model, X, y)[0] for y in (Y, other))
    np.testing.assert_allclose(first[:, :3], second[:, :3], atol=1e-6)
    assert np.abs(first[:, 3:] - second[:, 3:]).max() > 1e-3


def test_to_reverse_is_to_give_lines_from_their_end():
    backwards = filled([line[::-1] for line in LINES])
    for attention in ("none", "bahdanau"):
        kind = {"attention": attention, "bidirectional": False}
        given, weights = scored(net(reverse=True, **kind), X, Y)
        turned, looked = scored(net(**kind), backwards, Y)
        np.testing.assert_allclose(given, turned, atol=1e-5)
        for row, line in enumerate(LINES if weights is not None else ()):
            np.testing.assert_allclose(
                weights[row, :, : len(line)], looked[row, :, : len(line)][:, ::-1], atol=1e-5
            )


def test_the_number_of_weights_is_the_sum_of_sutskevers_formula():
    def weights(source, target, units, layers):
        return units * (source + 2 * target) + 2 * layers * 8 * units**2

    assert weights(160_000, 80_000, 1000, 4) == 384_000_000
    kind = {"cell": "lstm", "attention": "none", "bidirectional": False, "reverse": True}
    model = translator(31, 23, 9, embedding_units=7, hidden_units=(7,) * 4, **kind)
    counts = [np.prod(v.shape) for v in model.trainable_variables if len(v.shape) > 1]
    assert sum(counts) == weights(31, 23, 7, 4)


def test_one_hot_is_an_embedding_by_the_identity():
    kind = {"bidirectional": False, "seed": 0}
    one_hot = translator(7, 7, 8, embedding_units=None, **kind)
    embedded = translator(7, 7, 8, embedding_units=7, **kind)
    vectors = [v for v in embedded.trainable_variables if "_embedding/" in v.path]
    others = [v for v in embedded.trainable_variables if "_embedding/" not in v.path]
    for vector in vectors:
        vector.assign(np.eye(7))
    for weight, other in zip(one_hot.trainable_variables, others, strict=True):
        other.assign(weight)
    np.testing.assert_allclose(scored(one_hot, X, Y)[0], scored(embedded, X, Y)[0], atol=1e-6)


# What it learns from.


@pytest.mark.parametrize("attention", [pytest.param("none", marks=pytest.mark.slow), "bahdanau"])
def test_the_loss_is_the_mean_of_a_real_character_whatever_is_filled_up(attention):
    model = net(attention=attention)
    logits, _ = scored(model, X, Y)
    each = [
        [-logits[row, step, token] for step, token in enumerate(translation[1:])]
        for row, translation in enumerate(TRANSLATIONS)
    ]
    right = [
        logits[row, step].argmax() == token
        for row, translation in enumerate(TRANSLATIONS)
        for step, token in enumerate(translation[1:])
    ]
    wanted = {"loss": np.mean(np.concatenate(each)), "accuracy": np.mean(right)}
    for width in (0, 9):
        y = filled(TRANSLATIONS, width)
        assert float(model.compute_loss(X, y)) == pytest.approx(wanted["loss"], rel=1e-5)
    # A weight is one of all characters of an example.
    alike, weights = np.ones(4), np.array([2.0, 0.0, 1.0, 1.0])
    got = model.evaluate(X, y, sample_weight=alike, verbose=0, return_dict=True)
    assert got == pytest.approx(wanted, rel=1e-5)
    got = model.evaluate(X, y, sample_weight=weights, verbose=0, return_dict=True)
    summed = sum(weight * sum(losses) for weight, losses in zip(weights, each, strict=True))
    assert got["loss"] == pytest.approx(summed / len(right), rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("attention", [pytest.param("none", marks=pytest.mark.slow), "bahdanau"])
def test_gradients_are_those_of_finite_differences(attention, float64):
    model = net(attention=attention, hidden_units=(2,), embedding_units=2)
    # That of the model is of float32, too coarse for differences.
    model.logits = keras.layers.Dense(3)
    model.logits.build((None, model.decoder[0].units + 4 * (attention != "none")))

    def loss():
        return ops.sum(ops.square(model.teach(X[:1, :3], Y[:1, :3])[0]))

    names = ("attention", "decoder_1/recurrent_kernel", "bridge_1_0")
    weights = [v for v in model.trainable_variables if v.path.startswith(names)]
    assert len(weights) == 3 + 4 * (attention != "none")
    check_gradients(loss, weights, rtol=1e-4, atol=1e-7)


@pytest.mark.slow
def test_dropout_acts_in_training_alone_and_depends_on_the_seed():
    model = translator(7, 6, 8, hidden_units=(6, 5), dropout=0.5, seed=1)
    first, second, third = (
        np.asarray(model.teach(X, Y, training=training)[0]) for training in (True, True, False)
    )
    assert np.abs(first - second).max() > 1e-3
    np.testing.assert_array_equal(third, np.asarray(model.teach(X, Y)[0]))
    again = translator(7, 6, 8, hidden_units=(6, 5), dropout=0.5, seed=1)
    np.testing.assert_array_equal(first, np.asarray(again.teach(X, Y, training=True)[0]))


@pytest.mark.slow
def test_batches_of_many_widths_are_learnt_from():
    import tensorflow as tf

    rows = [(x, y) for x, y in zip(LINES, TRANSLATIONS, strict=True) for _ in range(4)]
    ragged = [tf.ragged.constant([pair[side] for pair in rows], dtype="int32") for side in (0, 1)]
    batches = tf.data.Dataset.from_tensor_slices(tuple(ragged)).batch(8)
    batches = batches.map(lambda x, y: (x.to_tensor(), y.to_tensor()))
    model = net(scale=0.0, learning_rate=0.02)
    history = model.fit(batches, epochs=8, validation_data=batches, shuffle=False, verbose=0)
    assert history.history["loss"][-1] < 0.9 * history.history["loss"][0]
    assert {"accuracy", "val_accuracy", "val_loss"} <= history.history.keys()


def test_what_is_no_pair_of_lines_is_one_sentence():
    model = net()
    for x, y, words in (
        (X + 3, Y, "takes lines of characters, .* from 0 to 6, got 7"),
        (X, Y + 3, "takes lines of characters, .* from 0 to 5, got 8"),
        (X, None, ".* got none"),
        (X, Y[:2], ".* got 2 for 4 examples"),
        (X[:, :1], Y, r".* got some of shape \(1,\): each has a start and an end"),
    ):
        with pytest.raises(UserError, match=f"^translator {words}") as error:
            model.fit(x, y, verbose=0)
        one_sentence(error)
    with pytest.raises(UserError, match="must both be characters or both be numbers") as error:
        translator(7, f"{SPECIAL}ab")
    one_sentence(error)
    for wrong in ("abc", SPECIAL, f"{SPECIAL}aa", 4, True):
        with pytest.raises(ValueError, match="target_vocabulary must be characters, all different"):
            translator(target_vocabulary=wrong)


# How translations are found.


@kinds(quick={14})
def test_greedy_is_the_most_probable_character_after_each_pass_of_the_whole(kind):
    model = net(scale=2.0, **kind)
    wanted = np.full((len(X), 1), START)
    for _ in range(7):
        logits = scored(model, X, np.pad(wanted, ((0, 0), (0, 1))))[0][:, -1].copy()
        logits[:, [PADDING, START, UNKNOWN_NUMBER]] = -np.inf
        ended = (wanted == END).any(axis=1)
        following = np.where(ended, PADDING, logits.argmax(-1))
        wanted = np.concatenate([wanted, following[:, None]], axis=1)
    np.testing.assert_array_equal(model.predict(X, verbose=0), wanted)
    np.testing.assert_array_equal(call_endpoint(model, "decode", tokens=X)["numbers"], wanted)


def sequences(tokens, steps):
    """All that can be written: to an end, or as long as may be."""
    characters = [t for t in range(tokens) if t not in (PADDING, START, END, UNKNOWN_NUMBER)]
    for length in range(steps):
        for found in itertools.product(characters, repeat=length):
            yield [START, *found, END]
    for found in itertools.product(characters, repeat=steps):
        yield [START, *found]


def mean_log_probabilities(model, line, written):
    """Of a line and of what may be written for it, by whole passes."""
    y = filled(written)
    logits, _ = scored(model, np.tile(line, (len(y), 1)), y)
    return [
        np.mean([logits[row, step, token] for step, token in enumerate(numbers[1:])])
        for row, numbers in enumerate(written)
    ]


@pytest.mark.parametrize("attention", [pytest.param("none", marks=pytest.mark.slow), "bahdanau"])
def test_a_beam_of_everything_finds_the_best_of_all_sequences(attention):
    differs = 0
    model = translator(7, 7, 4, hidden_units=(5,), embedding_units=3, attention=attention)
    for seed in (1, 2):
        random = np.random.default_rng(seed)
        for weight in model.trainable_variables:
            weight.assign(random.normal(0, 1.0, weight.shape))
        numbers, scores = (np.asarray(each) for each in model.translate(X, beam=7**3))
        every = list(sequences(7, 3))
        assert len(every) == 1 + 3 + 9 + 27
        for row in range(len(X)):
            means = mean_log_probabilities(model, X[row], every)
            best = every[int(np.argmax(means))]
            assert numbers[row].tolist() == best + [PADDING] * (4 - len(best))
            assert scores[row] == pytest.approx(max(means), abs=1e-4)
        differs += (numbers != np.asarray(model.translate(X)[0])).any()
    assert differs  # or greedy decoding would have done


@pytest.mark.slow
def test_a_wider_beam_finds_more_probable_sequences():
    model = net(scale=3.0)
    x = np.random.default_rng(0).integers(4, 7, (40, 6))
    x[:, 0], x[:, -1] = START, END
    scores = []
    for beam in (1, 2, 8):
        numbers, means = (np.asarray(each) for each in model.translate(x, beam=beam))
        for row in range(0, 40, 13):
            written = numbers[row][numbers[row] != PADDING].tolist()
            (wanted,) = mean_log_probabilities(model, x[row], [written])
            assert means[row] == pytest.approx(wanted, abs=1e-4)
        assert ((numbers == END).sum(axis=1) <= 1).all()
        scores.append(means)
    greedy, two, eight = scores
    assert greedy.mean() < two.mean() <= eight.mean()
    assert (eight >= greedy - 1e-5).mean() > 0.9
    bound = get_recipe("translator").endpoints["decode"].bind(model, beam=8)
    found = bound.predict_on_batch({"tokens": ops.convert_to_tensor(x, "int32")})
    np.testing.assert_allclose(np.asarray(found["scores"]), eight, atol=1e-5)


def test_weights_are_those_that_were_looked_at_and_only_attention_has_any():
    model = net()
    weights = call_endpoint(model, "attend", tokens=X, targets=Y)["weights"]
    np.testing.assert_allclose(weights, scored(model, X, Y)[1], atol=1e-6)
    assert weights.shape == (4, Y.shape[1] - 1, X.shape[1])
    endpoint = get_recipe("translator").endpoints["attend"]
    assert endpoint.offered(model.origin.arguments)
    with pytest.raises(UserError, match="gives weights with attention='bahdanau' alone") as error:
        endpoint.bind(net(attention="none"))
    one_sentence(error)


@pytest.mark.tensorflow
def test_strings_are_translated_as_their_numbers_are():
    import tensorflow as tf

    vocabularies = f"{SPECIAL}abc", f"{SPECIAL}xy\u00e9"
    model = translator(*vocabularies, 8, hidden_units=(6,), seed=0)
    random = np.random.default_rng(3)
    for weight in model.trainable_variables:
        weight.assign(random.normal(0, 1.0, weight.shape))
    feature, other = (data.features.Line(each) for each in vocabularies)
    lines = np.array(["abc", "", "b\u00e4b\0", "ccccccc"], object)
    part = get_recipe("translator").endpoints["translate"].bind(model)
    for beam in (1, 3):
        numbers, scores = (np.asarray(n) for n in model.translate(feature.given(lines), beam))
        found = part({"texts": tf.constant(list(lines)), "beam": tf.constant(beam)})
        texts = [text.decode() for text in found["translations"].numpy()]
        assert texts == [other.decode(row) for row in numbers]
        np.testing.assert_allclose(found["scores"], scores, atol=1e-5)
    assert len(set(texts)) > 1
    with pytest.raises(UserError, match="the vocabulary of the model is a number"):
        get_recipe("translator").endpoints["translate"].bind(net())


def test_exact_match_is_the_share_of_lines_without_a_mistake():
    model = net(scale=2.0)
    found = model.predict(X, verbose=0)
    measures = get_recipe("translator").measures
    assert measures(model, X, found, 2) == {"exact_match": 1.0}
    wider = np.pad(found, ((0, 0), (0, 3)))
    wider[0, 1] = 9
    assert measures(model, X, wider, 2) == {"exact_match": 0.75}
    shorter = found[:, :-1].copy()
    shorter[1, 1:] = END
    assert measures(model, X, shorter, 2)["exact_match"] < 1


@pytest.mark.exhaustive
def test_lines_are_learnt_to_be_turned_round():
    random = np.random.default_rng(0)
    lines = [random.integers(4, 9, random.integers(2, 7)).tolist() for _ in range(1500)]
    x = filled([[START, *line, END] for line in lines])
    y = filled([[START, *line[::-1], END] for line in lines])
    model = translator(9, 9, 8, hidden_units=(32,), embedding_units=16, learning_rate=1e-2, seed=0)
    model.fit(x[:1300], y[:1300], batch_size=32, epochs=8, verbose=0)
    exact = get_recipe("translator").measures(model, x[1300:], y[1300:], 100)["exact_match"]
    assert exact > 0.9
