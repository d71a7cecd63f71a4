import numpy as np
import pytest

from amalthea.errors import UserError
from amalthea.layers import TiedDense
from amalthea.recipes import tied_autoencoder


def kernels(model):
    return [layer.kernel for layer in model.layers if isinstance(layer, TiedDense)]


def test_has_one_kernel_for_each_pair_of_layers():
    model = tied_autoencoder((28, 28, 1), hidden_units=(100,), latent_dim=30)
    assert [tuple(k.shape) for k in kernels(model)] == [(784, 100), (100, 30)]
    assert sum(int(np.prod(v.shape)) for v in model.trainable_variables) == 82_414


def test_the_decoder_is_the_transpose_of_the_encoder_after_training():
    linear = {"activation": "linear", "output_activation": "linear"}
    model = tied_autoencoder((4, 4, 1), hidden_units=(6,), latent_dim=3, seed=0, **linear)
    x = np.random.rand(32, 4, 4, 1).astype("float32")
    model.fit(x, epochs=2, verbose=0)
    layers = [layer for layer in model.layers if isinstance(layer, TiedDense)]
    (w1, b1, c1), (w2, b2, c2) = (layer.get_weights() for layer in layers)
    code = (x.reshape(32, 16) @ w1 + b1) @ w2 + b2
    expected = (code @ w2.T + c2) @ w1.T + c1
    np.testing.assert_allclose(
        model.predict(x, verbose=0).reshape(32, 16), expected, rtol=1e-4, atol=1e-5
    )


def test_the_code_has_the_size_asked_for():
    model = tied_autoencoder((8, 8, 1), hidden_units=(20, 10), latent_dim=5)
    assert model.get_layer("code").output.shape == (None, 5)
    assert [tuple(k.shape) for k in kernels(model)] == [(64, 20), (20, 10), (10, 5)]


@pytest.mark.parametrize("shape", [(5, 7, 3), (1, 1, 1)])
def test_takes_images_of_any_size(shape):
    assert tied_autoencoder(shape, hidden_units=(4,), latent_dim=2).output_shape == (None, *shape)


def test_reconstructions_lie_between_0_and_1():
    outputs = tied_autoencoder((4, 4, 1)).predict(np.random.rand(8, 4, 4, 1), verbose=0)
    assert outputs.min() >= 0
    assert outputs.max() <= 1


def test_cross_entropy_needs_a_sigmoid():
    with pytest.raises(UserError, match="needs output_activation 'sigmoid', got 'linear'"):
        tied_autoencoder(loss="binary_crossentropy", output_activation="linear")
