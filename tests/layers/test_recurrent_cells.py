import keras
import numpy as np
import pytest
from keras import ops

from amalthea.layers import PeepholeLSTMCell, SimplifiedGRUCell, TwoBiasLSTMCell

RANDOM = np.random.default_rng(0)
SERIES = RANDOM.standard_normal((3, 7, 5)).astype("float32")
CELLS = {"simplified_gru": SimplifiedGRUCell, "peephole_lstm": PeepholeLSTMCell}


def randomised(cell, features=5):
    cell.build((None, features))
    for weight in cell.weights:
        weight.assign(0.5 * RANDOM.standard_normal(weight.shape))
    return cell


def run(cell, series=SERIES, **arguments):
    return ops.convert_to_numpy(keras.layers.RNN(cell, return_sequences=True, **arguments)(series))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_a_step_of_the_simplified_gru_is_its_equations():
    cell = randomised(SimplifiedGRUCell(4))
    kernel, recurrent, bias = (w.astype("float64") for w in cell.get_weights())
    h, expected = np.zeros((3, 4)), []
    for x in SERIES.astype("float64").swapaxes(0, 1):
        z = sigmoid(x @ kernel[:, :4] + h @ recurrent[:, :4] + bias[:4])
        c = np.tanh(x @ kernel[:, 4:] + h @ recurrent[:, 4:] + bias[4:])
        h = z * c + (1 - z) * h
        expected.append(h)
    np.testing.assert_allclose(run(cell), np.stack(expected, axis=1), rtol=1e-5, atol=1e-6)


def test_a_step_of_the_lstm_with_peepholes_is_its_equations():
    cell = randomised(PeepholeLSTMCell(4))
    kernel, recurrent, bias, peepholes = (w.astype("float64") for w in cell.get_weights())
    h, c, expected = np.zeros((3, 4)), np.zeros((3, 4)), []
    for x in SERIES.astype("float64").swapaxes(0, 1):
        i, f, new, o = np.split(x @ kernel + h @ recurrent + bias, 4, axis=1)
        i, f = sigmoid(i + peepholes[0] * c), sigmoid(f + peepholes[1] * c)
        c = f * c + i * np.tanh(new)
        h = sigmoid(o + peepholes[2] * c) * np.tanh(c)
        expected.append(h)
    np.testing.assert_allclose(run(cell), np.stack(expected, axis=1), rtol=1e-5, atol=1e-6)


def test_without_weights_of_its_peepholes_it_is_keras_lstm_to_the_bit():
    cell, theirs = randomised(PeepholeLSTMCell(4)), keras.layers.LSTMCell(4)
    theirs.build((None, 5))
    theirs.set_weights(cell.get_weights()[:3])
    cell.peepholes.assign(np.zeros((3, 4)))
    np.testing.assert_array_equal(run(cell), run(theirs))


def test_the_simplified_gru_keeps_its_state_where_the_gate_is_closed():
    cell = randomised(SimplifiedGRUCell(4))
    cell.bias.assign(np.r_[np.full(4, -50.0), np.zeros(4)])
    state = RANDOM.standard_normal((3, 4)).astype("float32")
    after = keras.layers.RNN(cell)(SERIES, initial_state=[ops.convert_to_tensor(state)])
    np.testing.assert_allclose(ops.convert_to_numpy(after), state, rtol=1e-5)


@pytest.mark.parametrize(("name", "count"), [("simplified_gru", 40_192), ("peephole_lstm", 80_768)])
def test_published_counts_of_28_to_128(name, count):
    cell = CELLS[name](128)
    cell.build((None, 28))
    assert cell.count_params() == count


@pytest.mark.parametrize("name", CELLS)
def test_a_net_of_a_cell_is_saved_cloned_and_runs_both_ways_with_a_mask(name, tmp_path):
    inputs = keras.Input((None, 5))
    x = keras.layers.Masking(-9.0)(inputs)
    x = keras.layers.Bidirectional(keras.layers.RNN(CELLS[name](4)))(x)
    model = keras.Model(inputs, x)
    padded = np.concatenate([SERIES, np.full((3, 2, 5), -9.0, "float32")], axis=1)
    expected = model.predict(SERIES, verbose=0)
    np.testing.assert_allclose(model.predict(padded, verbose=0), expected, rtol=1e-5, atol=1e-6)
    model.save(tmp_path / "a.keras")
    loaded = keras.models.load_model(tmp_path / "a.keras")
    np.testing.assert_array_equal(loaded.predict(SERIES, verbose=0), expected)
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone.predict(SERIES, verbose=0), expected)


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_computes_in_the_lower_precision_that_it_is_asked_for(name):
    cell = CELLS[name](4, dtype="mixed_bfloat16")
    outputs = keras.layers.RNN(cell, dtype="mixed_bfloat16")(SERIES)
    assert keras.backend.standardize_dtype(outputs.dtype) == "bfloat16"
    assert all(weight.dtype == "float32" for weight in cell.weights)


def test_two_biases_add_up_to_that_of_keras_lstm():
    cell, theirs = randomised(TwoBiasLSTMCell(4)), keras.layers.LSTMCell(4)
    kernel, recurrent, first, second = cell.get_weights()
    theirs.build((None, 5))
    theirs.set_weights([kernel, recurrent, first + second])
    np.testing.assert_allclose(run(cell), run(theirs), rtol=1e-5, atol=1e-6)


def test_what_is_no_cell_is_refused():
    with pytest.raises(ValueError, match="units must be a whole number of at least 1, got 0"):
        SimplifiedGRUCell(0)
    with pytest.raises(ValueError, match="no dropout of its own"):
        PeepholeLSTMCell(4, recurrent_dropout=0.1)
    with pytest.raises(ValueError, match="no dropout of its own"):
        TwoBiasLSTMCell(4, dropout=0.1)
    with pytest.raises(ValueError, match="has two biases, got use_bias=False"):
        TwoBiasLSTMCell(4, use_bias=False)
