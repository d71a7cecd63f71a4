import keras
import numpy as np
import pytest
from scipy.special import expit

from amalthea.callbacks import GreedyLayerwise
from amalthea.data import read
from amalthea.metrics import reconstruction_error
from amalthea.recipes import deep_autoencoder, get_recipe

# A training in stages is traced anew in each.
pytestmark = [pytest.mark.slow, pytest.mark.jax]

IMAGES = (np.random.default_rng(0).random((40, 4, 4, 1)) < 0.4).astype("float32")
MACHINES = ("rbm_1", "rbm_2", "rbm_3")


def small(**arguments):
    given = {"hidden_units": (6, 5), "latent_dim": 3, "pretraining_epochs": 1, "seed": 0}
    return deep_autoencoder((4, 4, 1), **given | arguments)


def schedule(model):
    return get_recipe("deep_autoencoder").schedule(model.origin.arguments)


def fit(model, callback, first, last, **arguments):
    epochs = {"initial_epoch": first, "epochs": last}
    return model.fit(
        IMAGES, batch_size=10, callbacks=[callback], verbose=0, **epochs, **arguments
    ).history


def values(model, count=3):
    return {name: model.get_layer(name).get_weights() for name in MACHINES[:count]}


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def endpoint(model, name, inputs):
    endpoint = get_recipe("deep_autoencoder").endpoints[name]
    return endpoint.bind(model).predict({endpoint.inputs[0]: inputs}, verbose=0)[
        endpoint.outputs[0]
    ]


@pytest.fixture(scope="module", params=[False, True], ids=["untied", "tied"])
def trained(request):
    """A net after every stage, and two epochs of fine-tuning."""
    model = small(tied=request.param)
    history = fit(model, schedule(model), 0, 5)
    assert history["stage"] == [1, 2, 3, 4, 4]
    # A machine's own loss, over its visible units, stands beside the cross-entropy of one pixel.
    assert min(history["loss"][:3]) > 1 > max(history["loss"][3:])
    return model


def test_encoding_and_decoding_is_the_whole(trained):
    codes = endpoint(trained, "encode", IMAGES)
    assert codes.shape == (40, 3)
    whole = endpoint(trained, "serve", IMAGES)
    np.testing.assert_allclose(endpoint(trained, "decode", codes), whole, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(trained.predict(IMAGES, verbose=0), whole, rtol=1e-5, atol=1e-6)


def test_it_computes_logistic_layers_around_a_linear_code(trained):
    machines = [trained.get_layer(name) for name in MACHINES]
    tied = not hasattr(machines[0], "generative_kernel")
    assert tied == trained.origin.arguments["tied"]
    assert all(len(rbm.trainable_weights) == (3 if tied else 4) for rbm in machines)
    units = IMAGES.reshape(40, 16)
    for rbm in machines:
        inputs = units @ np.asarray(rbm.kernel) + np.asarray(rbm.hidden_bias)
        units = inputs if rbm is machines[-1] else expit(inputs)
    np.testing.assert_allclose(endpoint(trained, "encode", IMAGES), units, rtol=1e-4, atol=1e-5)
    for rbm in reversed(machines):
        down = np.asarray(rbm.kernel).T if tied else np.asarray(rbm.generative_kernel)
        units = expit(units @ down + np.asarray(rbm.visible_biases))
    found = trained.predict(IMAGES, verbose=0).reshape(40, 16)
    np.testing.assert_allclose(found, units, rtol=1e-4, atol=1e-5)


def test_fine_tuning_begins_with_the_transposes_and_moves_them_apart():
    model = small(hidden_units=(6,))
    callback, seen = schedule(model), []

    def transposed():
        return [
            np.array_equal(model.get_layer(name).generative_kernel, kernel.T)
            for name, (kernel, *_) in values(model, 2).items()
        ]

    look = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs=None: seen.append(transposed())
    )
    history = model.fit(
        IMAGES, epochs=3, batch_size=40, callbacks=[callback, look], verbose=0
    ).history
    assert history["stage"] == [1, 2, 3]
    assert seen[-1] == [True] * 2  # right before the first step of fine-tuning
    assert transposed() == [False] * 2


