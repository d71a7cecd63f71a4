import numpy as np
import pytest
from keras import ops

from amalthea.layers import StyleMixing

from harness import check_layer

FIRST, SECOND = np.zeros((2000, 3), "float32"), np.ones((2000, 3), "float32")


def starts(layer, active=None):
    """How many layers have the first style, row by row."""
    layer.build([FIRST.shape, SECOND.shape])
    if active:
        layer.active.assign(active)
    styles = ops.convert_to_numpy(layer([FIRST, SECOND], training=True))
    assert (styles.min(axis=2) == styles.max(axis=2)).all()
    assert (np.diff(styles[..., 0], axis=1) >= 0).all()
    return (styles[..., 0] == 0).sum(axis=1)


def test_is_a_layer():
    def call(layer, inputs):
        return layer([inputs, inputs])

    check_layer(lambda **k: StyleMixing(4, seed=0, **k), (3,), (4, 3), non_trainable=1, call=call)


def test_in_inference_all_layers_have_the_first_style():
    styles = ops.convert_to_numpy(StyleMixing(4, seed=0)([FIRST, SECOND]))
    np.testing.assert_array_equal(styles, np.zeros((2000, 4, 3)))


def test_rows_are_mixed_with_the_probability_from_any_layer_but_the_first_on():
    counts = np.bincount(starts(StyleMixing(5, probability=0.8, seed=0)), minlength=6) / 2000
    np.testing.assert_allclose(counts, [0, 0.2, 0.2, 0.2, 0.2, 0.2], atol=0.04)


def test_the_second_style_begins_in_a_layer_in_use():
    assert set(starts(StyleMixing(6, probability=1, seed=0), active=3)) == {1, 2}


def test_without_probability_none_is_mixed():
    assert set(starts(StyleMixing(6, probability=0, seed=0))) == {6}


def test_wrong_arguments_are_one_sentence():
    with pytest.raises(ValueError, match="count must be a whole number of at least 1, got 0"):
        StyleMixing(0)
    with pytest.raises(ValueError, match=r"probability must be in \[0, 1\], got 2"):
        StyleMixing(2, probability=2)
