import numpy as np

from amalthea.metrics import pseudo_log_likelihood

from harness import machine, states


def test_equals_the_conditionals_of_the_enumerated_machine():
    rbm = machine(4, 3)
    logs = -np.asarray(rbm.free_energy(states(4)), "float64")
    expected = [
        np.mean([logs[row] - np.logaddexp(logs[row], logs[row ^ (1 << unit)]) for unit in range(4)])
        for row in range(16)
    ]
    np.testing.assert_allclose(pseudo_log_likelihood(rbm, states(4)), expected, rtol=1e-4)


def test_more_rows_than_are_computed_at_once():
    rbm = machine(4, 3)
    many = np.tile(states(4), (20, 1))
    one = pseudo_log_likelihood(rbm, states(4))
    np.testing.assert_allclose(pseudo_log_likelihood(rbm, many), np.tile(one, 20))
