import keras
import numpy as np
import pytest
from keras import ops
from scipy.stats import entropy

from amalthea.layers import KLSparsity

from harness import check_gradients, check_layer, gradients, one_sentence

ACTIVITIES = np.random.default_rng(0).uniform(0.05, 0.9, (6, 4)).astype("float32")


def penalty(layer, inputs, **call):
    layer(inputs, **call)
    return float(layer.losses[-1])


def test_is_a_layer():
    check_layer(lambda **k: KLSparsity(0.2, 1.0, **k), (4,), (4,), non_trainable=1)


def test_the_penalty_is_the_divergence_of_bernoulli_variables():
    means = ACTIVITIES.mean(axis=0)
    distributions = [[[1 - p, p] for p in (0.1, mean)] for mean in means]
    expected = sum(entropy(target, mean) for target, mean in distributions)
    assert penalty(KLSparsity(0.1, 2.0), ACTIVITIES) == pytest.approx(2 * expected, rel=1e-5)


def test_it_is_0_where_the_means_are_the_target():
    exact = np.tile([[0.0], [1.0], [0.5]], (1, 3)).astype("float32")
    assert penalty(KLSparsity(0.5, 3.0), exact) == pytest.approx(0, abs=1e-6)


def test_units_that_never_or_always_speak_have_a_finite_penalty():
    dead = np.tile([[0.0, 1.0]], (5, 1)).astype("float32")
    assert np.isfinite(penalty(KLSparsity(0.1, 1.0), dead))


def test_units_that_never_or_always_speak_are_drawn_back():
    inputs = keras.Variable(np.tile([[0.0, 1.0]], (5, 1)))
    layer = KLSparsity(0.1, 1.0)
    layer.build((None, 2))

    def loss():
        layer(inputs.value)
        return layer.losses[-1]

    (gradient,) = gradients(loss, [inputs])
    assert (gradient[:, 0] < 0).all()
    assert (gradient[:, 1] > 0).all()


def test_the_running_means_move_in_training_alone_and_steady_the_penalty():
    layer = KLSparsity(0.5, 1.0, momentum=0.75)
    layer(ACTIVITIES)
    np.testing.assert_array_equal(layer.mean, [0.5] * 4)
    layer(ACTIVITIES, training=True)
    expected = 0.75 * 0.5 + 0.25 * ACTIVITIES.mean(axis=0)
    np.testing.assert_allclose(layer.mean, expected, rtol=1e-6)


@pytest.mark.parametrize("training", [False, True])
def test_gradients_equal_finite_differences(float64, training):
    inputs = keras.Variable(ACTIVITIES, dtype="float64")
    layer = KLSparsity(0.1, 2.0, momentum=0.0)

    def loss():
        layer(inputs.value, training=training)
        return layer.losses[-1]

    check_gradients(loss, [inputs])


def test_with_running_means_the_gradient_is_that_at_the_running_means():
    layer = KLSparsity(0.1, 1.0, momentum=0.5)
    layer.build((None, 4))
    inputs = keras.Variable(ACTIVITIES)

    def loss():
        layer(inputs.value, training=True)
        return layer.losses[-1]

    mean = 0.5 * 0.1 + 0.5 * ACTIVITIES.mean(axis=0)
    gradient = (1 - 0.1) / (1 - mean) - 0.1 / mean
    (found,) = gradients(loss, [inputs])
    np.testing.assert_allclose(found, np.tile(gradient / 6, (6, 1)), rtol=1e-4)


@pytest.mark.slow
@pytest.mark.tensorflow
def test_in_training_mean_activity_comes_to_the_target():
    inputs = keras.Input((20,))
    layer = KLSparsity(0.05, 10.0)
    model = keras.Model(inputs, layer(keras.layers.Dense(30, "sigmoid")(inputs)))
    model.compile(keras.optimizers.Adam(0.003), "mean_squared_error")
    x = np.random.default_rng(0).random((256, 20)).astype("float32")
    model.fit(x, np.full((256, 30), 0.5), epochs=80, verbose=0)
    assert model.predict(x, verbose=0).mean() == pytest.approx(0.05, abs=0.02)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": 0.0}, "target must be above 0 and below 1, got 0.0"),
        ({"weight": -1}, "weight must be at least 0, got -1"),
        ({"momentum": 1.0}, "momentum must be at least 0 and below 1, got 1.0"),
    ],
)
def test_what_cannot_be_is_named(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        KLSparsity(**arguments)
    one_sentence(error)


def test_activities_pass_unchanged():
    np.testing.assert_array_equal(ops.convert_to_numpy(KLSparsity()(ACTIVITIES)), ACTIVITIES)
