import keras
import numpy as np
import pytest
from keras import ops
from sklearn.linear_model import Ridge

from amalthea import data
from amalthea.errors import UserError
from amalthea.layers import EchoStateCell, RidgeDense
from amalthea.recipes import echo_state, get_recipe

from harness import arrays, call_endpoint, one_sentence

TIME = np.arange(400)[:, None] + np.arange(31)
WAVES = np.float32(np.sin(0.3 * TIME) + 3)[..., None]
X, Y = WAVES[:, :30], WAVES[:, 30]


def net(**arguments):
    given = {"means": (3.0,), "deviations": (0.7,), "units": 60, "seed": 0}
    return echo_state(1, 1, **{**given, **arguments})


def test_a_reservoir_is_what_it_is_said_to_be():
    cell = EchoStateCell(300, spectral_radius=0.8, density=0.2, input_scale=0.5, seed=1)
    cell.build((None, 3))
    kernel, bias, recurrent = (ops.convert_to_numpy(w) for w in cell.weights)
    assert np.abs(np.linalg.eigvals(recurrent)).max() == pytest.approx(0.8, rel=1e-4)
    assert (recurrent != 0).mean() == pytest.approx(0.2, abs=0.01)
    assert 0.45 < np.abs(kernel).max() <= 0.5
    assert 0.15 < np.abs(bias).max() <= 0.2
    assert not cell.trainable_variables
    again = EchoStateCell.from_config(cell.get_config())
    again.build((None, 3))
    for a, b in zip(cell.weights, again.weights, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(a), ops.convert_to_numpy(b))


@pytest.mark.parametrize("leak", [1.0, 0.3])
def test_each_step_equals_a_loop(leak):
    cell = EchoStateCell(7, leak=leak, density=0.5, seed=0)
    series = np.random.default_rng(0).normal(size=(3, 9, 2)).astype("float32")
    found = ops.convert_to_numpy(keras.layers.RNN(cell)(series))
    kernel, bias, recurrent = (ops.convert_to_numpy(w) for w in cell.weights)
    h = np.zeros((3, 7))
    for x in series.swapaxes(0, 1):
        h = (1 - leak) * h + leak * np.tanh(x @ kernel + h @ recurrent + bias)
    np.testing.assert_allclose(found, h, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"units": 0}, "units must be a whole number of at least 1, got 0"),
        ({"units": 4, "density": 0}, "density must be a number above 0 and at most 1, got 0"),
        ({"units": 4, "leak": 1.5}, "leak must be a number above 0 and at most 1, got 1.5"),
        ({"units": 4, "spectral_radius": -1}, "spectral_radius must be a number of at least 0"),
    ],
)
def test_what_is_no_reservoir_is_one_sentence(arguments, message):
    with pytest.raises(ValueError, match=message):
        EchoStateCell(**arguments)


