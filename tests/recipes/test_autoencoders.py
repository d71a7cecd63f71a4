import keras
import numpy as np
import pytest

from amalthea.data import read
from amalthea.errors import UserError
from amalthea.layers import TiedConv2D, TiedDense
from amalthea.metrics import pca_reconstruction_error, reconstruction_error
from amalthea.recipes import (
    autoencoder,
    convolutional_autoencoder,
    denoising_autoencoder,
    recurrent_autoencoder,
    sparse_autoencoder,
    tied_autoencoder,
)

from harness import call_endpoint

IMAGES = np.random.default_rng(0).random((12, 4, 4, 1), dtype="float32")


def arrays(model):
    return [np.asarray(weight) for weight in model.get_weights()]


@pytest.mark.slow
@pytest.mark.jax
@pytest.mark.parametrize(
    "model",
    [
        lambda: convolutional_autoencoder((4, 4, 1), filters=(4, 3), learning_rate=0.01, seed=0),
        lambda: recurrent_autoencoder((4, 4, 1), hidden_units=(), learning_rate=0.01, seed=0),
        lambda: denoising_autoencoder((4, 4, 1), hidden_units=(), latent_dim=20, seed=0),
        lambda: sparse_autoencoder((4, 4, 1), latent_dim=8, learning_rate=0.01, seed=0),
    ],
    ids=["convolutional", "recurrent", "denoising", "sparse"],
)
def test_the_error_falls_in_training(model):
    model = model()
    before = model.evaluate(IMAGES, verbose=0, return_dict=True)["mean_squared_error"]
    model.fit(IMAGES, batch_size=4, epochs=10, verbose=0)
    after = model.evaluate(IMAGES, verbose=0, return_dict=True)["mean_squared_error"]
    assert after < before


# Dense layers


@pytest.mark.slow
@pytest.mark.parametrize("tied", [False, True])
def test_one_linear_layer_reaches_the_error_of_pca(tied):
    digits = read("digits", "train")
    images = digits.as_float()
    model = autoencoder((8, 8, 1), latent_dim=8, tied=tied, output_activation="linear", seed=0)
    for rate, epochs in ((2e-2, 150), (5e-3, 50), (1e-3, 50)):
        model.optimizer.learning_rate = rate
        model.fit(digits.batches(128), epochs=epochs, shuffle=False, verbose=0)
    error = reconstruction_error(images, model.predict(images, verbose=0))
    pca = pca_reconstruction_error(images, images, 8)
    assert pca * (1 - 1e-6) <= error <= pca * 1.01


def test_tied_it_is_the_tied_autoencoder():
    given = {"hidden_units": (6,), "latent_dim": 3, "seed": 4}
    one, other = autoencoder((4, 4, 1), tied=True, **given), tied_autoencoder((4, 4, 1), **given)
    assert other.origin.recipe == "tied_autoencoder"
    for a, b in zip(arrays(one), arrays(other), strict=True):
        np.testing.assert_array_equal(a, b)
    assert sum(isinstance(layer, TiedDense) for layer in one.layers) == 2


def test_untied_it_has_kernels_of_its_own_both_ways():
    model = autoencoder((4, 4, 1), hidden_units=(6,), latent_dim=3)
    shapes = [tuple(w.shape) for w in model.trainable_variables if len(w.shape) == 2]
    assert shapes == [(16, 6), (6, 3), (3, 6), (6, 16)]


def test_a_code_may_be_larger_than_the_image():
    model = autoencoder((4, 4, 1), latent_dim=40)
    assert call_endpoint(model, "encode", images=IMAGES)["codes"].shape == (12, 40)


