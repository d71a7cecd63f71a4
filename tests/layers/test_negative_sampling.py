import keras
import numpy as np
import pytest
from keras import ops

from amalthea.layers import NegativeSampling
from amalthea.layers.seed_stream import SeedStream

from harness import check_gradients, check_layer, gradients

TOKENS = np.array([[1, 2, 0, 3, 1, 4], [5, 4, 3, 2, 2, 1]])
COUNTS = (7, 40, 25, 12, 3, 1)


def make(tokens=TOKENS, **arguments):
    """A layer over six words whose vectors are random."""
    settings = {"vocabulary_size": 6, "units": 3, "counts": COUNTS, "subsample": 0.0, "seed": 0}
    layer = NegativeSampling(**{**settings, **arguments})
    layer.build(tokens.shape)
    random = np.random.default_rng(0)
    for weight in layer.trainable_variables:
        weight.assign(random.standard_normal(weight.shape))
    return layer


def log_sigmoid(x):
    return -np.log1p(np.exp(-x))


def by_hand(layer, contexts, noise):
    """The loss of each word, pair by pair and negative by negative."""
    given, true = (np.asarray(w.value, "float64") for w in layer.trainable_variables)
    losses = np.zeros(TOKENS.shape)
    share = layer.negatives / noise.shape[1]
    for row, i in np.ndindex(TOKENS.shape):
        near = [j for j in range(TOKENS.shape[1]) if contexts[row, i, j]]
        if layer.cbow:
            mean = np.mean([given[TOKENS[row, j]] for j in near], axis=0) if near else None
            pairs = [(mean, true[TOKENS[row, i]])] * bool(near)
        else:
            pairs = [(given[TOKENS[row, i]], true[TOKENS[row, j]]) for j in near]
        for v, u in pairs:
            losses[row, i] -= log_sigmoid(v @ u)
            losses[row, i] -= share * sum(log_sigmoid(-v @ true[k]) for k in noise[row])
    return losses


def test_layer():
    check_layer(
        lambda **kwargs: NegativeSampling(6, 3, subsample=0.0, seed=0, **kwargs),
        (4,),
        (4, 3),
        trainable=2,
        call=lambda layer, inputs: layer(ops.floor(6 * inputs)),
    )


@pytest.mark.parametrize("cbow", [False, True])
@pytest.mark.parametrize("shared", [2, 7])
def test_the_loss_is_that_of_the_paper(cbow, shared):
    layer = make(cbow=cbow, negatives=2, shared_negatives=shared, window=2)
    contexts = np.asarray(layer.contexts(TOKENS, SeedStream(3)))
    assert contexts.sum() > 4
    noise = np.asarray(layer.noise((2, shared), SeedStream(5)))
    losses, count = map(np.asarray, layer.losses_of(TOKENS, contexts, noise))
    np.testing.assert_allclose(losses, by_hand(layer, contexts, noise), rtol=1e-6, atol=1e-6)
    near = contexts.sum(-1)
    np.testing.assert_array_equal(count, near > 0 if cbow else near)


@pytest.mark.parametrize("cbow", [False, True])
def test_its_gradient_is_that_of_the_sum_over_pairs(cbow, float64):
    layer = make(cbow=cbow, negatives=2, shared_negatives=4, window=2, dtype="float64")
    contexts = layer.contexts(TOKENS, SeedStream(3))
    noise = layer.noise((2, 4), SeedStream(5))

    def summed():
        return ops.sum(layer.losses_of(TOKENS, contexts, noise)[0]) / 2

    check_gradients(summed, layer.trainable_variables)


@pytest.mark.parametrize("cbow", [False, True])
def test_the_loss_added_is_the_mean_over_pairs_and_moves_by_their_sum(cbow):
    # With a window of 1 and one word of noise nothing is left to chance.
    counts = (0, 1, 0, 0, 0, 0)
    layer = make(cbow=cbow, window=1, counts=counts, shared_negatives=1)
    layer.keep = np.float32([0, 1, 1, 1, 1, 1])
    inputs = keras.Input((6,), dtype="int32")
    model = keras.Model(inputs, layer(inputs))
    model.compile(keras.optimizers.SGD(0.5))
    contexts, noise = layer.contexts(TOKENS), np.ones((2, 1), "int32")
    losses, pairs = layer.losses_of(TOKENS, contexts, noise)
    wanted = float(ops.sum(losses) / ops.sum(pairs))
    assert model.evaluate(TOKENS, verbose=0) == pytest.approx(wanted, rel=1e-6)

    def by_row():
        return ops.sum(layer.losses_of(TOKENS, contexts, noise)[0]) / 2

    slopes = gradients(by_row, layer.trainable_variables)
    before = [np.array(w.value) for w in layer.trainable_variables]
    assert model.train_on_batch(TOKENS) == pytest.approx(wanted, rel=1e-6)
    for was, gradient, weight in zip(before, slopes, layer.trainable_variables, strict=True):
        now = np.asarray(weight.value)
        np.testing.assert_allclose(now, was - 0.5 * gradient, rtol=1e-4, atol=1e-5)


