import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import expit
from scipy.stats import logistic, norm

from amalthea.data import read
from amalthea.errors import UserError
from amalthea.layers import FoldConv2DTranspose
from amalthea.layers.seed_stream import SeedStream
from amalthea.metrics import importance_weighted_bound
from amalthea.recipes import conditional_variational_autoencoder, variational_autoencoder
from amalthea.recipes.autoencoders.likelihoods import LEVELS, LIKELIHOODS
from amalthea.recipes.autoencoders.variational_model import VariationalModel

from harness import call_endpoint, gradients, one_sentence

IMAGES = np.random.default_rng(0).random((6, 4, 4, 1), dtype="float32")
LABELS = np.arange(6) % 3


def small(**arguments):
    given = {"hidden_units": (5,), "latent_dim": 2, "seed": 0}
    return variational_autoencoder((4, 4, 1), **given | arguments)


def conditional(**arguments):
    given = {"hidden_units": (5,), "latent_dim": 2, "seed": 0}
    return conditional_variational_autoencoder((4, 4, 1), 3, **given | arguments)


def logged(model, *data):
    return model.evaluate(*data, verbose=0, return_dict=True)


# Likelihoods


def test_bernoulli_probabilities_are_cross_entropies():
    outputs = np.linspace(-4, 4, 9, dtype="float32")
    for pixel in (0.0, 0.3, 1.0):
        mean = expit(outputs)
        expected = pixel * np.log(mean) + (1 - pixel) * np.log(1 - mean)
        found = LIKELIHOODS["bernoulli"].log_probability(
            pixel, ops.convert_to_tensor(outputs), None
        )
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_gaussian_densities_are_those_of_a_normal_distribution():
    outputs, pixels = np.float32([-2, 0, 1]), np.float32([0.1, 0.5, 1])
    found = LIKELIHOODS["gaussian"].log_probability(pixels, ops.convert_to_tensor(outputs), -1.5)
    np.testing.assert_allclose(found, norm.logpdf(pixels, expit(outputs), np.exp(-1.5)), rtol=1e-4)


@pytest.mark.parametrize("output", [-6.0, 0.0, 0.4, 6.0])
def test_discretized_probabilities_of_all_levels_sum_to_1_and_are_masses(output):
    levels = np.linspace(0, 1, LEVELS, dtype="float32")
    log_probability = LIKELIHOODS["discretized_logistic"].log_probability
    found = np.asarray(
        log_probability(ops.convert_to_tensor(levels), ops.convert_to_tensor(output), -3.0)
    )
    assert np.exp(found.astype("float64")).sum() == pytest.approx(1, abs=1e-3)
    edges = np.concatenate([[-np.inf], (levels[1:] + levels[:-1]) / 2, [np.inf]])
    masses = np.diff(logistic.cdf(edges, expit(output), np.exp(-3.0)))
    # Where floating-point numbers can tell: a difference of sigmoids near 1 cancels.
    exact = (levels < expit(output)) & (masses > 0)
    np.testing.assert_allclose(found[exact], np.log(masses[exact]), rtol=1e-3, atol=1e-3)


def test_discretized_probabilities_have_a_slope_however_small_they_are():
    outputs = keras.Variable([-6.0, -4.0, 5.0])
    log_probability = LIKELIHOODS["discretized_logistic"].log_probability

    def total():
        pixels = ops.convert_to_tensor([0.9, 0.5, 0.1])
        return ops.sum(log_probability(pixels, outputs.value, -4.5))

    (gradient,) = gradients(total, [outputs])
    assert (np.sign(gradient) == [1, 1, -1]).all()


# The bound


def test_the_divergence_in_closed_form_is_that_by_monte_carlo():
    model = small()
    figures = logged(model, IMAGES)
    statistics = model.encoder.predict(IMAGES, verbose=0)
    codes = np.asarray(model.posterior.draw(statistics, 20_000, 3))
    mean, log_variance = np.split(statistics, 2, axis=-1)
    drawn = norm.logpdf(codes, mean, np.exp(log_variance / 2)) - norm.logpdf(codes)
    assert figures["kl"] == pytest.approx(drawn.sum(-1).mean(), rel=0.05)


def test_the_bound_is_the_sum_of_its_parts_and_the_loss_weighs_them():
    model = small(beta=3.0)
    figures = logged(model, IMAGES)
    assert figures["negative_bound"] == pytest.approx(
        figures["reconstruction"] + figures["kl"], rel=1e-5
    )
    assert figures["loss"] == pytest.approx(figures["reconstruction"] + 3 * figures["kl"], rel=1e-5)
    model.kl_weight.assign(0.5)
    figures = logged(model, IMAGES)
    expected = figures["reconstruction"] + 1.5 * figures["kl"]
    assert figures["loss"] == pytest.approx(expected, rel=1e-5)