def test_decoding_a_code_is_the_reconstruction_and_its_error_the_score():
    model = autoencoder((4, 4, 1), hidden_units=(6,), latent_dim=3)
    codes = call_endpoint(model, "encode", images=IMAGES)["codes"]
    outputs = model.predict(IMAGES, verbose=0)
    decoded = call_endpoint(model, "decode", codes=codes)["reconstructions"]
    np.testing.assert_allclose(decoded, outputs, rtol=1e-5, atol=1e-6)
    scores = call_endpoint(model, "score", images=IMAGES)["scores"]
    np.testing.assert_allclose(scores, np.square(IMAGES - outputs).sum((1, 2, 3)), rtol=1e-5)


def test_cross_entropy_needs_a_sigmoid():
    with pytest.raises(UserError, match=r"^autoencoder: loss .* needs output_activation 'sigmoid'"):
        autoencoder(loss="binary_crossentropy", output_activation="linear")


# Convolutions


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("shape", [(7, 5, 1), (8, 8, 3), (1, 1, 2), (28, 27, 1)])
def test_any_size_comes_out_as_it_went_in(shape, tied):
    model = convolutional_autoencoder(shape, filters=(4, 3, 2), tied=tied)
    assert model.output_shape == (None, *shape)
    sides = [-(-side // 8) for side in shape[:2]]
    assert model.get_layer("code").output.shape == (None, *sides, 2)


def test_tied_the_decoder_has_the_encoders_kernels():
    model = convolutional_autoencoder((8, 8, 1), filters=(4, 3), tied=True)
    model.fit(np.random.rand(8, 8, 8, 1), verbose=0)
    kernels = [w for w in model.trainable_variables if len(w.shape) == 4]
    assert len(kernels) == sum(isinstance(layer, TiedConv2D) for layer in model.layers) == 2


# Sequences


def test_nothing_of_the_input_reaches_the_output_but_through_the_code():
    model = recurrent_autoencoder((4, 3, 1), hidden_units=(5,), latent_dim=3)
    images = np.random.rand(6, 4, 3, 1).astype("float32")
    codes = call_endpoint(model, "encode", images=images)["codes"]
    outputs = call_endpoint(model, "decode", codes=codes, n=4)["reconstructions"]
    np.testing.assert_allclose(outputs, model.predict(images, verbose=0), rtol=1e-5, atol=1e-6)
    # So with a code of zeros, all that is left is the same for all images.
    head = keras.Model(model.inputs, model.get_layer("code").output * 0)
    nothing = call_endpoint(model, "decode", codes=head.predict(images, verbose=0), n=4)
    assert np.ptp(nothing["reconstructions"], axis=0).max() == 0
    assert np.ptp(outputs, axis=0).max() > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "cell",
    [
        "lstm",
        pytest.param("gru", marks=pytest.mark.slow),
        pytest.param("simple", marks=pytest.mark.slow),
    ],
)
def test_padding_changes_neither_code_nor_rows_nor_loss(cell):
    model = recurrent_autoencoder((None, 3, 2), hidden_units=(4,), latent_dim=3, cell=cell, seed=0)
    sequences = np.random.rand(5, 4, 3, 2).astype("float32")
    padded = np.concatenate([sequences, np.full((5, 3, 3, 2), -1, "float32")], axis=1)
    one, other = (
        [
            call_endpoint(model, "encode", images=given)["codes"],
            model.predict(given, verbose=0)[:, :4],
            call_endpoint(model, "score", images=given)["scores"],
            model.evaluate(given, verbose=0),
        ]
        for given in (sequences, padded)
    )
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(0, 3, 1), (4, None, 1), (4, 3), "rows"])
def test_what_is_no_sequence_is_refused(shape):
    with pytest.raises(UserError, match=r"image_shape must be .*height"):
        recurrent_autoencoder(shape)


# Noise


