"""Layers that read images in raster order: what they may see, and that steps give what calls do."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import expit

from amalthea import layers
from amalthea.layers.raster import channel_mask

from harness import check_layer

SHAPE = HEIGHT, WIDTH, _ = (4, 5, 3)
# Each kind, with mask A (no pixel sees itself) where there is one; three channels where it counts.
STRICT = {
    "MaskedConv2D": lambda **k: layers.MaskedConv2D(6, 5, mask_center=True, **k),
    "HorizontalConv2D": lambda **k: layers.HorizontalConv2D(6, 5, mask_center=True, **k),
}
OTHERS = {
    "MaskedConv2D": lambda **k: layers.MaskedConv2D(6, 3, **k),
    "HorizontalConv2D": lambda **k: layers.HorizontalConv2D(6, 3, **k),
    "RowLSTM": lambda **k: layers.RowLSTM(6, **k),
    "DiagonalBiLSTM": lambda **k: layers.DiagonalBiLSTM(6, **k),
}
STEPPING = [
    pytest.param(make, channels, id=f"{name}-{kind}-{channels}")
    for kind, makers in (("A", STRICT), ("B", OTHERS))
    for name, make in makers.items()
    for channels in (1, 3)
]


def images(seed=0, shape=SHAPE):
    return np.random.default_rng(seed).normal(size=(2, *shape)).astype("float32")


def built(layer):
    """A layer whose weights are all of a size, biases too."""
    layer.build((None, *SHAPE))
    random = np.random.default_rng(1)
    for weight in layer.weights:
        weight.assign(random.normal(size=weight.shape, scale=0.4))
    return layer


def seen(layer):
    """Whether an output depends on an input, of all pixels and features: `(outputs, inputs)`."""
    size = np.prod(SHAPE)
    given = np.repeat(images()[:1], size, axis=0)
    changed = given + np.eye(size, dtype="float32").reshape(given.shape)
    before, after = (ops.convert_to_numpy(layer(x)) for x in (given, changed))
    return np.abs(after - before).reshape(size, -1).T > 1e-6


def order(features, channels):
    """The place in the order of values of each output or input: pixels, and their channels."""
    pixels = np.arange(HEIGHT * WIDTH)[:, None] * channels
    return (pixels + np.arange(features)[None] % channels).ravel()


@pytest.mark.parametrize(("make", "channels"), STEPPING)
def test_no_output_sees_a_later_value(make, channels):
    layer = built(make(channels=channels))
    strict = getattr(layer, "mask_center", False)
    found = seen(layer)
    outputs, inputs = order(6, channels)[:, None], order(3, channels)[None]
    allowed = inputs < outputs if strict else inputs <= outputs
    assert not found[~np.broadcast_to(allowed, found.shape)].any()
    assert found[-6:].any(axis=1).all()  # and all of the last pixel see something


def test_the_diagonals_see_all_earlier_pixels_and_rows_a_triangle():
    diagonal, row = (
        built(make(channels=1)) for make in (OTHERS["DiagonalBiLSTM"], OTHERS["RowLSTM"])
    )
    pixels = np.arange(HEIGHT * WIDTH)
    of_pixels = {
        layer: seen(layer).reshape(len(pixels), 6, len(pixels), 3).any(axis=(1, 3))
        for layer in (diagonal, row)
    }
    np.testing.assert_array_equal(of_pixels[diagonal], pixels[None] <= pixels[:, None])
    rows, columns = np.divmod(pixels, WIDTH)
    above, beside = (x[:, None] - x[None] for x in (rows, columns))
    # One pixel to the left in each row, and from row to row one to either side.
    triangle = (above >= 0) & (-above <= beside) & (beside <= above + 1)
    np.testing.assert_array_equal(of_pixels[row], triangle)


@pytest.mark.parametrize(("make", "channels"), STEPPING)
def test_steps_give_what_a_call_gives(make, channels):
    layer, given = built(make(channels=channels)), ops.convert_to_tensor(images())
    rows, found = layer.start(2, WIDTH), []
    for i in range(HEIGHT):
        weights, above, state = layer.enter(rows)
        states = []
        for j in range(WIDTH):
            at_column = keras.tree.map_structure(lambda x, j=j: x[j], above)
            made, state = layer.step(given[:, i, j], state, at_column, weights)
            found.append(ops.convert_to_numpy(made))
            states.append(state)
        rows = layer.leave(rows, keras.tree.map_structure(lambda *x: ops.stack(x), *states))
    found = np.stack(found, axis=1).reshape(2, HEIGHT, WIDTH, -1)
    np.testing.assert_allclose(found, ops.convert_to_numpy(layer(given)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("strict", [True, False])
def test_rows_of_the_vertical_stack_give_what_a_call_gives(strict):
    layer = built(layers.VerticalConv2D(4, 5, strict=strict))
    given = ops.convert_to_tensor(images())
    rows, found = layer.start(2, WIDTH), []
    for i in range(HEIGHT):
        row = ops.transpose(given[:, i], (1, 0, 2))
        found.append(ops.convert_to_numpy(layer.row(rows, None if strict else row)))
        rows = layer.leave(rows, row)
    whole = ops.convert_to_numpy(layer(given))
    found = np.stack(found).transpose(2, 0, 1, 3)
    np.testing.assert_allclose(found, whole, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("strict", [True, False])
def test_the_vertical_stack_sees_whole_rows_and_none_below(strict):
    found = seen(built(layers.VerticalConv2D(4, 9, strict=strict)))
    found = found.reshape(HEIGHT, WIDTH, 4, HEIGHT, WIDTH, 3).any(axis=(2, 5))
    rows = np.arange(HEIGHT)
    earlier = rows[None] < rows[:, None] if strict else rows[None] <= rows[:, None]
    expected = np.broadcast_to(earlier[:, None, :, None], found.shape)
    np.testing.assert_array_equal(found, expected)


# Against independent formulas


@pytest.mark.parametrize(("center", "left"), [(True, 12), (False, 13)])
def test_a_mask_leaves_half_of_a_kernel_and_the_result_is_a_convolution_by_it(center, left):
    layer = built(layers.MaskedConv2D(1, 5, mask_center=center))
    kernel = ops.convert_to_numpy(layer.kernel).copy().reshape(25, 3, 1)
    kernel[left:] = 0  # mask A keeps (25 - 1) / 2 of 25, mask B one more
    whole = keras.layers.Conv2D(1, 5, padding="same", data_format="channels_last")
    whole.build((None, *SHAPE))
    whole.set_weights([kernel.reshape(5, 5, 3, 1), layer.bias])
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer(images())),
        ops.convert_to_numpy(whole(images())),
        rtol=1e-5,
        atol=1e-6,
    )


def lstm(gates, cells):
    entry, forget, candidate, output = np.split(gates, 4, axis=-1)
    cells = expit(forget) * cells + expit(entry) * np.tanh(candidate)
    return expit(output) * np.tanh(cells), cells


def test_a_row_lstm_is_a_loop_over_rows_and_columns():
    layer, x = built(layers.RowLSTM(2)), images()[0].astype("float64")
    along, bias = (ops.convert_to_numpy(w) for w in layer.along.weights)
    above = ops.convert_to_numpy(layer.recurrent_kernel)
    outputs, cells = np.zeros((2, HEIGHT + 1, WIDTH + 2, 2))
    for i in range(HEIGHT):
        for j in range(WIDTH):
            gates = bias + x[i, j] @ along[1] + (x[i, j - 1] @ along[0] if j else 0)
            gates = gates + sum(outputs[i, j + tap] @ above[tap] for tap in range(3))
            outputs[i + 1, j + 1], cells[i + 1, j + 1] = lstm(gates, cells[i, j + 1])
    found = ops.convert_to_numpy(layer(images()))[0]
    np.testing.assert_allclose(found, outputs[1:, 1:-1], rtol=1e-5, atol=1e-6)


def test_a_diagonal_lstm_is_two_loops_over_pixels():
    layer, x = built(layers.DiagonalBiLSTM(2)), images()[0].astype("float64")
    expected = np.zeros((HEIGHT, WIDTH, 2))
    for side in (0, 1):
        kernel, (above, beside), bias = (
            ops.convert_to_numpy(weights[side])
            for weights in (layer.kernel, layer.recurrent_kernel, layer.bias)
        )
        outputs, cells = np.zeros((2, HEIGHT + 1, WIDTH + 1, 2))
        given = x[:, ::-1] if side else x
        for i in range(HEIGHT):
            for j in range(WIDTH):
                gates = given[i, j] @ kernel + bias
                gates = gates + outputs[i, j + 1] @ above + outputs[i + 1, j] @ beside
                outputs[i + 1, j + 1], cells[i + 1, j + 1] = lstm(gates, cells[i + 1, j])
        # From the right, a pixel gets what the one above it has seen.
        expected += outputs[:-1, :0:-1] if side else outputs[1:, 1:]
    found = ops.convert_to_numpy(layer(images()))[0]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_gates_are_tangents_times_sigmoids():
    x = images(shape=(2, 2, 6))
    expected = np.tanh(x[..., :3]) * expit(x[..., 3:])
    found = ops.convert_to_numpy(layers.GatedActivation()(x))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_channels_take_turns_anew_in_each_gate():
    mask = channel_mask(3, 8, 3, strict=False, gates=2)
    turns = np.array([0, 1, 2, 0] * 2)
    np.testing.assert_array_equal(mask, np.arange(3)[:, None] <= turns[None])


# What is true of every layer of ours


@pytest.mark.parametrize(
    ("name", "shape", "weights"),
    [
        ("MaskedConv2D", (4, 5, 6), 2),
        ("HorizontalConv2D", (4, 5, 6), 2),
        ("RowLSTM", (4, 5, 6), 3),
        ("DiagonalBiLSTM", (4, 5, 6), 6),
    ],
)
def test_layers_with_steps_are_layers_of_ours(name, shape, weights):
    check_layer(OTHERS[name], SHAPE, shape, trainable=weights)


def test_the_others_are_layers_of_ours():
    check_layer(lambda **k: layers.VerticalConv2D(4, **k), SHAPE, (4, 5, 4), trainable=2)
    check_layer(lambda **k: layers.MaskedDense(6, 3, **k), SHAPE, (4, 5, 6), trainable=2)
    check_layer(layers.GatedActivation, (4, 5, 6), SHAPE)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: layers.MaskedConv2D(4, 2), "must be a whole number of at least 3, got 2"),
        (lambda: layers.MaskedConv2D(4, 4), "kernel_size must be odd, got 4"),
        (lambda: layers.HorizontalConv2D(5, 3, gates=4), "must be 4 equal parts, got 5"),
        (lambda: layers.GatedActivation()(images()), "an even number of features"),
    ],
)
def test_what_cannot_be_is_said(make, says):
    with pytest.raises(ValueError, match=says):
        make()
