import keras
import numpy as np
import pytest
from keras import ops

from amalthea.layers import RBM, LabelledRBM

from harness import check_layer, gradients, one_sentence, states


def small(features=3, hidden=2, classes=3, scale=1.0, **arguments):
    """A machine with random weights."""
    layer = LabelledRBM(hidden, classes, seed=0, **arguments)
    layer.build((None, features))
    random = np.random.default_rng(0)
    for weight in layer.trainable_variables:
        weight.assign(scale * random.standard_normal(weight.shape))
    return layer


def minus_energies(layer):
    """Minus the energy of all states of features, label and hidden units, in that order."""
    rbm = layer.rbm
    kernel, hidden_bias = (np.asarray(w, "float64") for w in (rbm.kernel, rbm.hidden_bias))
    visible_biases = np.asarray(rbm.visible_biases, "float64")
    count = len(kernel) - layer.num_classes
    result = np.zeros((2**count, layer.num_classes, 2 ** len(hidden_bias)))
    for i, features in enumerate(states(count)):
        for label, on in enumerate(np.eye(layer.num_classes)):
            for j, hidden in enumerate(states(len(hidden_bias))):
                visible = np.concatenate([features, on])
                result[i, label, j] = (
                    visible @ kernel @ hidden + visible @ visible_biases + hidden @ hidden_bias
                )
    return result


