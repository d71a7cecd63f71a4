import numpy as np
import pytest
from scipy.special import expit

from amalthea.data import read
from amalthea.recipes import dbn, get_recipe

from harness import call_endpoint, states


def endpoint(model, name, **inputs):
    (output,) = call_endpoint(model, name, **inputs).values()
    return output


def tiny(hidden_units=(3, 2)):
    """A net over images of four pixels, with random weights."""
    model = dbn((2, 2, 1), hidden_units=hidden_units, seed=0)
    random = np.random.default_rng(0)
    for weight in model.trainable_variables:
        weight.assign(1.5 * random.standard_normal(weight.shape))
    model.get_layer("rbm_1").visible_prior.assign([0.5, -1.0, 0.0, 1.0])
    return model


def weights(rbm):
    return [np.asarray(w, "float64") for w in (rbm.kernel, rbm.visible_biases, rbm.hidden_bias)]


def log_probabilities(rbm):
    """Of all visible states of a machine alone."""
    kernel, visible_biases, hidden_bias = weights(rbm)
    visible, hidden = (states(units).astype("float64") for units in kernel.shape)
    logs = visible @ kernel @ hidden.T + (visible @ visible_biases)[:, None] + hidden @ hidden_bias
    return np.logaddexp.reduce(logs, axis=1) - np.logaddexp.reduce(logs, axis=None)


def halves(count):
    """Images of two kinds: left half white, or right half white."""
    images = np.zeros((count, 4, 4, 1), "float32")
    images[::2, :, :2] = 1
    images[1::2, :, 2:] = 1
    return images


@pytest.fixture(scope="module")
def trained():
    """A net that has learnt the halves, stage by stage."""
    model = dbn((4, 4, 1), hidden_units=(8, 4), learning_rate=0.05, weight_decay=0.0,
                pretraining_epochs=10, seed=0)  # fmt: skip
    schedule = get_recipe("dbn").schedule(model.origin.arguments)
    history = model.fit(halves(400), batch_size=20, epochs=25, callbacks=[schedule], verbose=0)
    return model, history.history


@pytest.mark.tensorflow
@pytest.mark.parametrize("hidden_units", [(3, 2), (3, 2, 3)])
def test_samples_are_of_the_top_machine_passed_down_once(hidden_units):
    """The means, and the means' products, of the pixels that are drawn equal the enumerated."""
    model = tiny(hidden_units)
    *below, top = (model.get_layer(f"rbm_{i + 1}") for i in range(len(hidden_units)))
    probabilities = np.exp(log_probabilities(top))
    for rbm in below[:0:-1]:
        kernel, visible_biases, _ = weights(rbm)
        on = expit(states(kernel.shape[1]) @ kernel.T + visible_biases)  # (hidden states, visible)
        visible = states(kernel.shape[0])[:, None]
        probabilities = np.prod(np.where(visible > 0, on, 1 - on), axis=2) @ probabilities
    kernel, visible_biases, _ = weights(below[0])
    means = expit(states(kernel.shape[1]) @ kernel.T + visible_biases)
    drawn = endpoint(model, "sample", n=20_000, steps=50, seed=1).reshape(-1, 4)
    # A sample is the mean of the pixels given one state of the units above them.
    distances = np.abs(drawn[:, None] - means).max(2)
    np.testing.assert_allclose(distances.min(1), 0, atol=1e-4)
    found = np.bincount(distances.argmin(1), minlength=len(means)) / len(drawn)
    assert np.abs(found - probabilities).sum() / 2 < 0.02
    np.testing.assert_allclose(drawn.mean(0), probabilities @ means, atol=0.02)


def test_reconstruction_goes_up_and_down_through_all_machines():
    model = tiny()
    lower, visible_1, hidden_1 = weights(model.get_layer("rbm_1"))
    upper, visible_2, hidden_2 = weights(model.get_layer("rbm_2"))
    images = states(4).reshape(-1, 2, 2, 1)
    features = expit(expit(states(4) @ lower + hidden_1) @ upper + hidden_2)
    expected = expit(expit(features @ upper.T + visible_2) @ lower.T + visible_1)
    found = endpoint(model, "reconstruct", images=images).reshape(-1, 4)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    np.testing.assert_allclose(endpoint(model, "serve", images=images), features, rtol=1e-4)


