import keras
import numpy as np
import pytest
from scipy.special import expit, softmax

from amalthea.layers import CaptionedRBM

from harness import check_layer, one_sentence, states

# Features of an image, features of a caption, words of a caption, different words.
FEATURES, CAPTION, LENGTH, WORDS = 3, 2, 2, 3


def small(scale=1.0, **arguments):
    """Machines with random weights."""
    layer = CaptionedRBM(2, CAPTION, LENGTH, WORDS, seed=0, **arguments)
    layer.build((None, FEATURES))
    random = np.random.default_rng(0)
    for weight in layer.trainable_variables:
        weight.assign(scale * random.standard_normal(weight.shape))
    return layer


def in_a_model(layer):
    """A model whose only loss is that of the layer, which gets `y` as words."""

    class Learns(keras.Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return layer(x, y, training=training)

    inputs = keras.Input((FEATURES,))
    model = Learns(inputs, layer(inputs))
    model.compile(keras.optimizers.SGD(0.1))
    return model


def test_is_a_layer():
    def make(**arguments):
        layer = CaptionedRBM(4, CAPTION, LENGTH, WORDS, **arguments)
        layer.build((None, FEATURES))
        # The words get nothing from these, so the step of training would find no gradient.
        layer.captions.hidden_bias.trainable = False
        return layer

    check_layer(make, (FEATURES,), (LENGTH, WORDS), trainable=5, non_trainable=8 + 1)


def test_at_each_position_there_are_probabilities_that_depend_on_the_features():
    layer = small()
    found = np.asarray(layer(states(FEATURES)))
    assert (found > 0).all()
    np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-5)
    assert np.ptp(found, axis=0).max() > 0.01


def test_mean_field_reaches_a_fixed_point_of_the_joint_machine():
    layer = small(mean_field_steps=200)
    kernel, _, hidden_bias, *_ = (np.asarray(w) for w in layer.joint.weights)
    biases = np.asarray(layer.joint.visible_biases)
    caption = np.full((8, CAPTION), 0.5)
    for _ in range(500):
        hidden = expit(np.concatenate([states(FEATURES), caption], 1) @ kernel + hidden_bias)
        caption = 0.5 * caption + 0.5 * expit(hidden @ kernel[FEATURES:].T + biases[FEATURES:])
    inputs = caption @ np.asarray(layer.captions.kernel).T + np.asarray(layer.captions.visible_bias)
    expected = softmax(inputs.reshape(8, LENGTH, WORDS), axis=-1)
    np.testing.assert_allclose(layer(states(FEATURES)), expected, atol=1e-4)


@pytest.mark.tensorflow
def test_one_word_is_drawn_at_each_position_with_its_probability():
    layer = small()
    for caption in states(CAPTION):
        drawn = np.asarray(layer.draw_words(np.tile(caption, (20_000, 1)), 3))
        assert drawn.shape == (20_000, LENGTH)
        inputs = caption @ np.asarray(layer.captions.kernel).T
        inputs = (inputs + np.asarray(layer.captions.visible_bias)).reshape(LENGTH, WORDS)
        first, second = softmax(inputs, axis=-1)
        found = np.bincount(drawn @ [WORDS, 1], minlength=WORDS**2) / 20_000
        # Given the features of a caption its words are independent.
        assert np.abs(found - np.outer(first, second).ravel()).sum() / 2 < 0.02


