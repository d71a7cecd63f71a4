import keras
import numpy as np
import pytest

from amalthea.layers import Hopfield

from harness import check_layer, gradients, one_sentence


def patterns(count, units, seed=0):
    return np.random.default_rng(seed).choice([-1.0, 1.0], (count, units)).astype("float32")


def hopfield(units, stored=None, **arguments):
    """A net that has stored patterns by Hebb's rule, or has random weights."""
    net = Hopfield(seed=0, **arguments)
    net.build((None, units))
    if stored is None:
        net.kernel.assign(np.random.default_rng(0).standard_normal(net.kernel.shape))
    else:
        net.kernel.assign((stored.T @ stored)[np.triu_indices(units, 1)])
    return net


def test_is_a_layer():
    check_layer(Hopfield, (5,), (5,), trainable=1, non_trainable=1)


def test_each_pair_of_units_has_one_weight():
    net = hopfield(30)
    assert net.kernel.shape == (435,)
    matrix = np.asarray(net.weight_matrix())
    np.testing.assert_array_equal(matrix, matrix.T)
    np.testing.assert_array_equal(matrix.diagonal(), 0)
    np.testing.assert_array_equal(np.sort(net.order), np.arange(30))


def test_energy_is_that_of_all_pairs():
    net, states = hopfield(4), patterns(5, 4)
    pairs = list(zip(*np.triu_indices(4, 1), strict=True))
    kernel = np.asarray(net.kernel)
    expected = [
        -sum(w * s[i] * s[j] for w, (i, j) in zip(kernel, pairs, strict=True)) for s in states
    ]
    np.testing.assert_allclose(net.energy(states), expected, rtol=1e-5)


def test_no_update_raises_the_energy():
    net, states = hopfield(20), patterns(50, 20)
    energies = [np.asarray(net.energy(states))]
    changes = 0
    for unit in np.random.default_rng(1).integers(0, 20, 60):
        after = np.asarray(net.update(states, unit))
        others = np.arange(20) != unit
        np.testing.assert_array_equal(after[:, others], states[:, others])
        changes += (after != states).sum()
        states = after
        energies.append(np.asarray(net.energy(states)))
    assert changes > 50
    assert np.diff(energies, axis=0).max() <= 1e-4
    assert (energies[-1] < energies[0]).all()


def test_a_recall_ends_where_no_unit_would_change():
    net = hopfield(20)
    settled = np.asarray(net(patterns(50, 20)))
    assert set(settled.ravel()) == {-1, 1}
    for unit in range(20):
        np.testing.assert_array_equal(net.update(settled, unit), settled)


def test_recall_goes_on_for_no_more_sweeps_than_asked_for():
    states = patterns(50, 20)
    short, long = (hopfield(20, sweeps=sweeps) for sweeps in (1, 100))
    assert (np.asarray(short(states)) != np.asarray(long(states))).any()
    np.testing.assert_array_equal(short.order, long.order)
    once = states
    for unit in np.asarray(short.order).astype(int):
        once = short.update(once, unit)
    np.testing.assert_array_equal(short(states), once)


def test_few_random_patterns_stay_and_are_recalled_from_a_part():
    stored = patterns(6, 100)  # 0.06 of the units, below 0.138
    net = hopfield(100, stored)
    np.testing.assert_array_equal(net(stored), stored)
    wrong = np.random.default_rng(1).random(stored.shape) < 0.15
    np.testing.assert_array_equal(net(np.where(wrong, -stored, stored)), stored)
    unknown = np.where(np.arange(100) < 50, stored, 0)
    np.testing.assert_array_equal(net(unknown), stored)


@pytest.mark.slow
def test_beyond_the_capacity_patterns_are_lost():
    """At 0.138 of the units recall breaks down; below, few units of a pattern are wrong."""

    def overlap(load):
        stored = patterns(round(load * 400), 400)
        inputs = keras.Input((400,))
        model = keras.Model(inputs, hopfield(400, stored)(inputs))
        return float(np.mean(stored * model.predict(stored, verbose=0)))

    assert overlap(0.1) > 0.97
    assert overlap(0.25) < 0.8


def test_given_units_keep_their_values():
    net, states = hopfield(20), patterns(50, 20)
    given = (np.random.default_rng(1).random((50, 20)) < 0.3).astype("float32")
    settled = np.asarray(net.recall(states, given))
    np.testing.assert_array_equal(settled[given > 0], states[given > 0])
    assert (np.asarray(net(states)) != settled).any()
    for unit in range(20):
        after = np.asarray(net.update(settled, unit))
        free = given[:, unit] == 0
        np.testing.assert_array_equal(after[free], settled[free])


def test_a_unit_without_input_keeps_its_state():
    states = patterns(3, 6)
    net = hopfield(6)
    net.kernel.assign(np.zeros(15))
    np.testing.assert_array_equal(net(states), states)


@pytest.mark.tensorflow
def test_the_gradient_is_that_of_the_mean_energy():
    net, states = hopfield(6), patterns(10, 6)

    def loss():
        net(states, training=True)
        return net.losses[0]

    expected = -(states.T @ states / 10)[np.triu_indices(6, 1)]
    np.testing.assert_allclose(gradients(loss, [net.kernel])[0], expected, atol=1e-6)


def test_fit_stores_patterns_by_hebbs_rule():
    stored = patterns(8, 100)
    inputs = keras.Input((100,))
    net = Hopfield()
    model = keras.Model(inputs, net(inputs))
    model.compile(keras.optimizers.SGD(1.0))
    history = model.fit(stored, batch_size=4, epochs=1, shuffle=False, verbose=0).history
    hebb = (stored.T @ stored)[np.triu_indices(100, 1)] / 4
    np.testing.assert_allclose(net.kernel, hebb, atol=1e-5)
    assert history["loss"][0] > 0
    assert model.evaluate(stored, verbose=0) == 0
    np.testing.assert_array_equal(model.predict(stored, verbose=0), stored)


def test_the_loss_is_the_share_of_units_that_would_not_stay():
    net, states = hopfield(20), patterns(7, 20)
    net(states)
    moved = [np.asarray(net.update(states, unit)) != states for unit in range(20)]
    assert float(net.losses[0]) == pytest.approx(np.sum(moved) / states.size)


def test_the_seed_decides_the_order_of_updates():
    first, again, other = (Hopfield(seed=seed) for seed in (1, 1, 2))
    for net in (first, again, other):
        net.build((None, 20))
    np.testing.assert_array_equal(first.order, again.order)
    assert (np.asarray(first.order) != np.asarray(other.order)).any()


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="at least 1, got 0") as error:
        Hopfield(sweeps=0)
    one_sentence(error)