def test_the_measured_bound_stays_below_the_log_likelihood():
    model = tiny()
    kernel, visible_biases, _ = weights(model.get_layer("rbm_1"))
    on = states(3) @ kernel.T + visible_biases
    given = states(4) @ on.T - np.logaddexp(0, on).sum(1)
    exact = np.logaddexp.reduce(given + log_probabilities(model.get_layer("rbm_2")), axis=1)
    # Every state as often as the net draws it, near enough, so that none decides the mean.
    rows = np.repeat(states(4), np.round(400 * np.exp(exact)).astype(int), axis=0)
    mean = np.repeat(exact, np.round(400 * np.exp(exact)).astype(int)).mean()
    found = get_recipe("dbn").measures(model, rows.reshape(-1, 2, 2, 1), None, 32)
    assert set(found) == {"log_likelihood_bound", "standard_error"}
    assert found["standard_error"] < 0.1
    assert mean - 5 < found["log_likelihood_bound"] < mean + 0.1


def test_with_one_machine_the_bound_is_the_likelihood():
    model = tiny(hidden_units=(3,))
    found = get_recipe("dbn").measures(model, states(4).reshape(-1, 2, 2, 1), None, 16)
    exact = log_probabilities(model.get_layer("rbm_1")).mean()
    assert np.isclose(found["log_likelihood_bound"], exact, atol=0.1)


@pytest.mark.slow
def test_the_objective_prefers_the_net_that_explains_held_out_images_to_that_of_few_features():
    train, held_out = (read("digits", split).as_float() for split in ("train", "validation"))
    entry, losses, objectives, bounds = get_recipe("dbn"), [], [], []
    name = entry.objective.name.removeprefix("val_")
    for widths in ((2, 3), (64, 32)):
        model = dbn(
            (8, 8, 1), hidden_units=widths, pretraining_epochs=10, learning_rate=0.05, seed=0
        )
        schedule = entry.schedule(model.origin.arguments)
        model.fit(train, batch_size=16, epochs=20, callbacks=[schedule], verbose=0)
        losses.append(model.evaluate(held_out, verbose=0))
        objectives.append(entry.quick_measures(model, held_out, None, 256)[name])
        bounds.append(entry.measures(model, held_out, None, 256)[name])
    assert losses[0] < losses[1], "the loss prefers the features that are easiest to explain"
    assert bounds[0] + 1 < bounds[1]
    assert objectives[0] + 1 < objectives[1]


def test_there_is_no_likelihood_of_pixels_that_are_not_made_binary():
    model = dbn((2, 2, 1), hidden_units=(3, 2), binary=False)
    assert get_recipe("dbn").measures(model, np.zeros((2, 2, 2, 1), "float32"), None, 2) == {}


def test_one_machine_learns_after_another(trained):
    _, history = trained
    assert history["stage"] == [1] * 10 + [2] * 15
    assert np.isfinite(history["loss"]).all()
    # The loss is that of the machine that learns, so it falls within each stage.
    assert history["loss"][9] < history["loss"][0]
    assert history["loss"][-1] < history["loss"][10]


@pytest.mark.parametrize("stage", [1, 2])
def test_each_stage_moves_its_machine_alone(stage):
    model = dbn((4, 4, 1), hidden_units=(6, 4), pretraining_epochs=1, seed=0)
    schedule = get_recipe("dbn").schedule(model.origin.arguments)
    model.fit(halves(40), batch_size=10, epochs=stage - 1, callbacks=[schedule], verbose=0)
    before = {i: model.get_layer(f"rbm_{i}").get_weights() for i in (1, 2)}
    fit = {"initial_epoch": stage - 1, "epochs": stage, "callbacks": [schedule]}
    model.fit(halves(40), batch_size=10, verbose=0, **fit)
    for i, old in before.items():
        new = model.get_layer(f"rbm_{i}").get_weights()
        same = [np.array_equal(a, b) for a, b in zip(old, new, strict=True)]
        assert all(same) == (i != stage), f"rbm_{i}"


@pytest.mark.tensorflow
def test_every_sample_is_of_a_kind_that_was_learnt(trained):
    images = endpoint(trained[0], "sample", n=100, steps=100, seed=1)
    left, right = images[:, :, :2].mean((1, 2, 3)), images[:, :, 2:].mean((1, 2, 3))
    assert (np.abs(left - right) > 0.7).mean() > 0.9
    assert 0.1 < (left > right).mean() < 0.9


def test_missing_pixels_are_completed_and_given_ones_untouched(trained):
    images = halves(20)[::2] * 0.9
    images[:, 2:] = 0.3
    mask = np.zeros_like(images)
    mask[:, :2] = 1
    completed = endpoint(trained[0], "complete", images=images, mask=mask, steps=20, seed=0)
    np.testing.assert_array_equal(completed[:, :2], images[:, :2])
    assert completed[:, 2:, :2].mean() > 0.8
    assert completed[:, 2:, 2:].mean() < 0.2


def test_reconstructions_keep_the_kind_and_correct_a_flipped_pixel(trained):
    images = halves(2)
    images[:, 1, 3] = 1 - images[:, 1, 3]
    found = endpoint(trained[0], "reconstruct", images=images)
    np.testing.assert_array_equal(np.round(found), halves(2))
