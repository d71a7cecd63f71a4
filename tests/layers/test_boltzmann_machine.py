import keras
import numpy as np
import pytest

from amalthea.layers import BoltzmannMachine

from harness import check_layer, gradients, one_sentence, states


def boltzmann(visible, hidden, scale=1.0, **arguments):
    """A Boltzmann machine with random weights and biases."""
    layer = BoltzmannMachine(hidden, **{"seed": 0, "persistent_chains": 0, **arguments})
    layer.build((None, visible))
    random = np.random.default_rng(0)
    for weight in layer.trainable_variables:
        weight.assign(scale * random.standard_normal(weight.shape))
    return layer


def apart(*sizes):
    """Connections of groups whose units are joined to other groups' and not to each other."""
    group = np.repeat(np.arange(len(sizes)), sizes)
    return (group[:, None] != group).astype(int)


def exact(layer):
    """Probabilities of all states, in the order of `states`."""
    logs = -np.asarray(layer.energy(states(layer.units)), "float64") / layer.temperature
    weights = np.exp(logs - logs.max())
    return weights / weights.sum()


def clamped(layer, data):
    """Probabilities of all states with rows of data clamped in turn."""
    joint = exact(layer).reshape(2**layer.hidden, -1)  # (hidden, visible)
    seen = np.bincount(number(data), minlength=joint.shape[1]) / len(data)
    return (joint / joint.sum(0) * seen).ravel()


def number(rows):
    """The place of binary rows in `states`."""
    rows = np.asarray(rows).astype(int)
    return rows @ (1 << np.arange(rows.shape[1]))


def frequencies(rows):
    return np.bincount(number(rows), minlength=2 ** np.shape(rows)[1]) / len(rows)


def statistics(layer, probabilities):
    """`⟨s_i s_j⟩` of all joined pairs, and `⟨s_i⟩`."""
    every = states(layer.units).astype("float64")
    means = (every.T * probabilities) @ every
    joined = np.triu(np.asarray(layer.weight_matrix()) != 0)
    return means[joined], probabilities @ every


@pytest.mark.parametrize(
    ("persistent_chains", "connections"),
    [pytest.param(0, None, marks=pytest.mark.slow), (4, apart(3, 4))],
)
def test_is_a_layer(persistent_chains, connections):
    def make(**arguments):
        return BoltzmannMachine(
            4,
            gibbs_steps=2,
            persistent_chains=persistent_chains,
            connections=connections,
            weight_decay=0.01,
            **arguments,
        )

    non_trainable = 1 if persistent_chains else 0
    check_layer(make, (3,), (4,), trainable=2, non_trainable=non_trainable)


def test_each_pair_of_joined_units_has_one_weight():
    assert sum(w.shape[0] for w in boltzmann(6, 4).trainable_weights) == 55
    layer = boltzmann(6, 4, connections=apart(3, 3, 4))
    assert layer.kernel.shape[0] == 3 * 3 + 6 * 4
    matrix = np.asarray(layer.weight_matrix())
    np.testing.assert_array_equal(matrix, matrix.T)
    np.testing.assert_array_equal(matrix != 0, apart(3, 3, 4))


def test_energy_is_that_of_all_pairs_and_units():
    layer = boltzmann(3, 2)
    pairs = [(i, j) for i in range(5) for j in range(i + 1, 5)]
    kernel, bias = np.asarray(layer.kernel), np.asarray(layer.bias)
    expected = [
        -sum(w * s[i] * s[j] for w, (i, j) in zip(kernel, pairs, strict=True)) - bias @ s
        for s in states(5)
    ]
    np.testing.assert_allclose(layer.energy(states(5)), expected, atol=1e-5)


@pytest.mark.tensorflow
def test_gibbs_chains_reach_the_distribution_of_the_machine():
    layer = boltzmann(3, 2, temperature=1.5)
    last, _ = layer.gibbs(np.zeros((50_000, 5), "float32"), 30, seed=1)
    assert np.abs(frequencies(last) - exact(layer)).sum() / 2 < 0.02


@pytest.mark.tensorflow
def test_given_units_keep_their_values_and_others_follow_their_conditional():
    layer = boltzmann(3, 2)
    given = np.tile(np.array([[1, 0, 0, 0, 1.0]], "float32"), (20_000, 1))
    start = given * [1, 1, 1, 1, 0]
    last, mean = (np.asarray(t) for t in layer.gibbs(start, 20, seed=2, given=given))
    for clamp in (last, mean):
        np.testing.assert_array_equal(clamp[:, [0, 4]], start[:, [0, 4]])
    left = exact(layer) * (states(5)[:, 0] == 1) * (states(5)[:, 4] == 0)
    assert np.abs(frequencies(last) - left / left.sum()).sum() / 2 < 0.02


