import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import expit, logsumexp, softmax

from amalthea.layers import RBM

from harness import (
    check_layer,
    errors_of_the_gradient,
    gradients,
    machine,
    one_sentence,
    states,
)


def parameters(rbm):
    return [np.asarray(w, "float64") for w in (rbm.kernel, rbm.visible_bias, rbm.hidden_bias)]


def energy(rbm, visible, hidden):
    kernel, visible_bias, hidden_bias = parameters(rbm)
    own = (
        -visible @ visible_bias
        if rbm.visible_units == "bernoulli"
        else np.square(visible - visible_bias).sum() / 2
    )
    return own - visible @ kernel @ hidden - hidden @ hidden_bias


@pytest.mark.parametrize(
    ("variant", "states"),
    [
        ({"sparsity_target": 0.1}, 4),
        ({"visible_units": "gaussian", "persistent_chains": 4}, 5),
        pytest.param({"hidden_units": "gaussian"}, 4, marks=pytest.mark.slow),
        pytest.param({"softmax": (1, 2)}, 4, marks=pytest.mark.slow),
        pytest.param({"visible_bias_initializer": "zeros"}, 2, marks=pytest.mark.slow),
    ],
)
def test_is_a_layer(variant, states):
    def make(**arguments):
        return RBM(4, gibbs_steps=2, **variant, **arguments)

    check_layer(make, (3,), (4,), trainable=3, non_trainable=states)


@pytest.mark.parametrize("visible_units", ["bernoulli", "gaussian"])
def test_free_energy_equals_the_sum_over_all_hidden_states(visible_units):
    rbm = machine(4, 3, visible_units=visible_units)
    visible = np.random.default_rng(1).standard_normal((5, 4)).astype("float32")
    expected = [-np.logaddexp.reduce([-energy(rbm, v, h) for h in states(3)]) for v in visible]
    np.testing.assert_allclose(rbm.free_energy(visible), expected, rtol=1e-5)


def test_both_directions_are_the_conditionals_of_the_energy():
    rbm = machine(3, 2)
    weights = np.exp([[-energy(rbm, v, h) for h in states(2)] for v in states(3)])
    hidden = weights @ states(2) / weights.sum(1, keepdims=True)
    np.testing.assert_allclose(rbm(states(3)), hidden, rtol=1e-4)
    visible = weights.T @ states(3) / weights.sum(0)[:, None]
    np.testing.assert_allclose(rbm(states(2), reverse=True), visible, rtol=1e-4)


def update(rbm, data, chain):
    """What a step changes the kernel and the biases by, its chains ending in given states."""
    rbm._contrast = lambda *_: tuple(map(ops.convert_to_tensor, chain))
    rbm(data, training=True)  # settles the offsets' first step apart
    offsets = [np.asarray(w) for w in (rbm.visible_offset, rbm.hidden_offset)]

    def loss():
        for weight, value in zip((rbm.visible_offset, rbm.hidden_offset), offsets, strict=True):
            weight.assign(value)
        rbm(data, training=True)
        return rbm.losses[0]

    return [-g for g in gradients(loss, rbm.trainable_variables)]


@pytest.mark.tensorflow
def test_the_loss_has_the_gradient_of_contrastive_divergence():
    rbm = machine(4, 3, centered=False, weight_decay=0.0)
    random = np.random.default_rng(2)
    data = states(4)
    visible = random.random((16, 4)).astype("float32")
    hidden = np.asarray(rbm(visible))
    data_hidden = np.asarray(rbm(data))
    kernel, visible_bias, hidden_bias = update(rbm, data, (visible, hidden))
    expected = (data.T @ data_hidden - visible.T @ hidden) / 16
    np.testing.assert_allclose(kernel, expected, atol=1e-6)
    np.testing.assert_allclose(visible_bias, data.mean(0) - visible.mean(0), atol=1e-6)
    np.testing.assert_allclose(hidden_bias, data_hidden.mean(0) - hidden.mean(0), atol=1e-6)


