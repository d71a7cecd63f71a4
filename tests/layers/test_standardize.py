import numpy as np
import pytest
from keras import ops

from amalthea.layers import Standardize

from harness import check_layer, one_sentence


def test_is_a_layer():
    check_layer(Standardize, (3,), (3,), non_trainable=3)


def test_its_statistics_are_those_of_all_it_was_trained_on():
    data = np.random.default_rng(0).normal([1, -2, 3], [0.5, 1, 2], (300, 3)).astype("float32")
    layer = Standardize()
    for batch in np.split(data, 6):
        layer(batch, training=True)
    np.testing.assert_allclose(layer.mean, data.mean(0), rtol=1e-5)
    np.testing.assert_allclose(layer.variance, data.var(0), rtol=1e-4)
    outputs = np.asarray(layer(data))
    np.testing.assert_allclose(outputs.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(outputs.std(0), 1, rtol=1e-3)


def test_only_training_counts():
    layer = Standardize()
    layer(np.ones((4, 2)))
    layer(np.ones((4, 2)), reverse=True, training=True)
    assert float(layer.steps) == 0
    np.testing.assert_array_equal(layer.mean, 0)


def test_the_reverse_undoes_it():
    layer = Standardize()
    data = np.random.default_rng(0).random((20, 5)).astype("float32")
    standard = layer(data, training=True)
    np.testing.assert_allclose(layer(standard, reverse=True), data, atol=1e-6)


def test_a_feature_that_does_not_vary_stays_small():
    layer = Standardize(floor=0.1)
    layer(np.zeros((10, 1)), training=True)
    assert float(ops.max(layer(np.full((1, 1), 0.2)))) == pytest.approx(2, rel=1e-5)


@pytest.mark.parametrize("floor", [0, -1.0])
def test_a_wrong_floor_is_named(floor):
    with pytest.raises(ValueError, match="floor") as error:
        Standardize(floor)
    assert repr(floor) in one_sentence(error)
