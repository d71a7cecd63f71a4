import itertools

import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import logsumexp

from amalthea.layers import DBM
from amalthea.metrics import exact_log_partition, mean_field_bound

from harness import check_layer, gradients, one_sentence, states


def small(visible=3, hidden=(2, 2), scale=0.7, **arguments):
    """A machine with random weights."""
    dbm = DBM(hidden, seed=0, **arguments)
    dbm.build((None, visible))
    random = np.random.default_rng(0)
    for weight in dbm.trainable_variables:
        weight.assign(scale * random.standard_normal(weight.shape))
    return dbm


def split(dbm, joint):
    """Joint states as those of each layer."""
    sizes = np.cumsum([bias.shape[0] for bias in dbm.biases])
    return np.split(joint, sizes[:-1], axis=1)


def log_weights(dbm):
    """Minus the energy of all joint states, and the states by layer."""
    layers = split(dbm, states(sum(bias.shape[0] for bias in dbm.biases)))
    total = sum(units @ np.asarray(bias) for units, bias in zip(layers, dbm.biases, strict=True))
    for below, kernel, above in zip(layers, dbm.kernels, layers[1:], strict=False):
        total = total + np.einsum("ni,ij,nj->n", below, np.asarray(kernel), above)
    return total, layers


def test_is_a_layer():
    def make(**arguments):
        return DBM((4, 3), persistent_chains=5, **arguments)

    check_layer(make, (3,), (3,), trainable=5, non_trainable=8)


@pytest.mark.parametrize("hidden", [(2, 3), (2, 3, 2)])
def test_the_folded_machine_has_the_partition_function_of_the_deep_one(hidden):
    dbm = small(3, hidden)
    np.testing.assert_allclose(
        exact_log_partition(dbm.as_rbm()), logsumexp(log_weights(dbm)[0]), rtol=1e-5
    )


@pytest.mark.parametrize("hidden", [(2, 3), (2, 3, 2)])
def test_the_bound_stays_below_the_log_likelihood_and_no_step_lowers_it(hidden):
    dbm = small(3, hidden)
    log_joint, layers = log_weights(dbm)
    exact = [
        logsumexp(log_joint[(layers[0] == row).all(1)]) - logsumexp(log_joint) for row in states(3)
    ]
    bounds = [
        mean_field_bound(dbm, states(3), logsumexp(log_joint), steps=steps)
        for steps in (0, 1, 2, 5, 50)
    ]
    for fewer, more in itertools.pairwise(bounds):
        assert (more >= fewer - 1e-5).all()
    assert (bounds[-1] <= np.array(exact) + 1e-5).all()
    assert (bounds[-1] > np.array(exact) - 1).all()


def test_mean_field_reaches_a_fixed_point():
    dbm = small(4, (5, 3))
    for fewer, more in zip(
        dbm.mean_field(states(4), 100), dbm.mean_field(states(4), 101), strict=True
    ):
        np.testing.assert_allclose(fewer, more, atol=1e-6)


@pytest.mark.tensorflow
@pytest.mark.parametrize("hidden", [(2, 2), (2, 2, 2)])
def test_gibbs_chains_reach_the_distribution_of_the_machine(hidden):
    dbm = small(3, hidden, scale=1.0)
    log_joint, layers = log_weights(dbm)
    found_in = (layers[0] @ [1, 2, 4]).astype(int)
    exact = np.bincount(found_in, np.exp(log_joint - logsumexp(log_joint)))
    (visible, *_), _ = dbm.gibbs(dbm.start(40_000, 1), 60, seed=2)
    found = np.bincount((np.asarray(visible) @ [1, 2, 4]).astype(int), minlength=8) / 40_000
    assert np.abs(found - exact).sum() / 2 < 0.02


def test_given_units_keep_their_values():
    dbm = small(4, (3, 2))
    start = dbm.start(50, 3)
    given = np.tile(np.array([[1, 0, 1, 0]], "float32"), (50, 1))
    (visible, _), mean = dbm.gibbs(start, 20, seed=4, given=given)
    np.testing.assert_array_equal(np.asarray(visible)[:, [0, 2]], np.asarray(start[0])[:, [0, 2]])
    np.testing.assert_array_equal(np.asarray(mean)[:, [0, 2]], np.asarray(start[0])[:, [0, 2]])
    assert (np.asarray(visible) != np.asarray(start[0])).any()