def test_reconstruction_is_the_cross_entropy_of_an_image_summed_over_its_pixels():
    model = small()
    # Without variance the one code that is drawn is the mean.
    kernel, bias = model.encoder.get_layer("codes").get_weights()
    kernel[:, 2:], bias[2:] = 0, -100
    model.encoder.get_layer("codes").set_weights([kernel, bias])
    outputs = model.predict(IMAGES, verbose=0)
    expected = (
        -(IMAGES * np.log(outputs) + (1 - IMAGES) * np.log(1 - outputs)).sum((1, 2, 3)).mean()
    )
    assert logged(model, IMAGES)["reconstruction"] == pytest.approx(expected, rel=1e-4)


def test_what_is_reported_between_steps_is_always_drawn_alike():
    model = small(binarization="stochastic")
    assert logged(model, IMAGES) == logged(model, IMAGES)


def test_more_samples_give_a_tighter_bound():
    many = np.tile(IMAGES, (500, 1, 1, 1))
    models = [small(samples=samples) for samples in (1, 5, 50)]  # of the same weights
    bounds = [
        model.evaluate(many, batch_size=500, verbose=0, return_dict=True)["negative_bound"]
        for model in models
    ]
    assert bounds[0] > bounds[1] > bounds[2]
    best = -importance_weighted_bound(models[0], IMAGES, samples=5000).mean()
    assert bounds[2] > best - 0.02


def test_free_bits_are_not_charged_for():
    model = small(free_bits=100.0)
    figures = logged(model, IMAGES)
    assert figures["loss"] == pytest.approx(figures["reconstruction"] + 2 * 100, rel=1e-5)
    few = small(free_bits=1e-6)
    figures = logged(few, IMAGES)
    assert figures["loss"] == pytest.approx(figures["negative_bound"], rel=1e-4)


def test_bits_per_dim_are_those_of_the_bound():
    figures = logged(small(likelihood="discretized_logistic"), IMAGES)
    assert figures["bits_per_dim"] == pytest.approx(
        figures["negative_bound"] / 16 / np.log(2), rel=1e-5
    )
    assert "bits_per_dim" not in logged(small(likelihood="gaussian"), IMAGES)


@pytest.mark.parametrize("likelihood", ["gaussian", "discretized_logistic"])
def test_the_scale_is_learnt(likelihood):
    model = small(likelihood=likelihood)
    start = float(model.log_scale)
    model.fit(IMAGES, verbose=0)
    assert float(model.log_scale) != start


def test_pixels_become_binary_as_asked_for():
    seed = SeedStream(0)
    np.testing.assert_array_equal(small().observed(IMAGES, seed), IMAGES)
    threshold = small(binarization="threshold").observed(IMAGES, seed)
    np.testing.assert_array_equal(threshold, IMAGES >= 0.5)
    stochastic = small(binarization="stochastic")
    drawn = np.mean([stochastic.observed(IMAGES, SeedStream(s)) for s in range(400)], axis=0)
    np.testing.assert_allclose(drawn, IMAGES, atol=0.1)


def test_images_that_are_made_binary_are_so_for_every_endpoint():
    model = conditional(binarization="threshold")
    binary = (IMAGES >= 0.5).astype("float32")
    for name in ("serve", "encode"):
        one, other = (call_endpoint(model, name, images=x, labels=LABELS) for x in (IMAGES, binary))
        for key in one:
            np.testing.assert_array_equal(one[key], other[key])
    one, other = (model.predict(x, verbose=0) for x in (IMAGES, binary))
    np.testing.assert_array_equal(one, other)


# Networks


def test_weights_and_biases_begin_within_the_root_of_the_inputs():
    given = {"filters": (64,), "hidden_units": (100,), "latent_dim": 30, "seed": 0}
    model = variational_autoencoder((8, 8, 1), **given)
    for layer in model.encoder.layers + model.decoder.layers:
        if layer.weights:
            kernel, bias = layer.get_weights()
            limit = np.prod(kernel.shape[:-1]) ** -0.5  # of a transposed one, the outputs' maps
            for values in (kernel, bias):
                assert np.abs(values).max() <= limit
                if values.size >= 60:
                    assert values.std() == pytest.approx(limit / np.sqrt(3), rel=0.3)
            assert np.isin(bias, kernel).mean() < 0.1  # they are not drawn by the same seed


@pytest.mark.parametrize("shape", [(7, 5, 3), (8, 8, 1), (28, 27, 1)])
def test_convolutions_take_images_of_any_size(shape):
    given = {"filters": (4, 3), "hidden_units": (6,), "latent_dim": 2}
    model = variational_autoencoder(shape, **given)
    assert model.predict(np.zeros((2, *shape)), verbose=0).shape == (2, *shape)
    convolutions = [w for w in model.trainable_variables if len(w.shape) == 4]
    assert len(convolutions) == 5


# Endpoints


def test_reconstructions_are_decoded_means():
    model = small()
    found = call_endpoint(model, "encode", images=IMAGES)
    assert found["log_variances"].shape == (6, 2)
    images = call_endpoint(model, "decode", codes=found["codes"])["images"]
    np.testing.assert_allclose(images, model.predict(IMAGES, verbose=0), rtol=1e-5, atol=1e-6)


