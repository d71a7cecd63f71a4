import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.linear_model import LogisticRegression

from amalthea.callbacks import GreedyLayerwise
from amalthea.data import read
from amalthea.recipes import dbn_classifier, get_recipe

from harness import call_endpoint, states

# A training in stages is traced anew in each.
pytestmark = pytest.mark.slow


def endpoint(model, name, **inputs):
    (output,) = call_endpoint(model, name, **inputs).values()
    return output


def schedule(model, **arguments):
    return get_recipe("dbn_classifier").schedule({**model.origin.arguments, **arguments})


def tiny():
    """A net over images of four pixels and three labels, with random weights."""
    model = dbn_classifier((2, 2, 1), 3, hidden_units=(3, 2), pretraining_epochs=1, seed=0)
    random = np.random.default_rng(0)
    for weight in model.trainable_variables:
        weight.assign(1.5 * random.standard_normal(weight.shape))
    model.get_layer("rbm_1").visible_prior.assign([0.5, -1.0, 0.0, 1.0])
    model.get_layer("joint").rbm.visible_prior.assign([0.5, -1.0, 0.0, 1.0, -1.0, 0.5])
    return model


def weights(rbm):
    return [np.asarray(w, "float64") for w in (rbm.kernel, rbm.visible_biases, rbm.hidden_bias)]


def log_joint(model, features):
    """`log Σ_h exp(−E)` of each row of features with each label, `(rows, 3)`."""
    kernel, visible_biases, hidden_bias = weights(model.get_layer("joint").rbm)
    logs = []
    for on in np.eye(3):
        visible = np.concatenate([features, np.tile(on, (len(features), 1))], axis=1)
        each = [visible @ kernel @ h + visible @ visible_biases + h @ hidden_bias
                for h in states(len(hidden_bias))]  # fmt: skip
        logs.append(np.logaddexp.reduce(each))
    return np.stack(logs, axis=1)


IMAGES = states(4).reshape(-1, 2, 2, 1)


def test_probabilities_are_those_of_the_free_energy_of_each_clamped_label():
    model = tiny()
    kernel, _, hidden_bias = weights(model.get_layer("rbm_1"))
    features = expit(states(4) @ kernel + hidden_bias)
    found = endpoint(model, "serve", images=IMAGES)
    np.testing.assert_allclose(found, softmax(log_joint(model, features), axis=1), rtol=1e-4)
    np.testing.assert_allclose(endpoint(model, "features", images=IMAGES), features, rtol=1e-4)
    scores = model.predict(IMAGES, verbose=0)
    np.testing.assert_allclose(scores, log_joint(model, features), rtol=1e-4, atol=1e-4)


def drawn_features(model, images):
    """How often each state of the features gave one of the drawn images, by its means."""
    kernel, visible_biases, _ = weights(model.get_layer("rbm_1"))
    means = expit(states(3) @ kernel.T + visible_biases)
    distances = np.abs(images.reshape(-1, 1, 4) - means).max(2)
    np.testing.assert_allclose(distances.min(1), 0, atol=1e-4)
    return np.bincount(distances.argmin(1), minlength=8) / len(images)


@pytest.mark.tensorflow
@pytest.mark.parametrize("label", [0, 1, 2])
def test_images_of_a_label_follow_the_joint_machine_with_that_label_clamped(label):
    model = tiny()
    logs = log_joint(model, states(3))[:, label]
    exact = np.exp(logs - np.logaddexp.reduce(logs))
    images = endpoint(model, "generate", label=label, n=20_000, steps=50, seed=1)
    assert np.abs(drawn_features(model, images) - exact).sum() / 2 < 0.02


@pytest.mark.tensorflow
def test_samples_without_a_label_follow_the_joint_machine():
    model = tiny()
    logs = log_joint(model, states(3))
    exact = np.exp(logs - np.logaddexp.reduce(logs, axis=None)).sum(1)
    images = endpoint(model, "sample", n=20_000, steps=50, seed=1)
    assert np.abs(drawn_features(model, images) - exact).sum() / 2 < 0.02


def test_accuracy_and_cross_entropy_ignore_rows_without_a_label():
    model = tiny()
    labels = np.arange(16) % 4 - 1
    labelled = labels >= 0
    scores = model.predict(IMAGES, verbose=0)
    expected = (scores.argmax(1) == labels)[labelled].mean()
    assert 0 < expected < 1
    for layer in ("rbm_1", "joint"):
        model.get_layer(layer).learning = False
    found = model.evaluate(IMAGES, labels, verbose=0, return_dict=True)
    alone = model.evaluate(IMAGES[labelled], labels[labelled], verbose=0, return_dict=True)
    assert found["accuracy"] == pytest.approx(expected, rel=1e-5)
    assert found["accuracy"] == pytest.approx(alone["accuracy"], rel=1e-5)
    log_likely = np.log(softmax(scores.astype("float64"), axis=1))
    cross_entropy = -log_likely[np.arange(16), labels][labelled].mean()
    assert alone["loss"] == pytest.approx(cross_entropy, rel=1e-4)
    assert found["loss"] == pytest.approx(cross_entropy, rel=1e-4)


