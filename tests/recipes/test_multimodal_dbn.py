import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from amalthea.data import read
from amalthea.recipes import get_recipe, multimodal_dbn

from harness import call_endpoint, states

# A training in stages is traced anew in each.
pytestmark = pytest.mark.slow


def schedule(model):
    return get_recipe("multimodal_dbn").schedule(model.origin.arguments)


def tiny(caption_length=2, **arguments):
    """A net over images of four pixels and captions of three words, with random weights."""
    model = multimodal_dbn(
        (2, 2, 1), 3, caption_length, hidden_units=(3,), caption_units=2, joint_units=2,
        pretraining_epochs=1, seed=0, **arguments,
    )  # fmt: skip
    random = np.random.default_rng(0)
    for weight in model.trainable_variables:
        weight.assign(1.5 * random.standard_normal(weight.shape))
    return model


IMAGES = states(4).reshape(-1, 2, 2, 1)
CAPTIONS = np.stack([np.arange(16) % 3, np.arange(16) // 6], axis=1)


def joint_probabilities(model):
    """Of all states of image features and caption features, `(8, 4)`."""
    rbm = model.get_layer("joint").joint
    kernel, hidden_bias = (np.asarray(w, "float64") for w in (rbm.kernel, rbm.hidden_bias))
    visible = states(5).astype("float64")
    logs = visible @ np.asarray(rbm.visible_biases)
    logs += np.logaddexp(0, visible @ kernel + hidden_bias).sum(1)
    # The first units are the features of images, and the first unit is the lowest bit.
    return np.exp(logs - np.logaddexp.reduce(logs)).reshape(4, 8).T


@pytest.mark.parametrize("length", [1, 2])
def test_words_are_whole_numbers_below_the_size_of_the_vocabulary(length):
    model = tiny(length)
    caption = call_endpoint(model, "caption", images=np.repeat(IMAGES, 8, 0), steps=5, seed=1)[
        "words"
    ]
    sample = call_endpoint(model, "sample", n=100, steps=5, seed=1)
    assert caption.shape == (128, length)
    assert sample["words"].shape == (100, length)
    assert sample["images"].shape == (100, 2, 2, 1)
    for words in (caption, sample["words"]):
        assert set(np.unique(words)) == {0, 1, 2}
    generated = call_endpoint(model, "generate", words=CAPTIONS[:, :length], steps=5, seed=1)[
        "images"
    ]
    assert generated.shape == (16, 2, 2, 1)
    assert 0 <= generated.min() < generated.max() <= 1
    probabilities = model.predict(IMAGES, verbose=0)
    assert probabilities.shape == (16, length, 3)
    np.testing.assert_allclose(probabilities.sum(-1), 1, rtol=1e-5)


def test_captions_of_one_word_may_lack_their_axis():
    def trained(captions):
        model = tiny(1)
        fit = {"batch_size": 4, "shuffle": False, "verbose": 0, "callbacks": [schedule(model)]}
        model.fit(IMAGES, captions, epochs=2, **fit)
        return model.get_weights()

    flat, column = trained(CAPTIONS[:, 0]), trained(CAPTIONS[:, :1])
    for one, other in zip(flat, column, strict=True):
        np.testing.assert_array_equal(one, other)


def test_images_and_captions_learn_side_by_side_and_then_what_joins_them():
    model = tiny()
    callback, joint, moved = schedule(model), model.get_layer("joint"), []
    machines = {
        "rbm_1": model.get_layer("rbm_1"), "captions": joint.captions, "joint": joint.joint
    }  # fmt: skip
    for epoch in range(2):
        before = {name: rbm.get_weights() for name, rbm in machines.items()}
        fit = {"initial_epoch": epoch, "epochs": epoch + 1, "callbacks": [callback]}
        model.fit(IMAGES, CAPTIONS, batch_size=4, verbose=0, **fit)
        after = {name: rbm.get_weights() for name, rbm in machines.items()}
        same = {
            name: all(np.array_equal(a, b) for a, b in zip(old, after[name], strict=True))
            for name, old in before.items()
        }
        moved.append({name for name in machines if not same[name]})
    assert moved == [{"rbm_1", "captions"}, {"joint"}]


@pytest.mark.tensorflow
def test_images_of_words_follow_the_joint_machine_given_the_features_of_the_words():
    """Where the words leave no doubt of their features: then these are states, as in training."""
    model = tiny()
    joint, lower = model.get_layer("joint"), model.get_layer("rbm_1")
    kernel = np.zeros((6, 2), "float32")
    kernel[0], kernel[1] = (30, -30), (-30, 30)  # of words at the first position
    joint.captions.kernel.assign(kernel)
    joint.captions.hidden_bias.assign([0, 0])
    means = expit(states(3) @ np.asarray(lower.kernel).T + np.asarray(lower.visible_biases))
    for word, caption in ((0, 1), (1, 2)):  # 1 is the state (1, 0) and 2 the state (0, 1)
        exact = joint_probabilities(model)[:, caption]
        words = np.tile([word, 2], (20_000, 1))
        images = call_endpoint(model, "generate", words=words, steps=50, seed=1)["images"]
        distances = np.abs(images.reshape(-1, 1, 4) - means).max(2)
        np.testing.assert_allclose(distances.min(1), 0, atol=1e-4)
        found = np.bincount(distances.argmin(1), minlength=8) / len(images)
        assert np.abs(found - exact / exact.sum()).sum() / 2 < 0.02


@pytest.mark.tensorflow
def test_sampled_words_follow_the_joint_machine_and_one_pass_down():
    model = tiny()
    captions = model.get_layer("joint").captions
    inputs = states(2) @ np.asarray(captions.kernel).T + np.asarray(captions.visible_biases)
    given = np.exp(inputs.reshape(4, 2, 3))
    given /= given.sum(-1, keepdims=True)  # (caption features, position, word)
    exact = np.einsum("c,ci,cj->ij", joint_probabilities(model).sum(0), given[:, 0], given[:, 1])
    words = call_endpoint(model, "sample", n=20_000, steps=50, seed=1)["words"].astype(int)
    found = np.bincount(words @ [3, 1], minlength=9) / len(words)
    assert np.abs(found - exact.ravel()).sum() / 2 < 0.02


def test_the_measured_bound_is_that_of_the_factorial_posteriors_of_both_sides():
    model = tiny()
    lower, captions = model.get_layer("rbm_1"), model.get_layer("joint").captions
    on = states(3) @ np.asarray(lower.kernel).T + np.asarray(lower.visible_biases)
    image = states(4) @ on.T - np.logaddexp(0, on).sum(1)  # log p(image | features), (16, 8)
    inputs = states(2) @ np.asarray(captions.kernel).T + np.asarray(captions.visible_biases)
    words = np.reshape(inputs, (4, 2, 3))
    words = words - np.logaddexp.reduce(words, axis=2, keepdims=True)
    words = words[:, [0, 1], CAPTIONS].sum(2).T  # log p(caption | features), (16, 4)
    both = image[:, :, None] + words[:, None, :] + np.log(joint_probabilities(model))

    def posterior(means):
        """Of all states of features, given the means of each row."""
        on = states(means.shape[1])
        return np.prod(np.where(on > 0, means[:, None], 1 - means[:, None]), axis=2)

    of_image = posterior(np.asarray(lower.hidden_mean(states(4)), "float64"))
    of_caption = posterior(np.asarray(model.get_layer("joint").caption_features(CAPTIONS)))
    q = of_image[:, :, None] * of_caption[:, None, :]
    exact = (q * (both - np.log(q))).sum((1, 2)).mean()
    measures = get_recipe("multimodal_dbn").measures
    found = measures(model, IMAGES.repeat(200, 0), CAPTIONS.repeat(200, 0), 32)
    assert set(found) == {"log_likelihood_bound", "standard_error"}
    assert np.isclose(found["log_likelihood_bound"], exact, atol=0.15)


def captions_of(labels):
    """Of a digit the words even (0) or odd (1), and its own, from 2."""
    return np.stack([labels % 2, 2 + labels], axis=1)


@pytest.fixture(scope="module")
def trained():
    """A net that has learnt digits with captions of two words."""
    digits = read("digits", "train")
    model = multimodal_dbn(
        (8, 8, 1), 12, 2, hidden_units=(100,), caption_units=64, joint_units=200,
        pretraining_epochs=15, gibbs_steps=5, learning_rate=0.05, momentum=0.5, seed=0,
    )  # fmt: skip
    fit = {"batch_size": 10, "epochs": 35, "callbacks": [schedule(model)], "verbose": 0}
    model.fit(digits.as_float(), captions_of(digits.labels), **fit)
    return model


@pytest.mark.exhaustive
@pytest.mark.tensorflow
def test_the_caption_of_a_digit_is_likelier_than_without_it_and_changes_from_draw_to_draw(trained):
    digits = read("digits", "test")
    images, right = digits.as_float(), captions_of(digits.labels)
    unconditional = call_endpoint(trained, "sample", n=1000, steps=300, seed=9)["words"]
    draws = [
        call_endpoint(trained, "caption", images=images, steps=50, seed=seed)["words"]
        for seed in range(3)
    ]
    assert (draws[0] != draws[1]).any(1).mean() > 0.05
    again = call_endpoint(trained, "caption", images=images, steps=50, seed=0)["words"]
    np.testing.assert_array_equal(again, draws[0])
    likely = []
    for digit, caption in enumerate(captions_of(np.arange(10))):
        of_digit = digits.labels == digit
        given = np.mean([(words[of_digit] == caption).all(1).mean() for words in draws])
        assert given > (unconditional == caption).all(1).mean(), digit
        likely.append(given)
    assert np.mean(likely) > 0.4
    assert (trained.predict(images, verbose=0).argmax(-1) == right).all(1).mean() > 0.5


@pytest.mark.tensorflow
def test_images_of_words_are_read_as_the_digit_of_the_words(trained):
    def binary(images):
        return images.reshape(len(images), -1) >= 0.5

    train, test = read("digits", "train"), read("digits", "test")
    reader = LogisticRegression(max_iter=1000).fit(binary(train.as_float()), train.labels)
    assert reader.score(binary(test.as_float()), test.labels) > 0.9
    labels = np.repeat(np.arange(10), 20)
    images = call_endpoint(trained, "generate", words=captions_of(labels), steps=200, seed=1)[
        "images"
    ]
    assert (reader.predict(binary(images)) == labels).mean() > 0.5