@pytest.mark.tensorflow
def test_the_centred_gradient_is_the_same_for_flipped_units():
    """Of data with 0 and 1 exchanged the flipped machine learns what the machine learns of them."""
    rbm, flipped = (machine(4, 3, weight_decay=0.0) for _ in range(2))
    kernel, visible_bias, hidden_bias = parameters(rbm)
    offsets = flipped.get_weights()[3:]
    flipped.set_weights([-kernel, -visible_bias, hidden_bias + kernel.sum(0), *offsets])
    random = np.random.default_rng(3)
    data, visible = random.random((2, 8, 4)).astype("float32")
    np.testing.assert_allclose(flipped(1 - data), rbm(data), rtol=1e-4)
    hidden = np.asarray(rbm(visible))
    ours = update(rbm, data, (visible, hidden))
    theirs = update(flipped, 1 - data, (1 - visible, hidden))
    np.testing.assert_allclose(theirs[0], -ours[0], atol=1e-5)
    np.testing.assert_allclose(theirs[1], -ours[1], atol=1e-5)
    np.testing.assert_allclose(theirs[2], ours[2] + ours[0].sum(0), atol=1e-5)


def likelihood_gradient(rbm, data):
    """The exact gradient of minus the mean log-likelihood, by a sum over all hidden states."""
    kernel, visible_bias, hidden_bias = parameters(rbm)
    hidden = states(kernel.shape[1]).astype("float64")
    inputs = hidden @ kernel.T + visible_bias
    mean, log_sum = expit(inputs), np.logaddexp(0, inputs)
    if rbm.softmax:
        size = rbm.softmax[1]
        mean[:, -size:] = softmax(inputs[:, -size:], axis=1)
        log_sum[:, -size:] = logsumexp(inputs[:, -size:], axis=1, keepdims=True) / size
    if rbm.visible_units == "gaussian":
        mean, log_sum = inputs, inputs**2 / 2
    shares = softmax(hidden @ hidden_bias + log_sum.sum(1))
    data_hidden = expit(data @ kernel + hidden_bias)
    return (
        (shares[:, None] * mean).T @ hidden - data.T @ data_hidden / len(data),
        shares @ mean - data.mean(0),
        shares @ hidden - data_hidden.mean(0),
    )


@pytest.mark.tensorflow
@pytest.mark.slow
@pytest.mark.parametrize(
    ("variant", "data"),
    [
        ({}, states(6)[[1, 7, 7, 24, 56, 63]]),
        pytest.param(
            {"softmax": (1, 3)},
            states(6)[[8, 15, 20, 33, 35, 32]],
            marks=pytest.mark.exhaustive,
        ),
        pytest.param(
            {"visible_units": "gaussian"},
            np.linspace(-1, 3, 36, dtype="float32").reshape(6, 6) ** 2,
            marks=pytest.mark.exhaustive,
        ),
    ],
)
def test_with_more_steps_contrastive_divergence_becomes_the_gradient_of_the_likelihood(
    variant, data
):
    data = np.repeat(data, 10_000, axis=0)
    scale = 0.35 if "visible_units" in variant else 1.0

    def errors(gibbs_steps, **arguments):
        rbm = machine(
            6, 4, scale, centered=False, weight_decay=0.0, gibbs_steps=gibbs_steps,
            **variant, **arguments,
        )  # fmt: skip
        return errors_of_the_gradient(rbm, data, likelihood_gradient(rbm, data))

    (one, _), (two, _), (many, noise) = (errors(steps) for steps in (1, 2, 20))
    assert one > 2 * two > 4 * many
    assert many < 1.5 * noise
    # Means of the visible units have less variance and a bias that does not go away.
    biased, less_noise = errors(20, visible_means=True)
    assert less_noise < noise / 2
    assert biased > 3 * many
    np.testing.assert_allclose(errors(40, visible_means=True)[0], biased, rtol=0.1)


def test_the_reported_loss_is_the_pseudo_log_likelihood():
    rbm = machine(4, 3)
    logs = -np.asarray(rbm.free_energy(states(4)), "float64")
    row = 5
    flips = [row ^ (1 << unit) for unit in range(4)]
    expected = -sum(np.logaddexp(logs[row], logs[flip]) - logs[row] for flip in flips)
    rbm(np.repeat(states(4)[row : row + 1], 40_000, axis=0))
    np.testing.assert_allclose(-float(rbm.losses[0]), expected, rtol=0.02)


@pytest.mark.tensorflow
def test_gibbs_chains_reach_the_distribution_of_the_machine():
    rbm = machine(3, 2)
    exact = np.exp(-np.asarray(rbm.free_energy(states(3)), "float64"))
    exact /= exact.sum()
    last, _ = rbm.gibbs(np.zeros((40_000, 3), "float32"), 100, seed=1)
    found = np.bincount(np.asarray(last).astype(int) @ [1, 2, 4], minlength=8) / 40_000
    assert np.abs(found - exact).sum() / 2 < 0.02


