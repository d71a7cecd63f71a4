import numpy as np
import pytest
from keras import ops

from amalthea.layers import Bias

from harness import check_layer


def test_is_a_layer():
    check_layer(lambda **k: Bias(**k), (4, 5, 3), (4, 5, 3), trainable=1)


def test_adds_a_number_to_each_channel():
    layer = Bias()
    images = np.ones((2, 3, 3, 2), "float32")
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(images)), images)
    layer.bias.assign([1.0, -2.0])
    expected = images + np.array([1.0, -2.0])
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(images)), expected)


def test_undefined_channels_are_one_sentence():
    with pytest.raises(ValueError, match="needs a defined last axis"):
        Bias().build((None, None))