def in_a_model(layer, features):
    """A model whose only loss is that of the layer, which gets `y` as labels."""

    class Learns(keras.Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return layer(x, y, training=training)

    inputs = keras.Input((features,))
    model = Learns(inputs, layer(inputs))
    model.compile(keras.optimizers.SGD(0.1))
    return model


def values(layer):
    return [np.asarray(weight).copy() for weight in layer.weights]


def test_is_a_layer():
    def make(**arguments):
        settings = {"gibbs_steps": 2, "visible_bias_initializer": "zeros"}
        return LabelledRBM(4, 3, settings=settings, **arguments)

    check_layer(make, (5,), (3,), trainable=3, non_trainable=2)


def test_scores_are_minus_the_free_energy_of_the_features_with_each_label():
    layer = small()
    expected = np.logaddexp.reduce(minus_energies(layer), axis=2)
    np.testing.assert_allclose(layer(states(3)), expected, rtol=1e-4, atol=1e-5)
    for label, on in enumerate(np.eye(3, dtype="float32")):
        visible = np.concatenate([states(3), np.tile(on, (8, 1))], axis=1)
        np.testing.assert_allclose(
            layer(states(3))[:, label], -layer.rbm.free_energy(visible), rtol=1e-4, atol=1e-5
        )


def test_the_softmax_of_the_scores_is_the_probability_of_each_label():
    layer = small()
    joint = np.exp(minus_energies(layer)).sum(2)
    exact = joint / joint.sum(1, keepdims=True)
    np.testing.assert_allclose(ops.softmax(layer(states(3))), exact, rtol=1e-4)


def test_scores_count_the_prior_of_the_visible_units():
    layer = small()
    layer.rbm.visible_prior.assign([0.3, -0.2, 0.5, 1.0, 0.0, -2.0])
    expected = np.logaddexp.reduce(minus_energies(layer), axis=2)
    np.testing.assert_allclose(layer(states(3)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_labels_stand_beside_the_features_as_one_unit_that_is_on(shape):
    layer, labels = small(), np.array([0, 2, 1, 2])
    seen = []
    layer.rbm.loss = lambda visible, training: seen.append(np.asarray(visible)) or 0.0
    layer(states(2)[:, [0, 1, 1]], labels.reshape(shape), training=True)
    np.testing.assert_array_equal(seen[0][:, 3:], np.eye(3)[labels])
    np.testing.assert_array_equal(seen[0][:, :3], states(2)[:, [0, 1, 1]])


@pytest.mark.tensorflow
def test_labels_of_unlabelled_rows_are_drawn_with_their_probabilities():
    layer, seen = small(), []
    layer.rbm.loss = lambda visible, training: seen.append(np.asarray(visible)) or 0.0
    features = np.repeat(states(3), 4000, axis=0)
    layer(features, np.full(len(features), -1), training=True)
    drawn = seen[0][:, 3:]
    np.testing.assert_array_equal(np.sort(drawn, axis=1), np.tile([0, 0, 1], (len(drawn), 1)))
    exact = np.asarray(ops.softmax(layer(states(3))))
    np.testing.assert_allclose(drawn.reshape(8, 4000, 3).mean(1), exact, atol=0.03)


@pytest.mark.tensorflow
def test_the_loss_has_the_gradient_of_contrastive_divergence_over_both():
    layer = small(settings={"centered": False, "weight_decay": 0.0})
    twin = RBM(2, softmax=(1, 3), centered=False, weight_decay=0.0)
    twin.build((None, 6))
    twin.set_weights(layer.rbm.get_weights())
    random = np.random.default_rng(1)
    chain = [ops.convert_to_tensor(random.random((8, n)), "float32") for n in (6, 2)]
    layer.rbm._contrast = twin._contrast = lambda *_: tuple(chain)
    labels = np.arange(8) % 3
    visible = np.concatenate([states(3), np.eye(3, dtype="float32")[labels]], axis=1)
    ours = gradients(lambda: layer(states(3), labels, training=True), layer.trainable_variables)
    theirs = gradients(lambda: twin.loss(visible, training=True), twin.trainable_variables)
    for one, other in zip(ours, theirs, strict=True):
        assert np.abs(other).max() > 0.01
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.tensorflow
def test_a_machine_learns_from_rows_without_a_label_alone():
    layer = small()
    model, before = in_a_model(layer, 3), values(layer)
    loss = model.train_on_batch(states(3), np.full(8, -1))
    assert np.isfinite(loss)
    for old, weight in zip(before[:3], layer.trainable_weights, strict=True):
        assert np.any(np.asarray(weight) != old), weight.path


@pytest.mark.tensorflow
def test_one_label_a_cluster_classifies_the_clusters():
    random = np.random.default_rng(0)
    kinds = np.arange(400) % 2
    rows = np.where(kinds[:, None], [1, 1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 1, 1, 1])
    rows = np.where(random.random(rows.shape) < 0.1, 1 - rows, rows).astype("float32")
    labels = np.full(400, -1)
    labels[:2] = kinds[:2]
    layer = LabelledRBM(4, 2, seed=0)
    model = in_a_model(layer, 8)
    # Labelled rows come again and again, so that every batch has them.
    batches = np.concatenate([[0, 1, *rest] for rest in np.arange(2, 398).reshape(-1, 18)])
    model.fit(rows[batches], labels[batches], batch_size=20, epochs=20, shuffle=False, verbose=0)
    found = np.asarray(layer(rows)).argmax(1)
    assert (found == kinds).mean() > 0.95


def test_a_machine_that_rests_has_no_loss_and_does_not_move():
    layer = small()
    assert layer.learning is True
    layer.learning = False
    assert layer.rbm.learning is False
    before = values(layer)
    assert float(layer(states(3), np.arange(8) % 3, training=True)) == 0
    model = in_a_model(layer, 3)
    assert model.train_on_batch(states(3), np.arange(8) % 4 - 1) == 0
    for old, weight in zip(before, layer.weights, strict=True):
        np.testing.assert_array_equal(weight, old, err_msg=weight.path)


def test_the_config_keeps_what_was_set_after_building():
    layer = small()
    layer.learning = False
    assert LabelledRBM.from_config(layer.get_config()).learning is False


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hidden": 4, "num_classes": 1}, "num_classes must be a whole number of at least 2, got"),
        ({"hidden": 4, "num_classes": 2.0}, "num_classes must be a whole number of at least 2"),
        ({"hidden": 0, "num_classes": 2}, "hidden must be a whole number of at least 1, got 0"),
        (
            {"hidden": 4, "num_classes": 2, "settings": {"gibbs_steps": 0}},
            "gibbs_steps must be a whole number of at least 1, got 0",
        ),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match="must be") as error:
        LabelledRBM(**arguments)
    assert message in one_sentence(error)


def test_an_undefined_last_axis_is_named():
    with pytest.raises(ValueError, match="needs a defined last axis") as error:
        LabelledRBM(4, 3).build((None, None))
    one_sentence(error)