def test_given_units_keep_their_values_and_others_follow_their_conditional():
    rbm = machine(3, 2)
    start = np.tile(np.array([[1, 0, 0.0]], "float32"), (20_000, 1))
    given = np.tile(np.array([[1, 0, 0.0]], "float32"), (20_000, 1))
    last, mean = (np.asarray(t) for t in rbm.gibbs(start, 50, seed=2, given=given))
    assert (last[:, 0] == 1).all()
    assert (mean[:, 0] == 1).all()
    exact = np.exp(-np.asarray(rbm.free_energy(states(3)[1::2]), "float64"))
    found = np.bincount(last[:, 1:].astype(int) @ [1, 2], minlength=4) / 20_000
    assert np.abs(found - exact / exact.sum()).sum() / 2 < 0.02


def test_a_linear_code_has_the_free_energy_of_its_integral():
    rbm = machine(3, 1, hidden_units="gaussian")
    kernel, visible_bias, hidden_bias = parameters(rbm)
    hidden = np.linspace(-30, 30, 100_001)
    for visible in states(3):
        inputs = visible @ kernel[:, 0] + hidden_bias
        weights = np.exp(visible @ visible_bias + hidden * inputs - hidden**2 / 2)
        free_energy = -np.log(np.trapezoid(weights, hidden))
        np.testing.assert_allclose(rbm.free_energy(visible[None]), [free_energy], rtol=1e-4)
        np.testing.assert_allclose(rbm(visible[None])[0], inputs, rtol=1e-4)


def test_of_a_softmax_group_one_unit_is_on_as_often_as_the_energy_says():
    rbm = machine(5, 2, softmax=(1, 3))
    allowed = states(5)[states(5)[:, 2:].sum(1) == 1]
    weights = np.exp([[-energy(rbm, v, h) for h in states(2)] for v in allowed])
    mean = weights.T @ allowed / weights.sum(0)[:, None]
    np.testing.assert_allclose(rbm(states(2), reverse=True), mean, rtol=1e-4)
    start = np.tile(allowed[:1], (40_000, 1))
    last = np.asarray(rbm.gibbs(start, 50, seed=4)[0])
    np.testing.assert_array_equal(last[:, 2:].sum(1), 1)
    found = np.array([(last == row).all(1).mean() for row in allowed])
    assert np.abs(found - weights.sum(1) / weights.sum()).sum() / 2 < 0.02


@pytest.mark.parametrize(
    ("variant", "data"),
    [
        ({}, states(3)[[1, 1, 3, 3, 7, 5, 1]]),
        ({"visible_units": "gaussian"}, np.linspace(-1, 3, 21, dtype="float32").reshape(7, 3)),
        ({"softmax": (1, 3)}, np.eye(3, dtype="float32")[[0, 0, 0, 1, 1, 2, 0]]),
    ],
)
def test_without_hidden_units_a_first_batch_gives_the_visible_units_its_means(variant, data):
    rbm = RBM(2, seed=0, **variant)
    rbm(data, training=True)
    first = np.asarray(rbm.visible_prior)
    smooth = (data.sum(0) + (0 if "visible_units" in variant else 0.5)) / 8
    if "softmax" in variant:
        smooth /= smooth.sum()
    zero = ops.zeros((1, 2))
    rbm.kernel.assign(ops.zeros(rbm.kernel.shape))
    np.testing.assert_allclose(rbm(zero, reverse=True)[0], smooth, rtol=1e-5)
    rbm(data[:2], training=True)
    np.testing.assert_array_equal(rbm.visible_prior, first)


def test_a_layer_that_rests_does_not_move():
    rbm = RBM(4, persistent_chains=3, learning=False, seed=0)
    inputs = keras.Input((6,))
    model = keras.Model(inputs, rbm(inputs))
    model.compile(keras.optimizers.SGD(0.1))
    before = [np.asarray(w) for w in model.weights]
    history = model.fit(np.ones((40, 6), "float32"), verbose=0).history
    assert history["loss"] == [0.0]
    for weight, old in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_gaussian_units_are_drawn_about_their_mean_with_variance_one():
    rbm = machine(2, 2, visible_units="gaussian")
    mean = np.tile(np.array([[1.0, -2.0]], "float32"), (20_000, 1))
    drawn = np.asarray(rbm.draw_visible(mean, 3))
    np.testing.assert_allclose(drawn.mean(0), [1, -2], atol=0.03)
    np.testing.assert_allclose(drawn.std(0), 1, atol=0.03)


