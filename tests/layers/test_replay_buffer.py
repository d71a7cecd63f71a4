import keras
import numpy as np
import pytest
from keras import ops

from amalthea.layers import ReplayBuffer

from harness import check_layer


def exchange(buffer, rows):
    return ops.convert_to_numpy(buffer(rows, training=True))


def batch(number, count=4):
    """Rows that tell which batch they are of."""
    return np.full((count, 1), number, "float32")


def test_is_a_layer():
    check_layer(lambda **k: ReplayBuffer(6, **k), (4, 3), (4, 3), non_trainable=2)


def test_an_empty_buffer_changes_nothing():
    rows = np.random.default_rng(0).random((8, 3)).astype("float32")
    np.testing.assert_array_equal(exchange(ReplayBuffer(100), rows), rows)


def test_half_of_a_batch_comes_from_the_past_once_the_buffer_is_full():
    buffer = ReplayBuffer(10)
    for number in range(200):
        exchange(buffer, batch(number, 8))
    outputs = exchange(buffer, batch(1000, 8))
    assert (outputs[:4] < 1000).all()
    assert (outputs[4:] == 1000).all()


def test_it_never_holds_more_than_its_size_and_only_rows_that_came():
    buffer = ReplayBuffer(5, share=1.0)
    came = set()
    for number in range(1, 20):
        exchange(buffer, batch(number, 8))
        came.add(float(number))
        held = ops.convert_to_numpy(buffer.rows).ravel()
        assert len(held) == 5
        assert set(held) <= came | {0.0}
        assert 0 not in held  # eight rows fill the five places


@pytest.mark.slow
@pytest.mark.jax
def test_every_place_is_replaced_equally_often():
    buffer, counts = ReplayBuffer(10, share=0.5, seed=0), np.zeros(10)
    before = ops.convert_to_numpy(buffer(batch(0), training=True))
    before = ops.convert_to_numpy(buffer.rows).ravel()
    for number in range(1, 1001):
        exchange(buffer, batch(number))
        after = ops.convert_to_numpy(buffer.rows).ravel()
        counts += after != before
        before = after
    assert counts.sum() == 2000
    assert (abs(counts - 200) < 5 * np.sqrt(200 * 0.8)).all()


def test_without_training_nothing_is_exchanged_or_kept():
    buffer = ReplayBuffer(4, share=1.0)
    exchange(buffer, batch(1))
    np.testing.assert_array_equal(buffer(batch(2)), batch(2))
    np.testing.assert_array_equal(ops.convert_to_numpy(buffer.rows), batch(1))


def test_a_saved_buffer_goes_on_exactly(tmp_path):
    inputs = keras.Input((1,))
    buffer = ReplayBuffer(6)
    model = keras.Model(inputs, buffer(inputs))
    for number in range(5):
        exchange(buffer, batch(number))
    model.save(tmp_path / "model.keras")
    twin = keras.saving.load_model(tmp_path / "model.keras").layers[-1]
    for number in range(5, 10):
        np.testing.assert_array_equal(
            exchange(twin, batch(number)), exchange(buffer, batch(number))
        )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"capacity": 0}, "capacity must be a whole number of at least 1, got 0"),
        ({"share": 0.0}, "share must be above 0 and at most 1, got 0"),
        ({"share": 1.5}, "share must be above 0 and at most 1, got 1.5"),
    ],
)
def test_wrong_arguments_are_one_sentence(arguments, message):
    with pytest.raises(ValueError, match=message):
        ReplayBuffer(**arguments)


def test_rows_of_an_undefined_shape_are_one_sentence():
    with pytest.raises(ValueError, match="needs rows of a defined shape"):
        ReplayBuffer().build((None, None, 3))
