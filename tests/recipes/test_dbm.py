import numpy as np
import pytest

from amalthea.data import read
from amalthea.recipes import dbm, get_recipe

from harness import call_endpoint

# A training in stages is traced anew in each.
pytestmark = pytest.mark.slow


def endpoint(model, name, **inputs):
    (output,) = call_endpoint(model, name, **inputs).values()
    return output


def schedule(model):
    return get_recipe("dbm").schedule(model.origin.arguments)


def halves(count):
    """Images of two kinds: left half white, or right half white."""
    images = np.zeros((count, 4, 4, 1), "float32")
    images[::2, :, :2] = 1
    images[1::2, :, 2:] = 1
    return images


def small(**arguments):
    given = {"hidden_units": (6, 4), "pretraining_epochs": 1, "persistent_chains": 5, "seed": 0}
    return dbm((4, 4, 1), **given | arguments)


@pytest.fixture(scope="module")
def trained():
    """A machine that has learnt the halves: each layer alone, then all together."""
    model = small(pretraining_epochs=10, persistent_chains=40, weight_decay=0.0,
                  learning_rate=0.05, joint_learning_rate=0.01)  # fmt: skip
    history = model.fit(
        halves(400), batch_size=20, epochs=40, callbacks=[schedule(model)], verbose=0
    )
    return model, history.history


def test_each_layer_learns_alone_and_then_all_together(trained):
    model, history = trained
    assert history["stage"] == [1] * 10 + [2] * 10 + [3] * 20
    assert np.isfinite(history["loss"]).all()
    assert model.get_layer("dbm").learning is True


@pytest.mark.parametrize("hidden_units", [(6, 4), (6, 5, 4)])
def test_the_schedule_goes_from_layer_to_layer_and_then_lowers_the_learning_rate(hidden_units):
    arguments = {"learning_rate": 0.03, "joint_learning_rate": 0.06}
    model = small(hidden_units=hidden_units, **arguments)
    callback, layer, seen, rates = schedule(model), model.get_layer("dbm"), [], []
    callback.set_model(model)
    for epoch in range(len(hidden_units) + 4):
        callback.on_epoch_begin(epoch)
        seen.append(layer.learning)
        rates.append(float(model.optimizer.learning_rate))
    # As True equals 1, but does not mean the first layer, their types count.
    expected = [*range(1, len(hidden_units) + 1), True, True, True, True]
    assert [(type(value), value) for value in seen] == [(type(v), v) for v in expected]
    np.testing.assert_allclose(rates[:-4], 0.03, rtol=1e-6)
    np.testing.assert_allclose(rates[-4:], [0.06, 0.045, 0.036, 0.03], rtol=1e-6)


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_each_stage_moves_the_kernel_of_its_layer_alone_and_the_joint_one_moves_all(stage):
    model = small(hidden_units=(6, 4))
    callback, layer = schedule(model), model.get_layer("dbm")
    fit = {"batch_size": 10, "callbacks": [callback], "verbose": 0}
    if stage > 1:
        model.fit(halves(40), epochs=stage - 1, **fit)
    before = [np.asarray(kernel).copy() for kernel in layer.kernels]
    model.fit(halves(40), initial_epoch=stage - 1, epochs=stage, **fit)
    moved = [i for i, old in enumerate(before, 1) if not np.array_equal(layer.kernels[i - 1], old)]
    assert moved == {1: [1], 2: [2], 3: [1, 2]}[stage]


def test_without_pretraining_all_layers_learn_together_from_the_start():
    model = small(pretraining_epochs=0)
    history = model.fit(
        halves(40), batch_size=10, epochs=1, callbacks=[schedule(model)], verbose=0
    ).history
    assert history["stage"] == [1]
    assert model.get_layer("dbm").learning is True


