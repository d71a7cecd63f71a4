import keras
import numpy as np
import pytest
from keras import ops

from amalthea.layers import RBM, TiedConv2D, TiedDense

from harness import check_gradients, check_layer, gradients, one_sentence


def both_ways(layer, inputs):
    return layer(layer(inputs), reverse=True)


def test_is_a_layer_in_both_directions():
    def make(**kwargs):
        return TiedDense(3, activation="tanh", reverse_activation="sigmoid", **kwargs)

    check_layer(make, (5,), (5,), trainable=3, call=both_ways)


def test_is_a_layer_forward():
    check_layer(lambda **k: TiedDense(3, use_bias=False, **k), (4, 5), (4, 3), trainable=1)


def test_reverse_multiplies_by_the_transpose():
    layer = TiedDense(2)
    x = np.random.rand(4, 3).astype("float32")
    layer(x)
    kernel, bias, reverse_bias = (np.random.rand(*w.shape) for w in layer.weights)
    layer.set_weights([kernel, bias, reverse_bias])
    np.testing.assert_allclose(layer(x), x @ kernel + bias, rtol=1e-5)
    h = np.random.rand(4, 2).astype("float32")
    np.testing.assert_allclose(layer(h, reverse=True), h @ kernel.T + reverse_bias, rtol=1e-5)


def test_gradients_equal_finite_differences(float64):
    layer = TiedDense(3, activation="tanh", reverse_activation="sigmoid")
    x = np.random.rand(4, 5)
    both_ways(layer, x)
    check_gradients(lambda: ops.sum(ops.square(both_ways(layer, x) - x)), layer.trainable_variables)


def test_the_kernels_gradient_is_the_sum_of_both_uses(float64):
    layer = TiedDense(3, use_bias=False)
    x = np.random.rand(4, 5)
    layer(x)
    encoder, decoder = (TiedDense(3, use_bias=False) for _ in range(2))
    for untied in (encoder, decoder):
        untied(x)
        untied.set_weights(layer.get_weights())

    (tied,) = gradients(
        lambda: ops.sum(ops.square(both_ways(layer, x) - x)), layer.trainable_variables
    )
    parts = gradients(
        lambda: ops.sum(ops.square(decoder(encoder(x), reverse=True) - x)),
        [encoder.kernel, decoder.kernel],
    )
    assert all(np.abs(part).max() > 1e-3 for part in parts)
    np.testing.assert_allclose(tied, parts[0] + parts[1], rtol=1e-10)


@pytest.mark.parametrize("copied_by", ["clone", "file"])
def test_stays_tied_in_a_copy_after_a_step(copied_by, tmp_path):
    inputs = keras.Input((5,))
    model = keras.Model(inputs, both_ways(TiedDense(2), inputs))
    if copied_by == "clone":
        copy = keras.models.clone_model(model)
    else:
        model.save(tmp_path / "model.keras")
        copy = keras.models.load_model(tmp_path / "model.keras")
    copy.compile("sgd", "mean_squared_error")
    x = np.random.rand(8, 5).astype("float32")
    copy.fit(x, x, verbose=0)
    (layer,) = (layer for layer in copy.layers if isinstance(layer, TiedDense))
    assert [tuple(w.shape) for w in copy.weights] == [(5, 2), (2,), (5,)]
    kernel, bias, reverse_bias = layer.get_weights()
    np.testing.assert_allclose(
        copy.predict(x, verbose=0), (x @ kernel + bias) @ kernel.T + reverse_bias, rtol=1e-4
    )


def test_a_regularizer_counts_once():
    layer = TiedDense(2, kernel_regularizer=keras.regularizers.L2(0.5))
    both_ways(layer, np.ones((1, 3), "float32"))
    (loss,) = layer.losses
    np.testing.assert_allclose(loss, 0.5 * np.sum(np.square(layer.kernel)), rtol=1e-6)


@pytest.mark.parametrize("units", [0, -3, 2.5, "4"])
def test_wrong_units_are_named(units):
    with pytest.raises(ValueError, match="units") as error:
        TiedDense(units)
    assert repr(units) in one_sentence(error)


@pytest.mark.parametrize("layer", [TiedDense(2), RBM(2)])
@pytest.mark.parametrize("code", [np.ones((1, 3), "float32"), keras.Input((3,))])
def test_a_code_of_the_wrong_size_is_named(layer, code):
    layer(np.ones((1, 3), "float32"))
    with pytest.raises(ValueError, match="2 features in reverse"):
        layer(code, reverse=True)


def test_the_convolution_is_a_layer_in_both_directions():
    def make(**kwargs):
        return TiedConv2D(3, 3, "tanh", "sigmoid", **kwargs)

    check_layer(make, (5, 4, 2), (5, 4, 2), trainable=3, call=both_ways)


@pytest.mark.parametrize("kernel_size", [1, 2, 3, 5])
def test_in_reverse_it_is_the_transpose_of_the_convolution(kernel_size):
    layer = TiedConv2D(3, kernel_size, use_bias=False)
    random = np.random.default_rng(0)
    x = random.normal(size=(2, 5, 4, 2)).astype("float32")
    h = random.normal(size=(2, 5, 4, 3)).astype("float32")
    forward, back = (ops.convert_to_numpy(v) for v in (layer(x), layer(h, reverse=True)))
    # ⟨Wx, h⟩ = ⟨x, Wᵀh⟩
    assert np.vdot(forward, h) == pytest.approx(np.vdot(x, back), rel=1e-4)


def test_the_convolution_is_keras_own():
    layer, plain = (
        TiedConv2D(3, 3, "relu"),
        keras.layers.Conv2D(3, 3, padding="same", activation="relu"),
    )
    x = np.random.rand(2, 5, 4, 2).astype("float32")
    layer(x), plain(x)
    plain.set_weights([layer.kernel, layer.bias])
    np.testing.assert_allclose(layer(x), plain(x), rtol=1e-5, atol=1e-6)


def test_gradients_of_the_convolution_equal_finite_differences(float64):
    layer = TiedConv2D(2, 2, activation="tanh", reverse_activation="sigmoid")
    x = np.random.rand(2, 3, 3, 1)
    both_ways(layer, x)
    check_gradients(lambda: ops.sum(ops.square(both_ways(layer, x) - x)), layer.trainable_variables)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TiedConv2D(0, 3), "filters must be a whole number of at least 1, got 0"),
        (lambda: TiedConv2D(3, 0), "kernel_size must be a whole number of at least 1, got 0"),
        (
            lambda: TiedConv2D(3, 3).build((None, 4, 4, None)),
            "needs a defined last axis",
        ),
    ],
)
def test_what_the_convolution_cannot_be_is_named(make, message):
    with pytest.raises(ValueError, match=message) as error:
        make()
    one_sentence(error)