def chi_squared(observed, expected):
    return ((observed - expected) ** 2 / expected).sum()


def test_noise_is_drawn_by_counts_to_the_power_of_three_quarters():
    layer, draws = make(), 100_000
    numbers = np.asarray(layer.noise((draws,), keras.random.SeedGenerator(1)))
    observed = np.bincount(numbers, minlength=6)
    assert observed[0] == 0  # what stands for unknown words
    weights = np.array(COUNTS[1:]) ** 0.75
    expected = draws * weights / weights.sum()
    # Of four degrees of freedom 18.5 is exceeded once in a thousand times.
    assert chi_squared(observed[1:], expected) < 18.5
    assert chi_squared(observed[1:], draws * np.array(COUNTS[1:]) / sum(COUNTS[1:])) > 1000


def test_a_rare_word_among_many_keeps_its_share():
    counts = (0, *[10**9] * 3, *[1] * 50_000)
    layer = NegativeSampling(len(counts), 1, counts)
    shares = np.diff(layer._bounds.astype("float64")) / layer._bounds[-1]
    weights = np.array(counts[1:]) ** 0.75
    np.testing.assert_allclose(shares[3:].mean(), (weights / weights.sum())[3], rtol=1e-3)


def test_frequent_words_are_left_out_as_often_as_in_the_authors_program():
    layer = make(subsample=0.01, window=1)
    share = np.array(COUNTS[1:]) / sum(COUNTS[1:])
    wanted = np.minimum(1, np.sqrt(0.01 / share) + 0.01 / share)
    np.testing.assert_allclose(layer.keep, [0, *wanted], rtol=1e-6)
    # A word beside another that always stays has a context exactly where it stays itself.
    assert wanted[4] == 1
    assert wanted[0] < 0.2
    rows, seeds = np.tile([[1, 5]], (20_000, 1)), keras.random.SeedGenerator(2)
    kept = np.asarray(layer.contexts(rows, seeds)).sum() / 2 / len(rows)
    deviation = np.sqrt(wanted[0] * (1 - wanted[0]) / len(rows))
    assert abs(kept - wanted[0]) < 4 * deviation


def test_distances_are_drawn_evenly_and_words_left_out_do_not_count():
    layer = make(window=4)
    rows = np.tile([[5, 0, 4, 3, 0, 2, 1]], (20_000, 1))
    contexts = np.asarray(layer.contexts(rows, keras.random.SeedGenerator(2)))
    assert not contexts[:, [1, 4]].any()  # unknown words have no context
    assert not contexts[:, :, [1, 4]].any()  # and are in none
    # From the first of five known words the k-th is reached if the distance drawn is k or more.
    reached = contexts[:, 0, [2, 3, 5, 6]].mean(0)
    np.testing.assert_allclose(reached, [1, 3 / 4, 2 / 4, 1 / 4], atol=0.015)
    # Whoever reaches far reaches all that is nearer.
    near = contexts[:, 0][:, [2, 3, 5, 6]]
    assert (np.diff(near, axis=1) <= 0).all()
    whole = np.asarray(layer.contexts(TOKENS, window=1))
    np.testing.assert_array_equal(whole[0, 1], [1, 0, 0, 1, 0, 0])


def test_without_counts_words_follow_zipfs_law():
    zipf, said = NegativeSampling(5, 2), NegativeSampling(5, 2, (0, 12, 6, 4, 3))
    np.testing.assert_array_equal(zipf._bounds, said._bounds)
    np.testing.assert_allclose(zipf.keep, said.keep)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vocabulary_size": 1}, "vocabulary_size must be"),
        ({"units": 0}, "units must be"),
        ({"counts": (1, 2)}, "counts must be 6 numbers, one for each word, got 2"),
        ({"counts": (1, 0, 0, 0, 0, 0)}, "of which one of a known word is above 0"),
        ({"counts": (1, 2, -1, 0, 0, 0)}, "counts must be numbers of at least 0"),
        ({"subsample": -1.0}, "subsample must be at least 0, got -1.0"),
        ({"window": 0}, "window must be"),
        ({"negatives": 0}, "negatives must be"),
        ({"shared_negatives": 0}, "shared_negatives must be"),
    ],
)
def test_values_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        NegativeSampling(**{"vocabulary_size": 6, "units": 3, **arguments})