@pytest.mark.parametrize("hidden_units", [(6, 4), (6, 5, 4)])
def test_composed_each_middle_layer_has_the_mean_of_the_biases_that_two_machines_gave_it(
    hidden_units,
):
    model = small(hidden_units=hidden_units, learning_rate=0.05)
    callback, layer, count = schedule(model), model.get_layer("dbm"), len(hidden_units)

    def fit(epoch):
        epochs = {"initial_epoch": epoch, "epochs": epoch + 1}
        model.fit(halves(200), batch_size=10, callbacks=[callback], verbose=0, **epochs)

    from_below = {}
    for stage in range(1, count + 1):
        fit(stage - 1)
        from_below[stage] = np.asarray(layer.biases[stage]).copy()
    from_above = [np.asarray(bias).copy() for bias in layer.biases[:-1]]
    top, kernels = np.asarray(layer.biases[-1]).copy(), [np.asarray(k) for k in layer.kernels]
    callback.on_epoch_begin(count)  # of the joint stage, before any step of it
    for middle in range(1, count):
        assert (from_below[middle] != from_above[middle]).any()
        expected = (from_below[middle] + from_above[middle]) / 2
        np.testing.assert_allclose(layer.biases[middle], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(layer.biases[0], from_above[0])
    np.testing.assert_array_equal(layer.biases[-1], top)
    for kernel, old in zip(layer.kernels, kernels, strict=True):
        np.testing.assert_array_equal(kernel, old)


def test_resumed_after_each_epoch_it_becomes_what_it_becomes_at_once():
    whole, parts = small(pretraining_epochs=2), small(pretraining_epochs=2)
    fit = {"batch_size": 10, "verbose": 0, "shuffle": False}
    whole.fit(halves(40), epochs=6, callbacks=[schedule(whole)], **fit)
    for epoch in range(6):
        epochs = {"initial_epoch": epoch, "epochs": epoch + 1}
        parts.fit(halves(40), callbacks=[schedule(parts)], **epochs, **fit)
    for one, other in zip(whole.get_weights(), parts.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.tensorflow
def test_every_sample_is_of_a_kind_that_was_learnt(trained):
    images = endpoint(trained[0], "sample", n=100, steps=100, seed=1)
    left, right = images[:, :, :2].mean((1, 2, 3)), images[:, :, 2:].mean((1, 2, 3))
    assert (np.abs(left - right) > 0.7).mean() > 0.9
    assert 0.1 < (left > right).mean() < 0.9


def test_missing_pixels_are_completed_and_given_ones_untouched(trained):
    images = halves(40)[::2] * 0.9
    images[:, 2:] = 0.3
    mask = np.zeros_like(images)
    mask[:, :2] = 1
    completed = endpoint(trained[0], "complete", images=images, mask=mask, steps=30, seed=0)
    np.testing.assert_array_equal(completed[:, :2], images[:, :2])
    assert completed[:, 2:, :2].mean() > 0.8
    assert completed[:, 2:, 2:].mean() < 0.2


def test_reconstructions_correct_a_flipped_pixel(trained):
    images = halves(2)
    images[:, 1, 3] = 1 - images[:, 1, 3]
    np.testing.assert_array_equal(
        np.round(endpoint(trained[0], "reconstruct", images=images)), halves(2)
    )


def test_there_is_no_likelihood_of_pixels_that_are_not_made_binary():
    model = small(binary=False)
    assert get_recipe("dbm").measures(model, halves(2), None, 2) == {}


@pytest.mark.tensorflow
def test_the_measured_bound_is_below_what_the_best_model_of_two_images_reaches(trained):
    found = get_recipe("dbm").measures(trained[0], halves(20), None, 10)
    assert set(found) == {"log_likelihood_bound", "standard_error"}
    # Of two equally likely images no model gives more than log ½ on average.
    assert -3 < found["log_likelihood_bound"] < np.log(0.5) + 3 * found["standard_error"] + 0.01


def test_on_digits_training_raises_the_measured_bound_and_it_stays_below_0():
    x, x_test = read("digits", "train").as_float(), read("digits", "test").as_float()
    model = dbm((8, 8, 1), hidden_units=(60, 40), pretraining_epochs=5, learning_rate=0.05,
                joint_learning_rate=0.02, seed=0)  # fmt: skip
    callback, measures = schedule(model), get_recipe("dbm").measures
    model.fit(x, batch_size=20, epochs=1, callbacks=[callback], verbose=0)
    early = measures(model, x_test, None, 100)
    epochs = {"initial_epoch": 1, "epochs": 20}
    model.fit(x, batch_size=20, callbacks=[callback], verbose=0, **epochs)
    late = measures(model, x_test, None, 100)
    assert late["standard_error"] < 1
    assert early["log_likelihood_bound"] + 2 < late["log_likelihood_bound"] < 0
