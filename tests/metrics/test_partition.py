import keras
import numpy as np
import pytest

from amalthea.errors import UserError
from amalthea.layers import RBM
from amalthea.metrics import (
    annealed_importance_sampling,
    exact_log_partition,
    log_likelihood,
    reverse_annealed_importance_sampling,
)

from harness import machine, states


def test_enumerating_hidden_states_equals_enumerating_visible_ones():
    few_hidden, few_visible = machine(24, 6), machine(6, 24)
    kernel, visible_bias, hidden_bias = few_hidden.get_weights()[:3]
    few_visible.set_weights([kernel.T, hidden_bias, visible_bias, *few_visible.get_weights()[3:]])
    assert np.isclose(exact_log_partition(few_hidden), exact_log_partition(few_visible), rtol=1e-10)


def test_equals_the_sum_over_everything():
    rbm = machine(5, 3)
    kernel, visible_bias, hidden_bias = rbm.get_weights()[:3]
    energies = [
        -v @ kernel @ h - v @ visible_bias - h @ hidden_bias for v in states(5) for h in states(3)
    ]
    exact = np.logaddexp.reduce(-np.asarray(energies, "float64"))
    assert np.isclose(exact_log_partition(rbm), exact, rtol=1e-6)


def test_an_estimate_follows_the_weights():
    rbm = machine(8, 6)
    for scale in (1.0, 0.3):
        for weight in rbm.trainable_variables:
            weight.assign(scale * weight)
        estimate = annealed_importance_sampling(rbm, temperatures=1000).log_partition
        assert np.isclose(estimate, exact_log_partition(rbm), atol=0.2)


def test_gaussian_units_are_integrated_out():
    rbm = machine(1, 3, visible_units="gaussian")
    grid = np.linspace(-30, 30, 20_001)[:, None].astype("float32")
    density = np.exp(log_likelihood(rbm, grid, exact_log_partition(rbm)))
    assert np.isclose(np.trapezoid(density, grid[:, 0]), 1, rtol=1e-4)


def test_probabilities_sum_to_one():
    rbm = machine(8, 5)
    log_probabilities = log_likelihood(rbm, states(8), exact_log_partition(rbm))
    assert np.isclose(np.exp(log_probabilities).sum(), 1, rtol=1e-6)
    free = -np.asarray(rbm.free_energy(states(8)))
    np.testing.assert_allclose(log_probabilities, free - exact_log_partition(rbm), atol=1e-3)


@pytest.mark.parametrize("visible_units", ["bernoulli", "gaussian"])
def test_annealing_brackets_the_exact_value(visible_units):
    rbm = machine(12, 8, scale=0.7, visible_units=visible_units)
    exact = exact_log_partition(rbm)
    means = np.full(12, 0.6)
    forward = annealed_importance_sampling(rbm, means, chains=200, temperatures=1000)
    reverse = reverse_annealed_importance_sampling(rbm, forward.visible, means, temperatures=1000)
    assert 0 < forward.standard_error < 0.1
    assert abs(forward.log_partition - exact) < 4 * forward.standard_error + 0.01
    assert abs(reverse.log_partition - exact) < 4 * reverse.standard_error + 0.1


def test_few_temperatures_estimate_from_below_and_in_reverse_from_above():
    rbm = machine(20, 10, scale=1.5)
    exact = exact_log_partition(rbm)
    seeds = range(5)
    forward = [annealed_importance_sampling(rbm, chains=20, temperatures=20, seed=s) for s in seeds]
    samples = annealed_importance_sampling(rbm, chains=20, temperatures=2000).visible
    reverse = [
        reverse_annealed_importance_sampling(rbm, samples, temperatures=20, seed=s) for s in seeds
    ]
    assert np.mean([e.log_partition for e in forward]) < exact
    assert np.mean([e.log_partition for e in reverse]) > exact


def test_a_machine_without_interactions_is_known_exactly():
    ones = keras.initializers.Constant(1)
    rbm = RBM(4, kernel_initializer="zeros", visible_bias_initializer=ones)
    rbm.build((None, 7))
    means = np.full(7, 1 / (1 + np.exp(-1)))
    estimate = annealed_importance_sampling(rbm, means, chains=5, temperatures=10)
    assert np.isclose(estimate.log_partition, exact_log_partition(rbm), rtol=1e-5)
    assert estimate.standard_error < 1e-5


def test_what_cannot_be_enumerated_is_refused():
    with pytest.raises(UserError, match="at most 20 units on one binary side, got 784 visible"):
        exact_log_partition(machine(784, 500))
    with pytest.raises(UserError, match="got 5 visible and 21 hidden"):
        exact_log_partition(machine(5, 21, visible_units="gaussian"))


def test_means_of_another_shape_are_refused():
    with pytest.raises(UserError, match=r"must have the shape \(5,\), got \(4,\)"):
        annealed_importance_sampling(machine(5, 2), np.zeros(4))