@pytest.mark.slow
@pytest.mark.tensorflow
def test_the_gradient_is_that_of_the_bound():
    """With chains in equilibrium the loss has the gradient of the variational bound."""
    dbm = small(3, (2, 2), scale=0.5, centered=False, weight_decay=0.0, persistent_chains=40_000,
                gibbs_steps=40, mean_field_steps=50)  # fmt: skip
    dbm.steps.assign(1)  # the prior of the visible units is taken
    data = states(3)[[1, 3, 3, 6]]

    def loss():
        dbm(data, training=True)
        return dbm.losses[0]

    found = gradients(loss, dbm.trainable_variables)
    for weight, gradient in zip(dbm.trainable_variables, found, strict=True):
        start = np.asarray(weight).copy()
        numeric = np.zeros_like(start)
        for index in np.ndindex(start.shape):
            sides = []
            for sign in (1, -1):
                moved = start.copy()
                moved[index] += sign * 0.05
                weight.assign(moved)
                log_partition = logsumexp(log_weights(dbm)[0])
                sides.append(mean_field_bound(dbm, data, log_partition, steps=100).mean())
            numeric[index] = (sides[1] - sides[0]) / 0.1
        weight.assign(start)
        np.testing.assert_allclose(gradient, numeric, atol=0.02, err_msg=weight.path)


@pytest.mark.parametrize(("layer", "moving"), [(1, {0, 2, 3}), (2, {1, 3, 4}), (False, set())])
def test_pretraining_moves_one_layer_and_leaves_the_others_as_they_are(layer, moving):
    dbm = DBM((5, 4), persistent_chains=3, learning=layer, seed=0)
    inputs = keras.Input((6,))
    model = keras.Model(inputs, dbm(inputs))
    model.compile(keras.optimizers.SGD(0.1, momentum=0.5))
    before = [np.asarray(w) for w in dbm.trainable_variables]
    data = (np.random.default_rng(0).random((40, 6)) < 0.3).astype("float32")
    model.fit(data, batch_size=10, epochs=2, verbose=0)
    after = [np.asarray(w) for w in dbm.trainable_variables]
    assert {i for i, old in enumerate(before) if not np.array_equal(old, after[i])} == moving


@pytest.mark.slow
@pytest.mark.jax
@pytest.mark.tensorflow
def test_training_raises_the_bound():
    data = np.repeat(np.array([[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]], "float32"), 20, axis=0)
    dbm = DBM((4, 3), persistent_chains=50, seed=0)
    inputs = keras.Input((6,))
    model = keras.Model(inputs, dbm(inputs))
    model.compile(keras.optimizers.SGD(0.1))

    def bound():
        return mean_field_bound(dbm, data, exact_log_partition(dbm.as_rbm())).mean()

    model.fit(data, batch_size=10, epochs=1, verbose=0)
    early = bound()
    model.fit(data, batch_size=10, epochs=60, verbose=0)
    assert early < bound() - 1
    assert bound() > -2.5  # of two equally likely patterns it cannot be above -0.7


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hidden": (3,)}, "hidden must be two or more whole numbers of at least 1, got (3,)"),
        ({"hidden": (3, 2), "persistent_chains": 0}, "persistent_chains must be a whole number"),
        ({"hidden": (3, 2), "weight_decay": -1}, "weight_decay must be at least 0, got -1"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match="must be") as error:
        DBM(**arguments)
    assert message in one_sentence(error)


def test_folding_takes_the_prior_of_the_visible_units_along():
    dbm = small(3, (2, 2))
    dbm.visible_prior.assign(ops.ones(3))
    np.testing.assert_allclose(
        dbm.as_rbm().visible_bias[:3], np.asarray(dbm.biases[0]) + 1, rtol=1e-6
    )