def test_the_target_is_the_clean_image():
    given = {"hidden_units": (), "latent_dim": 20, "noise_level": 0.5, "seed": 0}
    model = denoising_autoencoder((4, 4, 1), loss="mean_squared_error", **given)
    twin = denoising_autoencoder((4, 4, 1), loss="mean_squared_error", **given)
    noisy = twin.get_layer("noise")(IMAGES.reshape(12, 16), training=True)
    assert (np.asarray(noisy) == 0).mean() > 0.3
    outputs = twin.predict(np.asarray(noisy).reshape(IMAGES.shape), verbose=0)
    loss = model.train_on_batch(IMAGES, return_dict=True)["loss"]
    assert loss == pytest.approx(np.square(outputs - IMAGES).mean(), rel=1e-4)


@pytest.mark.parametrize("noise", ["masking", "gaussian"])
def test_there_is_no_noise_but_in_training(noise):
    model = denoising_autoencoder((4, 4, 1), hidden_units=(), latent_dim=20, noise=noise)
    first, again = (model.predict(IMAGES, verbose=0) for _ in range(2))
    np.testing.assert_array_equal(first, again)


@pytest.mark.exhaustive
def test_it_cleans_images_better_than_one_that_saw_no_noise():
    x, x_test = (read("digits", split).as_float() for split in ("train", "test"))
    kept = np.random.default_rng(0).random(x_test.shape) > 0.3
    errors = []
    for level in (0.3, 0.0):
        given = {"hidden_units": (), "latent_dim": 100, "noise_level": level, "seed": 0}
        model = denoising_autoencoder((8, 8, 1), learning_rate=5e-3, **given)
        model.fit(x, batch_size=32, epochs=60, verbose=0)
        errors.append(reconstruction_error(x_test, model.predict(x_test * kept, verbose=0)))
    assert errors[0] < errors[1] / 2
    assert errors[0] < reconstruction_error(x_test, x_test * kept) / 2


# Sparsity


@pytest.mark.slow
def test_mean_activities_come_to_the_target():
    x = read("digits", "train").as_float()
    given = {"target": 0.05, "sparsity_weight": 20.0, "learning_rate": 3e-3, "seed": 0}
    model = sparse_autoencoder((8, 8, 1), latent_dim=25, **given)
    model.fit(x, batch_size=32, epochs=40, verbose=0)
    means = call_endpoint(model, "encode", images=x)["codes"].mean(axis=0)
    np.testing.assert_allclose(means, 0.05, atol=0.02)


def test_only_the_largest_activities_are_let_through():
    model = sparse_autoencoder((4, 4, 1), latent_dim=20, penalty="k_sparse", target=0.15)
    codes = call_endpoint(model, "encode", images=IMAGES)["codes"]
    assert ((codes != 0).sum(axis=1) == 3).all()


@pytest.mark.slow
def test_a_charge_for_activity_makes_most_of_them_0():
    x = read("digits", "train").as_float()

    def silent(weight):
        given = {"penalty": "l1", "sparsity_weight": weight, "learning_rate": 0.01, "seed": 0}
        model = sparse_autoencoder((8, 8, 1), latent_dim=64, **given)
        model.fit(x, batch_size=32, epochs=20, verbose=0)
        return (call_endpoint(model, "encode", images=x)["codes"] == 0).mean()

    assert silent(0.3) > silent(0.01) + 0.1


def test_the_loss_is_the_papers():
    given = {"target": 0.2, "sparsity_weight": 2.0, "weight_decay": 0.1, "seed": 0}
    model = sparse_autoencoder((4, 4, 1), latent_dim=5, **given)
    outputs = model.predict(IMAGES, verbose=0)
    means = call_endpoint(model, "encode", images=IMAGES)["codes"].mean(axis=0)
    kl = 0.2 * np.log(0.2 / means) + 0.8 * np.log(0.8 / (1 - means))
    decay = sum(np.square(w).sum() for w in model.get_weights() if np.ndim(w) == 2)
    expected = np.square(outputs - IMAGES).sum((1, 2, 3)).mean() / 2 + 2 * kl.sum() + 0.05 * decay
    assert model.evaluate(IMAGES, verbose=0)[0] == pytest.approx(expected, rel=1e-4)