def test_a_conditional_is_the_share_of_the_probability():
    layer = boltzmann(3, 2, temperature=1.5)
    probabilities = exact(layer)
    found = np.asarray(layer.conditional(states(5)))
    for unit in range(5):
        flipped = probabilities[np.arange(32) ^ (1 << unit)]
        on = np.where(states(5)[:, unit] == 1, probabilities, flipped)
        np.testing.assert_allclose(found[:, unit], on / (probabilities + flipped), rtol=1e-4)


def test_the_difference_of_the_statistics_is_the_slope_of_the_likelihood(float64):
    layer = boltzmann(3, 2, temperature=1.5)
    data = states(3)[[1, 3, 3, 6]]

    def log_likelihood(weight, value):
        weight.assign(value)
        return np.log(exact(layer).reshape(4, 8).sum(0)[number(data)]).mean()

    of_data, of_model = (statistics(layer, p) for p in (clamped(layer, data), exact(layer)))
    for weight, data_mean, model_mean in zip(
        (layer.kernel, layer.bias), of_data, of_model, strict=True
    ):
        start = np.array(weight)
        above, below = (
            [log_likelihood(weight, row) for row in start + step * np.eye(len(start))]
            for step in (1e-5, -1e-5)
        )
        weight.assign(start)
        gradient = np.subtract(above, below) / 2e-5
        np.testing.assert_allclose((data_mean - model_mean) / 1.5, gradient, atol=1e-8)


@pytest.mark.tensorflow
def test_with_many_sweeps_the_loss_has_the_gradient_of_the_likelihood():
    layer = boltzmann(3, 2, temperature=1.5, gibbs_steps=20)
    data = np.repeat(states(3)[[1, 3, 3, 6]], 8_000, axis=0)

    def loss():
        layer(data, training=True)
        return layer.losses[0]

    found = gradients(loss, layer.trainable_variables)
    of_data, of_model = (statistics(layer, p) for p in (clamped(layer, data), exact(layer)))
    for gradient, data_mean, model_mean in zip(found, of_data, of_model, strict=True):
        np.testing.assert_allclose(gradient, (model_mean - data_mean) / 1.5, atol=0.015)


def test_only_the_ratio_of_energy_and_temperature_counts():
    cold, hot = boltzmann(4, 3, scale=1), boltzmann(4, 3, scale=3, temperature=3.0)
    data = states(4)
    np.testing.assert_allclose(hot(data), cold(data), rtol=1e-4)
    np.testing.assert_allclose(hot.free_energy(data), 3 * cold.free_energy(data), rtol=1e-4)
    start = np.zeros((50, 7), "float32")
    np.testing.assert_array_equal(hot.gibbs(start, 3, 1)[0], cold.gibbs(start, 3, 1)[0])


def test_the_mean_field_is_a_fixed_point_whose_free_energy_is_above_the_exact_one():
    layer = boltzmann(3, 4, temperature=1.5)
    data = states(3)
    hidden = layer(data)
    both = np.concatenate([data, hidden], axis=1)
    np.testing.assert_allclose(layer.conditional(both)[:, 3:], hidden, atol=1e-5)
    energies = np.asarray(layer.energy(states(7)), "float64").reshape(16, 8)
    expected = -1.5 * np.logaddexp.reduce(-energies / 1.5, axis=0)
    assert (np.asarray(layer.free_energy(data)) >= expected - 1e-5).all()


def test_without_connections_between_hidden_units_the_mean_field_is_exact():
    layer = boltzmann(3, 4, temperature=1.5, connections=apart(1, 1, 1, 4))
    data = states(3)
    energies = np.asarray(layer.energy(states(7)), "float64").reshape(16, 8)
    expected = -1.5 * np.logaddexp.reduce(-energies / 1.5, axis=0)
    np.testing.assert_allclose(layer.free_energy(data), expected, rtol=1e-4)
    joint = exact(layer).reshape(16, 8)
    np.testing.assert_allclose(layer(data), (joint / joint.sum(0)).T @ states(4), rtol=1e-4)


def test_the_reported_loss_is_the_pseudo_log_likelihood():
    layer = boltzmann(4, 3, connections=apart(1, 1, 1, 1, 3))
    visible = exact(layer).reshape(8, 16).sum(0)
    row = 5
    shares = [visible[row] / (visible[row] + visible[row ^ (1 << unit)]) for unit in range(4)]
    layer(np.repeat(states(4)[row : row + 1], 40_000, axis=0))
    np.testing.assert_allclose(float(layer.losses[0]), -np.log(shares).sum(), rtol=0.02)


