import keras
import numpy as np
import pytest

from amalthea.layers import RepeatAlong

from harness import check_layer, one_sentence

VECTORS = np.arange(6, dtype="float32").reshape(2, 3)


def test_is_a_layer():
    def twice(layer, inputs):
        return layer([inputs, keras.layers.RepeatVector(4)(inputs)])

    check_layer(RepeatAlong, (3,), (4, 3), call=twice)


def test_the_vector_stands_at_each_step_and_nothing_else_of_the_sequence_matters():
    sequences = np.random.rand(2, 4, 5, 1)
    outputs = RepeatAlong()([VECTORS, sequences])
    np.testing.assert_array_equal(outputs, np.repeat(VECTORS[:, None], 4, axis=1))


def test_the_mask_is_that_of_the_sequence():
    mask = np.array([[True, False], [True, True]])
    layer = RepeatAlong()
    assert layer.compute_mask([VECTORS, None], [None, mask]) is mask
    assert layer.compute_mask([VECTORS, None]) is None


def test_a_length_that_is_not_known_stays_so():
    model = keras.Model(
        inputs := [keras.Input((3,)), keras.Input((None, 2))], RepeatAlong()(inputs)
    )
    assert model.output_shape == (None, None, 3)
    for steps in (1, 5):
        outputs = model.predict([VECTORS, np.zeros((2, steps, 2))], verbose=0)
        assert outputs.shape == (2, steps, 3)


def test_one_input_is_not_enough():
    with pytest.raises(ValueError, match=r"takes \[vectors, sequences\], got shape") as error:
        RepeatAlong()(VECTORS)
    one_sentence(str(error.value).splitlines()[0])