def test_right_when_fine_tuning_begins_it_gives_what_the_machines_gave():
    model = small(hidden_units=(6,))
    callback = schedule(model)
    fit(model, callback, 0, 2)
    machines, units = [model.get_layer(name) for name in MACHINES[:2]], IMAGES.reshape(40, 16)
    for rbm in machines:
        units = rbm.hidden_mean(units)
    for rbm in reversed(machines):
        units = expit(np.asarray(units) @ np.asarray(rbm.kernel).T + np.asarray(rbm.visible_biases))
    callback.set_model(model)
    callback.on_epoch_begin(2)
    found = model.predict(IMAGES, verbose=0).reshape(40, 16)
    np.testing.assert_allclose(found, units, rtol=1e-4, atol=1e-5)


def test_each_stage_moves_its_machine_alone_and_fine_tuning_moves_all():
    model = small()
    callback, moved = schedule(model), []
    for epoch in range(4):
        # An untied machine is unrolled when the next stage begins: that is no learning.
        before = {name: w[:3] for name, w in values(model).items()}
        assert fit(model, callback, epoch, epoch + 1)["stage"] == [epoch + 1]
        after = {name: w[:3] for name, w in values(model).items()}
        moved.append([name for name in MACHINES if not same(before[name], after[name])])
    assert moved == [["rbm_1"], ["rbm_2"], ["rbm_3"], list(MACHINES)]


def test_resumed_after_each_epoch_it_becomes_what_it_becomes_at_once():
    whole, parts = small(hidden_units=()), small(hidden_units=())
    fit(whole, schedule(whole), 0, 3, shuffle=False)
    for epoch in range(3):
        fit(parts, schedule(parts), epoch, epoch + 1, shuffle=False)
    assert same(whole.get_weights(), parts.get_weights())


def test_without_the_schedule_no_machine_learns_but_the_whole_does():
    model = small(learning_rate=0.01)
    history = model.fit(IMAGES, epochs=20, batch_size=10, verbose=0).history
    # A machine that learns counts its steps and keeps running means.
    for name in MACHINES:
        machine = model.get_layer(name)
        assert machine.learning is False
        assert float(machine.steps) == 0
        assert np.ptp(np.asarray(machine.hidden_offset)) == 0
    assert history["loss"][-1] < history["loss"][0] - 0.02
    # The loss is the cross-entropy of a pixel and nothing else.
    outputs = np.clip(model.predict(IMAGES, verbose=0).astype("float64"), 1e-7, 1 - 1e-7)
    expected = -np.log(np.where(IMAGES > 0, outputs, 1 - outputs)).mean()
    evaluated = model.evaluate(IMAGES, verbose=0, return_dict=True)
    assert evaluated["loss"] == pytest.approx(expected, rel=1e-3)


@pytest.mark.exhaustive
@pytest.mark.tensorflow
def test_pretraining_lowers_the_error_that_as_much_fine_tuning_reaches():
    x, x_test = read("digits", "train").as_float(), read("digits", "test").as_float()
    pretrained, random = [], []
    for seed in range(2):
        arguments = {"hidden_units": (60, 30), "latent_dim": 8, "pretraining_epochs": 10}
        for callback, epochs, errors in (
            (schedule, 3 * 10 + 20, pretrained),
            (lambda model: GreedyLayerwise(["fine_tuning"], []), 20, random),
        ):
            model = deep_autoencoder((8, 8, 1), seed=seed, **arguments)
            model.fit(x, batch_size=32, epochs=epochs, callbacks=[callback(model)], verbose=0)
            outputs = model.predict(x_test, verbose=0)
            errors.append(reconstruction_error(x_test, outputs))
    assert max(pretrained) < min(random) / 1.5, (pretrained, random)
