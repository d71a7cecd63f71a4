import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import expit

from amalthea.layers import AutoencodingDense

from harness import check_gradients, check_layer, gradients, one_sentence

INPUTS = np.random.default_rng(0).random((6, 5)).astype("float32")


def both_ways(layer, inputs):
    return layer(layer(inputs), reverse=True)


@pytest.mark.parametrize("learning", [False, True])
def test_is_a_layer_in_both_directions(learning):
    def make(**kwargs):
        return AutoencodingDense(3, learning=learning, corruption=0.1, seed=0, **kwargs)

    check_layer(make, (5,), (5,), trainable=3, call=both_ways)


def test_its_own_loss_is_the_cross_entropy_of_its_reconstruction():
    layer = AutoencodingDense(3, learning=True, seed=0)
    layer(INPUTS)
    kernel, bias, reverse_bias = layer.get_weights()
    outputs = expit(expit(INPUTS @ kernel + bias) @ kernel.T + reverse_bias)
    expected = -(INPUTS * np.log(outputs) + (1 - INPUTS) * np.log(1 - outputs)).mean()
    assert float(layer.losses[0]) == pytest.approx(expected, rel=1e-5)


def test_gradients_of_its_own_loss_equal_finite_differences(float64):
    layer = AutoencodingDense(3, learning=True, seed=0)
    layer.build((None, 5))

    def loss():
        layer(INPUTS)
        return layer.losses[-1]

    check_gradients(loss, layer.trainable_variables)


def test_what_lies_below_learns_nothing_from_it():
    below, layer = keras.layers.Dense(5, "sigmoid"), AutoencodingDense(3, learning=True)
    below(INPUTS)

    def loss():
        layer(below(INPUTS))
        return layer.losses[-1] + 0.0 * ops.sum(below.kernel) + 0.0 * ops.sum(below.bias)

    layer.build((None, 5))
    for gradient in gradients(loss, below.trainable_variables):
        np.testing.assert_array_equal(gradient, 0)


def test_resting_it_asks_for_nothing():
    layer = AutoencodingDense(3)
    layer(INPUTS)
    assert float(layer.losses[0]) == 0


def test_corruption_reaches_the_loss_in_training_and_never_the_output():
    layer = AutoencodingDense(3, corruption=0.5, learning=True, seed=0)
    clean = layer(INPUTS)
    quiet = float(layer.losses[0])
    trained = layer(INPUTS, training=True)
    np.testing.assert_array_equal(trained, clean)
    assert float(layer.losses[0]) != quiet


def test_its_loss_has_a_slope_where_it_is_wrong_beyond_rounding():
    layer = AutoencodingDense(3, learning=True, dtype="mixed_bfloat16")
    layer.build((None, 5))
    layer.reverse_bias.assign([12.0] * 5)

    def loss():
        layer(np.zeros((2, 5)))
        return layer.losses[-1]

    (gradient,) = gradients(loss, [layer.reverse_bias])
    assert (gradient > 0.1).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"learning": "yes"}, "learning must be True or False, got 'yes'"),
        ({"corruption": 1.0}, "corruption must be at least 0 and below 1, got 1.0"),
        ({"activation": "relu"}, "activation is logistic, got 'relu'"),
    ],
)
def test_what_cannot_be_is_named(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        AutoencodingDense(3, **arguments)
    one_sentence(error)


@pytest.mark.tensorflow
def test_a_call_in_reverse_alone_has_nothing_to_do_with_the_calls_before():
    layer = AutoencodingDense(3, learning=True, use_bias=False)
    images = keras.Input((5,))
    keras.Model(images, layer(images)).predict(INPUTS, verbose=0)
    codes = keras.Input((3,))
    decoder = keras.Model(codes, layer(codes, reverse=True))
    decoder.compile("sgd", "mean_squared_error")
    decoder.fit(np.ones((6, 3)), INPUTS, verbose=0)