def test_the_same_seed_draws_the_same_and_another_does_not():
    layer = boltzmann(6, 4)
    start = np.zeros((20, 10), "float32")
    first, again, other = (np.asarray(layer.gibbs(start, 3, seed)[0]) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_chains_go_on_in_training_alone():
    layer = boltzmann(6, 4, persistent_chains=5)
    data = np.zeros((3, 6), "float32")
    start = np.asarray(layer.chains)
    layer(data)
    np.testing.assert_array_equal(layer.chains, start)
    layer(data, training=True)
    moved = np.asarray(layer.chains)
    assert set(moved.ravel()) == {0, 1}
    layer(data, training=True)
    assert (np.asarray(layer.chains) != moved).any()


def encoder(seed):
    """A 4-2-4 encoder: two visible groups that learn to be in the same of four states.

    A unit that is on is clamped off, or the other way round, now and then: without that noise
    learning often ends where two patterns share a code (Ackley, Hinton & Sejnowski 1985).
    """
    group = np.repeat([0, 1, 2], [4, 4, 2])
    connections = (group[:, None] + group != 1).astype(int)
    layer = BoltzmannMachine(
        2, gibbs_steps=2, persistent_chains=200, connections=connections, seed=seed
    )
    inputs = keras.Input((8,))
    model = keras.Model(inputs, layer(inputs))
    model.compile(keras.optimizers.SGD(1.0), steps_per_execution=20)
    patterns = np.tile(np.eye(4, dtype="float32"), (50, 2))
    data = np.tile(patterns, (1500, 1))
    noise = np.random.default_rng(seed).random(data.shape)
    noisy = np.where(noise < np.where(data == 1, 0.15, 0.05), 1 - data, data)
    for images in (noisy, data[: len(data) // 5]):
        model.fit(images, batch_size=200, shuffle=False, verbose=0)
    return layer


@pytest.mark.slow
@pytest.mark.tensorflow
def test_the_encoder_recalls_each_half_of_a_pattern_from_the_other():
    for seed in range(3):  # not every start ends with four codes
        layer = encoder(seed)
        visible = exact(layer).reshape(4, 16, 16).sum(0)  # (second half, first half)
        halves = visible[[1, 2, 4, 8]][:, [1, 2, 4, 8]].diagonal()
        recalled = [halves / visible.sum(axis)[[1, 2, 4, 8]] for axis in (0, 1)]
        if np.min(recalled) > 0.8:
            break
    assert np.min(recalled) > 0.8
    np.testing.assert_array_equal(np.asarray(layer.weight_matrix())[:4, 4:8], 0)


@pytest.mark.tensorflow
def test_weight_decay_is_added_to_the_gradient_of_the_weights():
    def gradient(decay):
        layer = boltzmann(4, 3, weight_decay=decay)

        def loss():
            layer(states(4), training=True)
            return layer.losses[0]

        return gradients(loss, [layer.kernel])[0], np.asarray(layer.kernel)

    (with_decay, kernel), (without, _) = gradient(0.5), gradient(0.0)
    np.testing.assert_allclose(with_decay - without, 0.5 * kernel, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hidden": 0}, "hidden must be a whole number of at least 1, got 0"),
        ({"hidden": 2, "gibbs_steps": 0}, "gibbs_steps must be a whole number of at least 1"),
        ({"hidden": 2, "persistent_chains": -1}, "at least 0, got -1"),
        ({"hidden": 2, "temperature": 0}, "temperature must be above 0, got 0"),
        ({"hidden": 2, "weight_decay": -1}, "weight_decay must be at least 0, got -1"),
        ({"hidden": 1, "connections": [[0, 1], [0, 0]]}, "connections must be a symmetric matrix"),
        ({"hidden": 1, "connections": apart(1, 1)}, "3 visible and 1 hidden units, got"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match="must be") as error:
        BoltzmannMachine(**arguments).build((None, 3))
    assert message in one_sentence(error)


def test_trains_in_lower_precision():
    layer = BoltzmannMachine(4, persistent_chains=5, dtype="mixed_bfloat16")
    inputs = keras.Input((6,))
    model = keras.Model(inputs, layer(inputs))
    model.compile(keras.optimizers.SGD(0.1))
    history = model.fit(np.ones((40, 6), "float32"), batch_size=4, epochs=5, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
