import keras
import numpy as np
import pytest

from amalthea.recipes.gans.skip_zero_gradients import SkipZeroGradients

GRADIENTS = [np.array([1.0, 0.0, -2.0]), np.array([[0.5]])]


def weights():
    return [keras.Variable(np.ones(gradient.shape)) for gradient in GRADIENTS]


def state(optimizer, variables):
    return [np.array(v.value) for v in (*optimizer.variables, *variables)]


@pytest.mark.parametrize(
    "make",
    [
        lambda: keras.optimizers.Adam(0.1),
        lambda: keras.optimizers.SGD(0.1, momentum=0.9, weight_decay=0.1, clipnorm=1.0),
    ],
)
def test_steps_without_gradients_change_and_count_nothing(make):
    plain, inner = make(), make()
    optimizer, expected, found = SkipZeroGradients(inner), weights(), weights()
    plain.build(expected)
    optimizer.build(found)
    for turn in (0, 1, 0, 0, 1, 1):
        before = state(optimizer, found)
        optimizer.apply([turn * gradient for gradient in GRADIENTS], found)
        if turn:
            plain.apply(GRADIENTS, expected)
        else:
            for one, other in zip(state(optimizer, found), before, strict=True):
                np.testing.assert_array_equal(one, other)
    for one, other in zip(state(inner, found), state(plain, expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_its_state_is_that_of_the_optimizer_within():
    inner = keras.optimizers.Adam()
    optimizer = SkipZeroGradients(inner)
    optimizer.build(weights())
    own = {id(variable) for variable in optimizer.variables}
    assert {id(variable) for variable in inner.variables} < own
