import keras
import numpy as np
import pytest
from keras import ops

from amalthea.layers import GradientGate

from harness import check_layer, gradients, one_sentence


@pytest.mark.parametrize("learning", [True, False])
def test_is_a_layer(learning):
    check_layer(lambda **kwargs: GradientGate(learning, **kwargs), (3, 2), (3, 2))


@pytest.mark.parametrize("learning", [True, False])
def test_values_pass_whether_it_learns_or_not(learning):
    values = np.random.default_rng(0).standard_normal((4, 3)).astype("float32")
    np.testing.assert_array_equal(GradientGate(learning)(values), values)


def test_the_gradient_passes_only_while_it_learns():
    gate, weight = GradientGate(), keras.Variable([1.0, -2.0])

    def loss():
        # The second term goes past the gate, so there is a gradient either way.
        return ops.sum(ops.square(gate(weight.value))) + ops.sum(weight.value)

    (shut,) = gradients(loss, [weight])
    gate.learning = True
    (open_,) = gradients(loss, [weight])
    gate.learning = False
    (shut_again,) = gradients(loss, [weight])
    np.testing.assert_allclose(shut, [1, 1])
    np.testing.assert_allclose(open_, [3, -3])
    np.testing.assert_allclose(shut_again, [1, 1])


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="must be True or False, got 'yes'") as error:
        GradientGate("yes")
    one_sentence(error)
