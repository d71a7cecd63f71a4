import itertools

import numpy as np
import pytest

from amalthea.metrics import belief_net_bound, exact_log_partition, log_likelihood

from harness import machine, states


def stack(*sizes, scale=1.0):
    """Machines with random weights, each over the hidden units of the one below."""
    machines = [machine(*pair, scale=scale) for pair in itertools.pairwise(sizes)]
    random = np.random.default_rng(1)
    for rbm in machines:
        for weight in rbm.trainable_variables:
            weight.assign(scale * random.standard_normal(weight.shape))
    return machines


def weights(rbm):
    return [np.asarray(w, "float64") for w in (rbm.kernel, rbm.visible_bias, rbm.hidden_bias)]


def top_log_probabilities(rbm):
    """`log p(v)` of all visible states, by the sum over all states of both sides."""
    kernel, visible_bias, hidden_bias = weights(rbm)
    visible, hidden = states(kernel.shape[0]), states(kernel.shape[1])
    logs = visible @ kernel @ hidden.T + (visible @ visible_bias)[:, None] + hidden @ hidden_bias
    return np.logaddexp.reduce(logs, axis=1) - np.logaddexp.reduce(logs, axis=None)


def exact_log_likelihood(machines):
    """`log p(v)` of all visible states: the top's distribution passed down, state by state."""
    *below, top = machines
    logs = top_log_probabilities(top)
    for rbm in reversed(below):
        kernel, visible_bias, _ = weights(rbm)
        visible, hidden = states(kernel.shape[0]), states(kernel.shape[1])
        inputs = hidden @ kernel.T + visible_bias  # (hidden states, visible)
        given = visible @ inputs.T - np.logaddexp(0, inputs).sum(1)  # log p(v | h)
        logs = np.logaddexp.reduce(given + logs, axis=1)
    return logs


def bound(machines, repeats=200, **arguments):
    """The bound of all visible states, each the mean over `repeats` rows of its own samples."""
    visible = states(machines[0].kernel.shape[0])
    log_partition = exact_log_partition(machines[-1])
    rows = belief_net_bound(machines, np.repeat(visible, repeats, 0), log_partition, **arguments)
    return rows.reshape(-1, repeats).mean(1)


@pytest.mark.parametrize("sizes", [(4, 3, 2), (3, 3, 2, 3)])
def test_the_enumerated_probabilities_sum_to_one(sizes):
    assert np.exp(exact_log_likelihood(stack(*sizes))).sum() == pytest.approx(1, rel=1e-6)


@pytest.mark.parametrize("sizes", [(4, 3, 2), (3, 3, 2, 3)])
def test_the_bound_stays_below_the_log_likelihood(sizes):
    machines = stack(*sizes)
    exact = exact_log_likelihood(machines)
    found = bound(machines, samples=40)
    assert (found <= exact + 0.05).all()
    assert found.mean() < exact.mean() - 0.05  # these posteriors are not factorial


@pytest.mark.parametrize("lower", [0.0, 1.0])
def test_the_bound_is_what_its_definition_gives(lower):
    """`Σ_h q(h | v) [log p(v | h) + log p_top(h) − log q(h | v)]`, by enumeration."""
    machines = stack(4, 3, 2)
    machines[0].kernel.assign(lower * machines[0].kernel)
    kernel, visible_bias, hidden_bias = weights(machines[0])
    hidden, top = states(3), top_log_probabilities(machines[1])
    expected = []
    for visible in states(4):
        inputs = visible @ kernel + hidden_bias
        log_q = hidden @ inputs - np.logaddexp(0, inputs).sum()
        down = hidden @ kernel.T + visible_bias
        log_p = (visible * down - np.logaddexp(0, down)).sum(1) + top
        expected.append(np.exp(log_q) @ (log_p - log_q))
    np.testing.assert_allclose(bound(machines, samples=40), expected, atol=0.1)


def test_where_the_posterior_is_what_goes_up_the_bound_is_the_log_likelihood():
    lower, top = stack(4, 3, 2)
    # Without kernels, and with a top that agrees with the hidden biases, it is.
    lower.kernel.assign(0 * lower.kernel)
    top.kernel.assign(0 * top.kernel)
    top.visible_bias.assign(lower.hidden_bias)
    exact = exact_log_likelihood([lower, top])
    np.testing.assert_allclose(bound([lower, top], samples=40), exact, atol=0.05)
    # Under another top the posterior is that top's, and not what goes up.
    top.visible_bias.assign(top.visible_bias + 1)
    gap = exact_log_likelihood([lower, top]) - bound([lower, top], samples=40)
    assert (gap > 0.2).all()


def test_with_its_transpose_on_top_a_machine_keeps_its_log_likelihood():
    """Right after a machine is unrolled the posterior is what goes up, so the bound is tight."""
    (lower,) = stack(4, 3)
    top = machine(3, 4)
    kernel, visible_bias, hidden_bias = weights(lower)
    for weight, value in zip(
        top.trainable_variables, (kernel.T, hidden_bias, visible_bias), strict=True
    ):
        weight.assign(value)
    alone = log_likelihood(lower, states(4), exact_log_partition(lower))
    np.testing.assert_allclose(exact_log_likelihood([lower, top]), alone, rtol=1e-5)
    np.testing.assert_allclose(bound([lower, top], samples=40), alone, atol=0.1)


def test_with_one_machine_it_is_the_log_likelihood():
    (rbm,) = stack(4, 3)
    np.testing.assert_allclose(bound([rbm]), exact_log_likelihood([rbm]), rtol=1e-5)


def test_the_seed_alone_decides_the_states():
    machines = stack(4, 3, 2)
    np.testing.assert_array_equal(bound(machines, seed=3), bound(machines, seed=3))
    assert (bound(machines, seed=3) != bound(machines, seed=4)).any()