def test_the_read_out_is_the_ridge_regression_of_scikit_learn():
    random = np.random.default_rng(0)
    x, weights = random.normal(size=(50, 6)).astype("float32"), random.uniform(0.5, 2, 50)
    y = (x[:, :2] * [3, -1] + 5 + random.normal(size=(50, 2))).astype("float32")
    layer = RidgeDense(2, ridge=0.7)
    layer.begin()
    for rows in (slice(0, 20), slice(20, 50)):
        layer(x[rows], training=True)
        layer.see(ops.convert_to_tensor(y[rows]), ops.convert_to_tensor(weights[rows, None]))
    layer.solve()
    theirs = Ridge(0.7).fit(x, y, weights)
    kernel, bias = map(ops.convert_to_numpy, (layer.kernel, layer.bias))
    np.testing.assert_allclose(kernel.T, theirs.coef_, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(bias, theirs.intercept_, rtol=1e-4)
    with pytest.raises(ValueError, match="ridge must be a number above 0, got 0"):
        RidgeDense(2, ridge=0)


def test_fit_solves_in_one_epoch_and_moves_nothing_else():
    model = net()
    before = arrays(model.get_layer("reservoir").weights)
    logs = model.fit(X[:300], Y[:300], validation_data=(X[300:], Y[300:]), verbose=0).history
    assert logs["loss"][0] > 1  # before
    assert logs["val_loss"][0] < 1e-8
    for a, b in zip(before, arrays(model.get_layer("reservoir").weights), strict=True):
        np.testing.assert_array_equal(a, b)
    solved = arrays(model.trainable_variables)
    assert sum(weight.size for weight in solved) == 60 + 1
    # More epochs, in other orders and batches, find the same.
    model.fit(X[:300], Y[:300], epochs=2, batch_size=17, verbose=0)
    held_out = model.evaluate(X[300:], Y[300:], verbose=0)[0]
    assert held_out == pytest.approx(logs["val_loss"][0], abs=1e-8)


def test_an_epoch_solves_for_its_own_examples_alone():
    model, other = net(ridge=1e-3), net(ridge=1e-3)
    model.fit(X[:50], 0 * Y[:50] + 7, verbose=0)
    model.fit(X, Y, batch_size=40, verbose=0)
    other.fit(X, Y, batch_size=40, shuffle=False, verbose=0)
    known = other.predict(X[:20], verbose=0)
    np.testing.assert_allclose(model.predict(X[:20], verbose=0), known, atol=1e-4)
    model.train_on_batch(X[:50], 0 * Y[:50] + 7)
    np.testing.assert_allclose(model.predict(X[:20], verbose=0), 7, atol=1e-3)


def test_weights_of_examples_count():
    half = np.repeat([1.0, 0.0], 200)
    weighed, alone = net(ridge=1e-3), net(ridge=1e-3)
    targets = np.where(half[:, None] > 0, Y, 100).astype("float32")
    weighed.fit(X, targets, sample_weight=half, verbose=0)
    alone.fit(X[:200], Y[:200], verbose=0)
    same = [each.predict(X[200:], verbose=0) for each in (weighed, alone)]
    np.testing.assert_allclose(*same, atol=1e-4)


def test_to_go_on_is_to_forecast_and_read_again_and_again():
    model = net(ridge=1e-6)
    model.fit(X, Y, verbose=0)
    known = X[:3]
    for _ in range(4):
        known = np.concatenate([known, model.predict(known, verbose=0)[:, None]], axis=1)
    found = call_endpoint(model, "continue", series=X[:3], n=4)["continued"]
    np.testing.assert_allclose(found, known[:, -4:], atol=1e-5)


def test_a_model_that_was_saved_forecasts_the_same(tmp_path):
    model = net()
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "a.keras")
    again = keras.models.load_model(tmp_path / "a.keras")
    same = [each.predict(X[:9], verbose=0) for each in (model, again)]
    np.testing.assert_array_equal(*same)
    again.fit(X, Y, verbose=0)


@pytest.mark.exhaustive
def test_the_series_of_mackey_and_glass_is_forecast_as_published():
    sets = {split: data.read("mackey_glass", split, horizon=1) for split in ("train", "test")}
    entry = get_recipe("echo_state")
    model = entry.build(**entry.from_data(sets["train"].features), seed=0)
    assert model.count_params() == 1000 * 1000 + 1000 + 1000 + 1001
    model.fit(*entry.task.arrays(sets["train"]), batch_size=256, verbose=0)
    x, y = entry.task.arrays(sets["test"])
    error = np.sqrt(np.mean((model.predict(x, verbose=0) - y) ** 2)) / y.std()
    assert error < 4e-5
    last = np.sqrt(np.mean((x[:, -1] - y) ** 2)) / y.std()
    assert last == pytest.approx(0.146, abs=0.01)
    far = data.read("mackey_glass", "test", horizon=84)
    found = call_endpoint(model, "continue", series=far.columns["series"], n=84)["continued"]
    wrong = found[..., 0] - far.columns["targets"]
    assert np.sqrt(np.mean(wrong**2)) / y.std() < 3e-3


def test_what_is_no_forecast_is_one_sentence():
    with pytest.raises(UserError, match="must be steps of all 2 channels, got 3") as error:
        echo_state(2, 3)
    one_sentence(error)
    with pytest.raises(UserError, match=r"leak must be above 0 and at most 1, got 1\.2"):
        echo_state(leak=1.2)


def test_a_reservoir_without_anything_that_lasts_is_one_sentence():
    with pytest.raises(UserError, match=r"have no states that last, .* give more units") as error:
        echo_state(units=20, density=0.01, seed=0)
    one_sentence(error)


def test_weights_of_nothing_are_one_sentence():
    with pytest.raises(UserError, match="weights of examples must be at least 0") as error:
        net().fit(X, Y, sample_weight=np.zeros(len(X)), verbose=0)
    one_sentence(error)
    with pytest.raises(ValueError, match="RidgeDense is linear and has a bias"):
        RidgeDense(2, activation="tanh")


def test_callbacks_may_be_one_and_stand_at_their_place():
    seen = []
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    net().fit(X, Y, 32, 1, 0, [callback])
    net().fit(X, Y, callbacks=callback, verbose=0)
    assert seen == [0, 0]
