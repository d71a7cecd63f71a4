import keras
import numpy as np
import pytest
from keras import ops

from amalthea.layers import NormalNoise

from harness import check_layer

ROWS = np.ones((500, 2), "float32")


def drawn(layer, rows=ROWS, **arguments):
    return ops.convert_to_numpy(layer(rows, **arguments))


def test_is_a_layer():
    check_layer(lambda **k: NormalNoise((2, 3, 1), seed=0, **k), (4,), (2, 3, 1))


def test_in_training_each_row_and_each_call_has_its_own_standard_normal_noise():
    layer = NormalNoise((4, 5, 1), seed=0)
    first, second = (drawn(layer, training=True).ravel() for _ in range(2))
    assert first.mean() == pytest.approx(0, abs=0.05)
    assert first.std() == pytest.approx(1, rel=0.05)
    assert len(np.unique(first)) > 0.99 * first.size
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.05


def test_in_inference_it_is_the_same_for_all_rows_and_calls():
    layer = NormalNoise((40, 50, 1), seed=0)
    state = ops.convert_to_numpy(layer.seed_generator.state)
    first, second = drawn(layer, ROWS[:3]), drawn(layer, ROWS[:1])
    np.testing.assert_array_equal(first, np.repeat(second, 3, axis=0))
    assert first.std() == pytest.approx(1, rel=0.1)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer.seed_generator.state), state)
    assert not np.array_equal(first, drawn(NormalNoise((40, 50, 1), seed=1), ROWS[:3]))


def test_without_a_seed_layers_differ_and_clones_do_not():
    one, other = NormalNoise((5, 5, 1)), NormalNoise((5, 5, 1))
    clone = NormalNoise.from_config(one.get_config())
    np.testing.assert_array_equal(drawn(one), drawn(clone))
    assert not np.array_equal(drawn(one), drawn(other))


def test_saved_and_loaded_it_goes_on_with_its_noise(tmp_path):
    layer, rows = NormalNoise((3,), seed=0), keras.Input((2,))
    model = keras.Model(rows, layer(rows))
    model(ROWS, training=True)
    model.save(tmp_path / "model.keras")
    twin = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        *(ops.convert_to_numpy(one(ROWS, training=True)) for one in (model, twin))
    )


def test_a_wrong_shape_is_one_sentence():
    with pytest.raises(ValueError, match=r"shape must be whole numbers of at least 1, got \(0,\)"):
        NormalNoise((0,))
