import keras
import numpy as np
import pytest
from keras import ops

from amalthea.recipes.boltzmann.momentum_ramp import MomentumRamp

GRADIENTS = [1.0, -0.5, 2.0, 0.25, -1.5, 0.75]


def path(optimizer, gradients=GRADIENTS):
    """Where a scalar that begins at 3 is after each step."""
    variable, values = keras.Variable(3.0), []
    for gradient in gradients:
        optimizer.apply([ops.convert_to_tensor(gradient)], [variable])
        values.append(float(variable))
    return values


def by_hand(momenta, rate=0.1):
    """The same, with a momentum given for each step."""
    value, velocity, values = 3.0, 0.0, []
    for momentum, gradient in zip(momenta, GRADIENTS, strict=True):
        velocity = momentum * velocity - rate * gradient
        value += velocity
        values.append(value)
    return values


def test_the_momentum_grows_linearly_and_then_stays():
    found = path(MomentumRamp(0.1, 0.9, initial_momentum=0.5, ramp_steps=4))
    np.testing.assert_allclose(found, by_hand([0.5, 0.6, 0.7, 0.8, 0.9, 0.9]), rtol=1e-5)


def test_a_long_ramp_begins_as_gradient_descent_with_the_initial_momentum():
    found = path(MomentumRamp(0.1, 0.9, initial_momentum=0.5, ramp_steps=10**9))
    np.testing.assert_allclose(found, path(keras.optimizers.SGD(0.1, 0.5)), rtol=1e-5)


def test_after_the_ramp_it_is_gradient_descent_with_the_final_momentum():
    # Gradients of 0 give no velocity, so that these steps only count.
    found = path(MomentumRamp(0.1, 0.9, ramp_steps=4), [0.0] * 4 + GRADIENTS)
    np.testing.assert_allclose(found[4:], path(keras.optimizers.SGD(0.1, 0.9)), rtol=1e-5)


def test_a_final_momentum_below_the_initial_one_holds_from_the_start():
    found = path(MomentumRamp(0.1, 0.3, initial_momentum=0.5, ramp_steps=4))
    np.testing.assert_allclose(found, by_hand([0.3] * 6), rtol=1e-5)


def test_without_momentum_it_is_plain_gradient_descent():
    found = path(MomentumRamp(0.1, 0.0, ramp_steps=4))
    np.testing.assert_allclose(found, 3 - 0.1 * np.cumsum(GRADIENTS), rtol=1e-5)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_the_step_size_falls_with_the_number_of_steps(momentum):
    found = path(MomentumRamp(0.1, momentum, initial_momentum=momentum, decay=250.0))
    value, velocity, expected = 3.0, 0.0, []
    for step, gradient in enumerate(GRADIENTS):
        velocity = momentum * velocity - 0.1 / (1 + 250 * step / 1000) * gradient
        value += velocity
        expected.append(value)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_compiled_training_ramps_as_single_steps_do():
    inputs = keras.Input((1,))
    model = keras.Model(inputs, keras.layers.Dense(1, use_bias=False)(inputs))
    model.compile(MomentumRamp(0.1, 0.9, ramp_steps=4), "mean_squared_error", steps_per_execution=3)
    model.layers[1].kernel.assign([[3.0]])
    x = np.ones((6, 1), "float32")
    model.fit(x, 0 * x, batch_size=1, shuffle=False, verbose=0)
    value, velocity = 3.0, 0.0
    for momentum in [0.5, 0.6, 0.7, 0.8, 0.9, 0.9]:
        velocity = momentum * velocity - 0.1 * 2 * value
        value += velocity
    assert float(model.layers[1].kernel[0, 0]) == pytest.approx(value, rel=1e-5)


def test_the_config_says_everything():
    ramp = MomentumRamp(0.03, 0.8, initial_momentum=0.2, ramp_steps=7, decay=9.0, weight_decay=0.1)
    config = keras.optimizers.serialize(ramp)
    assert config["registered_name"] == "amalthea>MomentumRamp"
    twin = keras.optimizers.deserialize(config)
    assert twin.get_config() == ramp.get_config()
    moved = path(twin)
    assert moved == path(ramp)
    assert moved != path(MomentumRamp(0.03, 0.8, weight_decay=0.1))
