import numpy as np
import pytest
from scipy.special import expit

from amalthea.data import read
from amalthea.recipes import get_recipe, greedy_autoencoder, greedy_classifier

from harness import call_endpoint

# A training in stages is traced anew in each.
pytestmark = [pytest.mark.slow, pytest.mark.jax]

IMAGES = (np.random.default_rng(0).random((40, 4, 4, 1)) < 0.4).astype("float32")
LABELS = np.arange(40) % 3
LAYERS = ("layer_1", "layer_2", "layer_3")


def autoencoder(**arguments):
    given = {"hidden_units": (6, 5, 3), "pretraining_epochs": 1, "seed": 0}
    return greedy_autoencoder((4, 4, 1), **given | arguments)


def classifier(**arguments):
    given = {"hidden_units": (6, 5, 3), "pretraining_epochs": 1, "seed": 0}
    return greedy_classifier((4, 4, 1), 3, **given | arguments)


def schedule(model):
    return get_recipe(model.origin.recipe).schedule(model.origin.arguments)


def moved_in_each_epoch(model, epochs, *data):
    """For each epoch the stage, and the layers of which any weight moved in it."""
    callback, found = schedule(model), []
    names = [*LAYERS, *(["classifier"] if data[1:] else [])]
    for epoch in range(epochs):
        before = {name: model.get_layer(name).get_weights() for name in names}
        given = {"initial_epoch": epoch, "epochs": epoch + 1, "callbacks": [callback]}
        (stage,) = model.fit(*data, batch_size=10, verbose=0, **given).history["stage"]
        after = {name: model.get_layer(name).get_weights() for name in names}
        moved = [
            name
            for name in names
            if any(not np.array_equal(a, b) for a, b in zip(before[name], after[name], strict=True))
        ]
        found.append((stage, moved))
    return found


def test_each_stage_moves_its_layer_alone_and_fine_tuning_moves_all():
    alone = [(number, [name]) for number, name in enumerate(LAYERS, start=1)]
    assert moved_in_each_epoch(autoencoder(), 4, IMAGES) == [*alone, (4, list(LAYERS))]


def test_without_fine_tuning_the_last_layer_learns_on():
    found = moved_in_each_epoch(autoencoder(fine_tuning=False), 4, IMAGES)
    assert found[2:] == [(3, ["layer_3"])] * 2


@pytest.mark.parametrize("fine_tuning", [False, True])
def test_the_classifier_learns_on_a_code_that_rests_or_learns_on(fine_tuning):
    found = moved_in_each_epoch(classifier(fine_tuning=fine_tuning), 4, IMAGES, LABELS)
    assert found[:3] == [(number, [name]) for number, name in enumerate(LAYERS, start=1)]
    assert found[3] == (4, [*(LAYERS if fine_tuning else []), "classifier"])


def test_both_learn_the_same_layers():
    one, other = autoencoder(), classifier()
    one.fit(IMAGES, epochs=3, callbacks=[schedule(one)], shuffle=False, verbose=0)
    other.fit(IMAGES, LABELS, epochs=3, callbacks=[schedule(other)], shuffle=False, verbose=0)
    for name in LAYERS:
        weights = (model.get_layer(name).get_weights() for model in (one, other))
        for a, b in zip(*weights, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_it_computes_logistic_layers_and_their_transposes():
    model = autoencoder(hidden_units=(6, 3))
    model.fit(IMAGES, epochs=3, callbacks=[schedule(model)], verbose=0)
    layers = [model.get_layer(name).get_weights() for name in LAYERS[:2]]
    units = IMAGES.reshape(40, 16)
    for kernel, bias, _ in layers:
        units = expit(units @ kernel + bias)
    codes = call_endpoint(model, "encode", images=IMAGES)["codes"]
    np.testing.assert_allclose(codes, units, rtol=1e-4, atol=1e-5)
    for kernel, _, bias in reversed(layers):
        units = expit(units @ kernel.T + bias)
    np.testing.assert_allclose(
        model.predict(IMAGES, verbose=0).reshape(40, 16), units, rtol=1e-4, atol=1e-5
    )


@pytest.mark.exhaustive
@pytest.mark.tensorflow
def test_what_is_learnt_without_labels_helps_where_labels_are_few():
    x, test = read("digits", "train"), read("digits", "test")
    images, few = x.as_float(), slice(0, 60)
    accuracies = []
    for pretraining in (True, False):
        given = {"hidden_units": (64,), "pretraining_epochs": 30, "seed": 0}
        model = greedy_classifier((8, 8, 1), 10, fine_tuning=False, learning_rate=3e-3, **given)
        if pretraining:
            stages = [schedule(model)]
            model.fit(images, x.labels, batch_size=32, epochs=30, callbacks=stages, verbose=0)
            settings = {"initial_epoch": 30, "epochs": 130, "callbacks": stages}
        else:
            model.get_layer("fine_tuning").learning = False
            settings = {"epochs": 100}
        model.fit(images[few], x.labels[few], batch_size=10, verbose=0, **settings)
        accuracies.append(model.evaluate(test.as_float(), test.labels, verbose=0)[1])
    assert accuracies[0] > accuracies[1] + 0.02, accuracies