def test_samples_are_decoded_from_the_prior_and_the_seed_decides():
    model = small()
    first, again, other = (
        call_endpoint(model, "sample", n=200, seed=seed)["images"] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    codes = np.asarray(model.codes(5000, SeedStream(0)))
    np.testing.assert_allclose(np.cov(codes.T), np.eye(2), atol=0.06)


def test_interpolations_end_at_the_reconstructions():
    model, outputs = small(), None
    outputs = model.predict(IMAGES, verbose=0)
    found = call_endpoint(model, "interpolate", a=IMAGES[:3], b=IMAGES[3:], n=5)["images"]
    assert found.shape == (3, 5, 4, 4, 1)
    np.testing.assert_allclose(found[:, 0], outputs[:3], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found[:, -1], outputs[3:], rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_scores_tell_what_is_no_digit():
    x, x_test = (read("digits", split).as_float() for split in ("train", "test"))
    model = variational_autoencoder((8, 8, 1), hidden_units=(64,), latent_dim=8, seed=0)
    model.fit(x, batch_size=32, epochs=20, verbose=0)
    odd = np.rot90(x_test, axes=(1, 2))
    scores = [
        call_endpoint(model, "score", images=images, seed=0)["scores"] for images in (x_test, odd)
    ]
    assert (scores[1][:, None] > scores[0]).mean() > 0.8


# Classes


def test_the_class_makes_a_difference_to_code_and_image():
    model = conditional()
    codes = [
        call_endpoint(model, "encode", images=IMAGES, labels=np.full(6, label))["codes"]
        for label in (0, 1)
    ]
    assert np.abs(codes[0] - codes[1]).max() > 1e-3
    images = [
        call_endpoint(model, "decode", codes=codes[0], labels=np.full(6, label))["images"]
        for label in (0, 1)
    ]
    assert np.abs(images[0] - images[1]).max() > 1e-3


@pytest.mark.parametrize(
    ("channels", "filters", "folds"), [(1, 32, True), (1, 31, False), (3, 32, False)]
)
def test_one_map_of_many_is_made_by_a_fold(channels, filters, folds):
    model = variational_autoencoder((4, 4, channels), filters=(filters,), hidden_units=(2,))
    assert isinstance(model.decoder.layers[-2], FoldConv2DTranspose) == folds


def test_images_alone_are_reconstructed_under_one_of_the_classes():
    model = conditional()
    found = model.predict(IMAGES, verbose=0)
    of_each = np.stack(
        [
            call_endpoint(model, "serve", images=IMAGES, labels=np.full(6, label))[
                "reconstructions"
            ]
            for label in range(3)
        ]
    )
    closest = np.abs(of_each - found).max(axis=(2, 3, 4)).min(axis=0)
    np.testing.assert_allclose(closest, 0, atol=1e-6)


@pytest.mark.slow
def test_a_classifier_agrees_with_the_class_asked_for():
    from sklearn.linear_model import LogisticRegression

    train = read("digits", "train")
    x = train.as_float()
    model = conditional_variational_autoencoder((8, 8, 1), hidden_units=(64,), latent_dim=4, seed=0)
    model.fit(x, train.labels, batch_size=32, epochs=30, verbose=0)
    judge = LogisticRegression(max_iter=2000).fit(x.reshape(len(x), -1), train.labels)
    labels = np.arange(200) % 10
    images = call_endpoint(model, "sample", labels=labels, seed=0)["images"]
    assert (judge.predict(images.reshape(200, -1)) == labels).mean() > 0.9


# What cannot be


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"likelihood": "gaussian", "binarization": "threshold"},
            "^variational_autoencoder: binarization must be None with the likelihood 'gaussian', ",
        ),
        (
            {"samples": 5, "free_bits": 0.1},
            "^variational_autoencoder: free_bits must be 0 with several samples, got 0.1",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(arguments, message):
    with pytest.raises(UserError, match=message) as error:
        small(**arguments)
    one_sentence(error)


def test_a_conditional_model_asks_for_labels():
    with pytest.raises(UserError, match=r"learns from labels of 3 classes, .*, got none"):
        conditional().fit(IMAGES, verbose=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"likelihood": "poisson"}, "likelihood must be one of bernoulli, .* got 'poisson'"),
        ({"binarization": "dither"}, "binarization must be one of None, .* got 'dither'"),
        ({"beta": -1}, "beta must be at least 0, got -1"),
        ({"samples": 0}, "samples must be a whole number of at least 1, or None, got 0"),
    ],
)
def test_a_model_names_what_it_cannot_be(arguments, message):
    networks = small()
    with pytest.raises(ValueError, match=message) as error:
        VariationalModel(networks.encoder, networks.decoder, **arguments)
    one_sentence(error)


def test_it_is_saved_with_all_its_settings(tmp_path):
    model = small(likelihood="gaussian", beta=2.0, free_bits=0.5)
    model.fit(IMAGES, verbose=0)
    model.kl_weight.assign(0.25)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert float(loaded.kl_weight) == 0.25
    assert logged(loaded, IMAGES) == pytest.approx(logged(model, IMAGES), rel=1e-6)