@pytest.mark.parametrize("labels", [np.arange(16) % 4 - 1, np.full(16, -1)])
def test_every_stage_takes_rows_without_a_label(labels):
    model = tiny()
    history = model.fit(
        IMAGES, labels, batch_size=4, epochs=3, callbacks=[schedule(model)], verbose=0
    ).history
    assert history["stage"] == [1, 2, 3]
    assert np.isfinite(history["loss"]).all()
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


def test_the_joint_machine_learns_from_images_without_a_label():
    model = tiny()
    only = GreedyLayerwise(["joint"], [])
    before = model.get_layer("joint").rbm.get_weights()[:3]
    model.fit(IMAGES, np.full(16, -1), epochs=1, callbacks=[only], verbose=0)
    after = model.get_layer("joint").rbm.get_weights()[:3]
    assert not any(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_stages_move_one_machine_each_and_fine_tuning_all_of_them():
    model = tiny()
    callback, names = schedule(model), ("rbm_1", "joint")
    moved = []
    for epoch in range(3):
        before = {name: model.get_layer(name).trainable_weights[0].numpy() for name in names}
        fit = {"initial_epoch": epoch, "epochs": epoch + 1, "callbacks": [callback], "verbose": 0}
        model.fit(IMAGES, np.arange(16) % 3, batch_size=4, **fit)
        after = {name: model.get_layer(name).trainable_weights[0].numpy() for name in names}
        moved.append({name for name in names if not np.array_equal(before[name], after[name])})
    assert moved == [{"rbm_1"}, {"joint"}, {"rbm_1", "joint"}]


def test_without_fine_tuning_the_joint_machine_learns_to_the_end():
    model = tiny()
    stages = schedule(model, fine_tuning=False).stages
    assert stages == [{"rbm_1": True}, {"joint": True}]


def digits(split):
    images = read("digits", split)
    return images.as_float(), images.labels


def accuracy(model):
    return model.evaluate(*digits("test"), verbose=0, return_dict=True)["accuracy"]


# Small steps and little momentum, for there are only 126 steps in an epoch.
LEARNING = {"hidden_units": (100, 200), "learning_rate": 0.05, "momentum": 0.5}


@pytest.mark.exhaustive
@pytest.mark.tensorflow
def test_it_learns_to_read_digits_and_to_write_the_digit_that_is_asked_for():
    x, y = digits("train")
    model = dbn_classifier(
        (8, 8, 1), pretraining_epochs=10, fine_tuning=False, gibbs_steps=5, seed=0, **LEARNING
    )
    model.fit(x, y, batch_size=10, epochs=20, callbacks=[schedule(model)], verbose=0)
    assert accuracy(model) > 0.85

    def binary(images):
        return images.reshape(len(images), -1) >= 0.5

    reader = LogisticRegression(max_iter=1000).fit(binary(x), y)
    x_test, y_test = digits("test")
    assert reader.score(binary(x_test), y_test) > 0.9
    agreed = [
        reader.predict(binary(endpoint(model, "generate", label=label, n=20, steps=200, seed=7)))
        == label
        for label in range(10)
    ]
    assert np.mean(agreed) > 0.6
    assert min(np.mean(agreed, axis=1)) > 0.2  # no digit is left out


@pytest.mark.exhaustive
@pytest.mark.tensorflow
def test_pretraining_without_labels_helps_where_labels_are_few():
    x, y = digits("train")
    arguments = {"pretraining_epochs": 10, "fine_tuning_learning_rate": 0.05, **LEARNING}
    pretrained, random = [], []
    for seed in range(3):
        few = np.full_like(y, -1)
        for label in range(10):
            known = np.flatnonzero(y == label)[10 * seed : 10 * seed + 10]
            few[known] = label
        fit = {"batch_size": 10, "verbose": 0}
        model = dbn_classifier((8, 8, 1), seed=seed, **arguments)
        model.fit(x, few, epochs=40, callbacks=[schedule(model)], **fit)
        pretrained.append(accuracy(model))
        # It sees the labels as often in all as the other one, and learns nothing else.
        model = dbn_classifier((8, 8, 1), seed=seed, **arguments)
        alone = GreedyLayerwise(["fine_tuning"], [], [0.05])
        model.fit(x[few >= 0], few[few >= 0], epochs=160, callbacks=[alone], **fit)
        random.append(accuracy(model))
    assert np.mean(pretrained) > np.mean(random) + 0.02, (pretrained, random)