def test_the_same_seed_draws_the_same_and_another_does_not():
    rbm = machine(6, 4)
    start = np.zeros((20, 6), "float32")
    first, again, other = (np.asarray(rbm.gibbs(start, 3, seed)[0]) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_chains_go_on_in_training_alone():
    rbm = machine(6, 4, persistent_chains=5)
    data = np.zeros((3, 6), "float32")
    start = np.asarray(rbm.chains)
    rbm(data)
    np.testing.assert_array_equal(rbm.chains, start)
    rbm(data, training=True)
    moved = np.asarray(rbm.chains)
    # Means of the hidden units, given some state of the visible ones.
    means = ops.convert_to_numpy(rbm.hidden_mean(states(6)))
    np.testing.assert_allclose(np.abs(moved[:, None] - means).max(2).min(1), 0, atol=1e-6)
    rbm(data, training=True)
    assert (np.asarray(rbm.chains) != moved).any()


@pytest.mark.parametrize("target", [0.1, pytest.param(0.3, marks=pytest.mark.slow)])
def test_mean_activity_goes_to_the_sparsity_target(target):
    random = np.random.default_rng(0)
    data = (random.random((400, 12)) < 0.5).astype("float32")
    inputs = keras.Input((12,))
    rbm = RBM(8, sparsity_target=target, sparsity_cost=2.0, seed=0)
    model = keras.Model(inputs, rbm(inputs))
    model.compile(keras.optimizers.SGD(0.1))
    model.fit(data, batch_size=20, epochs=15, verbose=0)
    assert abs(float(model.predict(data, verbose=0).mean()) - target) < 0.03


def test_weight_decay_shrinks_the_kernel():
    def norm(decay):
        rbm = machine(6, 4, weight_decay=decay)
        inputs = keras.Input((6,))
        model = keras.Model(inputs, rbm(inputs))
        model.compile(keras.optimizers.SGD(0.1))
        model.fit(np.full((40, 6), 0.5, "float32"), batch_size=4, epochs=5, verbose=0)
        return float(ops.norm(rbm.kernel))

    assert norm(0.5) < 0.5 * norm(0.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hidden": 0}, "hidden must be a whole number of at least 1, got 0"),
        (
            {"hidden": 2, "gibbs_steps": 0},
            "gibbs_steps must be a whole number of at least 1, got 0",
        ),
        ({"hidden": 2, "visible_units": "softmax"}, "got 'softmax'"),
        ({"hidden": 2, "hidden_units": 3}, "hidden_units must be 'bernoulli' or 'gaussian', got 3"),
        ({"hidden": 2, "softmax": (1, 1)}, "got (1, 1) beside bernoulli ones"),
        ({"hidden": 2, "sparsity_target": 1.0}, "below 1, or None, got 1.0"),
        ({"hidden": 2, "weight_decay": -1}, "weight_decay must be at least 0, got -1"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match="must be") as error:
        RBM(**arguments)
    assert message in one_sentence(error)


@pytest.mark.parametrize("persistent_chains", [0, 5])
def test_trains_in_lower_precision(persistent_chains):
    rbm = RBM(4, persistent_chains=persistent_chains, sparsity_target=0.2, dtype="mixed_bfloat16")
    inputs = keras.Input((6,))
    model = keras.Model(inputs, rbm(inputs))
    model.compile(keras.optimizers.SGD(0.1))
    history = model.fit(np.ones((40, 6), "float32"), batch_size=4, epochs=5, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]


@pytest.mark.tensorflow
def test_samples_have_the_distribution_of_the_machine():
    rbm = machine(3, 2)
    exact = np.exp(-np.asarray(rbm.free_energy(states(3)), "float64"))
    states_, _ = rbm.sample(40_000, 100, seed=5)
    found = np.bincount(np.asarray(states_).astype(int) @ [1, 2, 4], minlength=8) / 40_000
    assert np.abs(found - exact / exact.sum()).sum() / 2 < 0.02
