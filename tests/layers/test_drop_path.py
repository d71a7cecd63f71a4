import keras
import numpy as np
import pytest
from keras import ops

from amalthea.layers import DropPathJoin, GlobalPath

from harness import check_layer

COLUMNS = [np.full((1, 1), 4.0**k, "float32") for k in range(3)]
ALL = np.ones(3, "float32")


def joined(layer, allowed=ALL, training=True):
    columns = [COLUMNS[column] for column in layer.columns]
    return float(ops.convert_to_numpy(layer([*columns, allowed], training=training))[0, 0])


def mean_of(columns):
    return np.mean([COLUMNS[column] for column in columns])


def test_are_layers():
    check_layer(lambda **k: GlobalPath(3, seed=0, **k), (4,), (), call=path_beside)
    check_layer(lambda **k: DropPathJoin((0, 1), seed=0, **k), (4,), (4,), call=join_of_two)


def path_beside(layer, inputs):
    """One number of the path, beside the batch."""
    path = layer(inputs)
    return ops.mean(ops.cast(inputs, path.dtype), axis=-1) * 0 + path[0]


def join_of_two(layer, inputs):
    return layer([inputs, 2 * inputs, ops.ones((2,), inputs.dtype)])


def test_in_inference_a_join_is_the_mean():
    assert joined(DropPathJoin((0, 1, 2)), training=False) == mean_of((0, 1, 2))
    assert joined(DropPathJoin((0, 2)), training=False) == mean_of((0, 2))
    np.testing.assert_array_equal(ops.convert_to_numpy(GlobalPath(3)(COLUMNS[0])), ALL)


@pytest.mark.parametrize("rate", [0.0, 0.15, 0.9])
def test_a_join_keeps_one_column_at_the_least_and_loses_each_as_often_as_said(rate):
    layer = DropPathJoin((0, 1, 2), rate, seed=0)
    subsets = [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)]
    values = {float(mean_of(subset)): subset for subset in subsets}
    found = [values[joined(layer)] for _ in range(250)]
    kept = np.mean([len(subset) for subset in found])
    # All three are lost with probability rate³, and one is kept then.
    assert kept == pytest.approx(3 * (1 - rate) + rate**3, abs=0.2)
    for column in range(3):
        share = np.mean([column in subset for subset in found])
        assert share == pytest.approx(kept / 3, abs=0.12)


def test_where_one_column_alone_is_in_use_it_is_what_comes_out():
    layer = DropPathJoin((0, 2), 0.9, seed=0)
    for column in (0, 2):
        alone = np.eye(3, dtype="float32")[column]
        assert {joined(layer, alone) for _ in range(20)} == {float(mean_of((column,)))}


def test_half_of_the_batches_have_one_column_alone():
    layer = GlobalPath(3, seed=0)
    drawn = np.stack([ops.convert_to_numpy(layer(COLUMNS[0], training=True)) for _ in range(300)])
    alone = drawn.sum(1) == 1
    assert set(drawn.sum(1)) == {1, 3}
    assert alone.mean() == pytest.approx(0.5, abs=0.1)
    np.testing.assert_allclose(drawn[alone].mean(0), 1 / 3, atol=0.15)


def test_saved_and_loaded_they_go_on_with_what_they_draw(tmp_path):
    inputs = keras.Input((1,))
    path = GlobalPath(2, seed=0)(inputs)
    model = keras.Model(inputs, DropPathJoin((0, 1), 0.5, seed=1)([inputs, 2 * inputs, path]))
    model(COLUMNS[0], training=True)
    model.save(tmp_path / "model.keras")
    twin = keras.saving.load_model(tmp_path / "model.keras")
    draws = [
        [float(ops.convert_to_numpy(each(COLUMNS[0], training=True))[0, 0]) for _ in range(20)]
        for each in (model, twin)
    ]
    assert draws[0] == draws[1]
    assert len(set(draws[0])) == 3


def test_wrong_arguments_are_one_sentence():
    with pytest.raises(ValueError, match="rate must be from 0 to below 1, got 1"):
        DropPathJoin((0, 1), 1)
    with pytest.raises(ValueError, match=r"columns must be .*, got 0"):
        GlobalPath(0)