def test_words_are_drawn_from_the_seed_alone():
    layer, caption = small(), np.full((50, CAPTION), 0.5, "float32")
    first, again, other = (np.asarray(layer.draw_words(caption, seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_features_of_a_caption_follow_from_the_word_at_each_position():
    layer = small()
    kernel = np.asarray(layer.captions.kernel).reshape(LENGTH, WORDS, CAPTION)
    captions = np.array([[0, 0], [0, 2], [2, 0], [1, 1]])
    inputs = kernel[0, captions[:, 0]] + kernel[1, captions[:, 1]]
    expected = expit(inputs + np.asarray(layer.captions.hidden_bias))
    np.testing.assert_allclose(layer.caption_features(captions), expected, rtol=1e-5)


def test_captions_of_one_word_need_no_axis():
    layer = CaptionedRBM(4, CAPTION, 1, WORDS, seed=0)
    layer.build((None, FEATURES))
    words = np.array([0, 2, 1])
    np.testing.assert_array_equal(
        layer.caption_features(words), layer.caption_features(words[:, None])
    )
    features = states(FEATURES)[:3]
    np.testing.assert_allclose(layer(features, words), layer(features, words[:, None]))


@pytest.mark.parametrize(
    ("learning", "moving"),
    [
        (True, {"captions", "joint"}),
        ("captions", {"captions"}),
        ("joint", {"joint"}),
        (False, set()),
    ],
)
def test_only_the_machines_that_learn_move(learning, moving):
    layer = small(learning=learning)
    machines = {"captions": layer.captions, "joint": layer.joint}
    before = {name: rbm.get_weights() for name, rbm in machines.items()}
    model = in_a_model(layer)
    words = np.stack([np.arange(8) % 3, np.arange(8) // 3], axis=1)
    loss = model.train_on_batch(states(FEATURES), words)
    assert np.isfinite(loss)
    assert (loss != 0) == bool(moving)
    for name, rbm in machines.items():
        same = [np.array_equal(a, b) for a, b in zip(before[name], rbm.get_weights(), strict=True)]
        assert not any(same[:3]) if name in moving else all(same), name


def test_what_learns_can_be_changed_and_is_kept_by_the_config():
    layer = small()
    layer.learning = "captions"
    assert (layer.captions.learning, layer.joint.learning) == (True, False)
    layer.learning = "joint"
    assert (layer.captions.learning, layer.joint.learning) == (False, True)
    assert CaptionedRBM.from_config(layer.get_config()).learning == "joint"
    with pytest.raises(ValueError, match="got 'words'") as error:
        layer.learning = "words"
    one_sentence(error)


@pytest.mark.parametrize("given", ["features", "caption", None])
def test_what_is_given_keeps_its_values_and_the_rest_does_not(given):
    layer = small()
    random = np.random.default_rng(1)
    features, caption = (random.random((40, n)).astype("float32") for n in (FEATURES, CAPTION))
    drawn = [np.asarray(part) for part in layer.gibbs(features, caption, 5, 1, given=given)]
    for name, part, mean, start in zip(
        ("features", "caption"), drawn[:2], drawn[2:], (features, caption), strict=True
    ):
        assert part.shape == start.shape
        if name == given:
            np.testing.assert_array_equal(part, start)
            np.testing.assert_array_equal(mean, start)
        else:
            assert set(np.unique(part)) == {0, 1}
            assert (mean != start).all()


@pytest.mark.tensorflow
@pytest.mark.parametrize("given", ["features", "caption"])
def test_chains_reach_the_conditional_distribution_of_the_joint_machine(given):
    layer = small()
    kernel, _, hidden_bias, *_ = (np.asarray(w, "float64") for w in layer.joint.weights)
    biases = np.asarray(layer.joint.visible_biases, "float64")
    both = states(FEATURES + CAPTION)
    logs = both @ biases + np.logaddexp(0, both @ kernel + hidden_bias).sum(1)
    start = np.array([1, 0, 1, 1, 0], "float32")
    clamped = slice(0, FEATURES) if given == "features" else slice(FEATURES, None)
    logs[(both[:, clamped] != start[clamped]).any(1)] = -np.inf
    exact = np.exp(logs - np.logaddexp.reduce(logs))
    rows = np.tile(start, (20_000, 1))
    drawn = layer.gibbs(rows[:, :FEATURES], rows[:, FEATURES:], 50, 1, given=given)[:2]
    found = np.concatenate(drawn, axis=1).astype(int) @ (2 ** np.arange(FEATURES + CAPTION))
    found = np.bincount(found, minlength=len(both)) / len(rows)
    assert np.abs(found - exact).sum() / 2 < 0.02


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"caption_length": 0}, "caption_length must be a whole number of at least 1, got 0"),
        ({"vocabulary_size": 1}, "vocabulary_size must be a whole number of at least 2, got 1"),
        ({"mean_field_steps": 1.5}, "mean_field_steps must be a whole number of at least 1"),
        ({"hidden": 0}, "hidden must be a whole number of at least 1, got 0"),
        ({"caption_units": 0}, "hidden must be a whole number of at least 1, got 0"),
        ({"learning": "images"}, "learning must be 'captions', 'joint', True or False, got"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    right = {"hidden": 4, "caption_units": 3, "caption_length": 2, "vocabulary_size": 5}
    with pytest.raises(ValueError, match="must be") as error:
        CaptionedRBM(**right | arguments)
    assert message in one_sentence(error)


def test_an_undefined_last_axis_is_named():
    with pytest.raises(ValueError, match="needs a defined last axis") as error:
        CaptionedRBM(4, 3, 2, 5).build((None, None))
    one_sentence(error)
