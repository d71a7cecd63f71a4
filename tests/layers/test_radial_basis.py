import numpy as np
import pytest
from keras import ops

from amalthea.layers import RadialBasis

from harness import check_gradients, check_layer, one_sentence


def test_is_a_layer():
    check_layer(lambda **k: RadialBasis(4, **k), (3,), (4,), trainable=1)


def test_is_a_layer_with_fixed_centers():
    check_layer(lambda **k: RadialBasis(4, trainable=False, **k), (3,), (4,), non_trainable=1)


def test_gives_squared_euclidean_distances():
    layer = RadialBasis(4)
    x = np.random.rand(5, 3).astype("float32")
    distances = np.asarray(layer(x))
    for i, center in enumerate(np.asarray(layer.centers)):
        np.testing.assert_allclose(
            distances[:, i], np.linalg.norm(x - center, axis=1) ** 2, rtol=1e-5
        )


def test_gradients_equal_finite_differences(float64):
    layer = RadialBasis(4)
    x = np.random.rand(2, 3)
    layer(x)
    check_gradients(lambda: ops.sum(ops.square(layer(x))), layer.trainable_variables)


@pytest.mark.parametrize("units", [0, -1, 1.5])
def test_wrong_units_are_named(units):
    with pytest.raises(ValueError, match="units") as error:
        RadialBasis(units)
    assert repr(units) in one_sentence(error)
