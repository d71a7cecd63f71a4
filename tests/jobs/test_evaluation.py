import json

import numpy as np
import pytest

from amalthea import data, jobs
from amalthea.errors import UserError
from amalthea.metrics import exact_log_partition, log_likelihood


@pytest.fixture(scope="module")
def classifier(tmp_path_factory, arrays):
    out = tmp_path_factory.mktemp("runs") / "classifier"
    return jobs.train("lenet5", arrays, out=out, image_size=12, epochs=1, verbose=0)


@pytest.fixture(scope="module")
def autoencoder(tmp_path_factory, arrays):
    out = tmp_path_factory.mktemp("runs") / "autoencoder"
    return jobs.train("tied_autoencoder", arrays, out=out, epochs=1, verbose=0)


def test_a_classifier_is_measured_on_the_images_it_did_not_see(classifier, arrays):
    figures = jobs.evaluate(classifier.path)
    test = data.read(arrays, "test", image_size=12)
    scores = classifier.load_model().predict(test.as_float(), verbose=0)
    assert figures["accuracy"] == pytest.approx(np.mean(scores.argmax(axis=1) == test.labels))
    written = json.loads((classifier.path / "evaluation.json").read_text())
    fingerprint = written.pop("fingerprint")
    assert written == {"data": arrays, "split": "test", "figures": figures}
    assert fingerprint == json.loads((classifier.path / "run.json").read_text())["fingerprint"]


def test_an_autoencoders_error_is_that_of_its_reconstructions(autoencoder, arrays):
    figures = jobs.evaluate(autoencoder.path, split="validation")
    images = data.read(arrays, "validation").as_float()
    outputs = autoencoder.load_model().predict(images, verbose=0)
    expected = np.square(images - outputs).sum(axis=(1, 2, 3)).mean()
    assert figures["reconstruction_error"] == pytest.approx(expected, rel=1e-5)
    assert figures["reconstruction_error"] == pytest.approx(figures["mean_squared_error"] * 36)
    for picture in ("reconstructions", "codes", "traversal"):
        assert (autoencoder.path / f"{picture}.png").stat().st_size > 1000


@pytest.mark.parametrize(
    "recipe",
    [
        "variational_autoencoder",
        pytest.param("conditional_variational_autoencoder", marks=pytest.mark.slow),
    ],
)
def test_a_variational_one_has_a_bound_and_pictures_of_its_codes(recipe, arrays, tmp_path):
    arguments = {"hidden_units": (8,), "latent_dim": 3}
    run = jobs.train(recipe, arrays, out=tmp_path / "a", arguments=arguments, epochs=1, verbose=0)
    figures = jobs.evaluate(run.path)
    assert 0 <= figures["active_units"] <= 3
    # Minus the bound by one code is no better than that by fifty, but for the draws.
    assert -figures["log_likelihood_bound"] < figures["negative_bound"] + 0.5
    outputs = {path.name for path in run.path.glob("*.png")}
    assert {"reconstructions.png", "codes.png", "traversal.png"} <= outputs


def test_data_that_does_not_fit_is_named(classifier, autoencoder, tmp_path):
    with pytest.raises(UserError, match=r"takes images of shape \(6, 6, 1\), .*\(8, 8, 1\)"):
        jobs.evaluate(autoencoder.path, "digits")
    with pytest.raises(UserError, match=r"knows 3 classes, .* has 10"):
        jobs.evaluate(classifier.path, "digits")
    np.savez(tmp_path / "unlabelled.npz", images=np.zeros((20, 12, 12)))
    with pytest.raises(UserError, match="has none"):
        jobs.evaluate(classifier.path, f"arrays:{tmp_path / 'unlabelled.npz'}")


def test_a_boltzmann_machines_likelihood_is_the_exact_one(arrays, tmp_path):
    arguments = {"hidden_units": 6}
    run = jobs.train("rbm", arrays, out=tmp_path / "a", arguments=arguments, epochs=3, verbose=0)
    figures = jobs.evaluate(run.path)
    model = run.load_model()
    images = data.read(arrays, "test").as_float()
    visible = (images.reshape(len(images), -1) >= 0.5).astype("float32")
    rbm = model.get_layer("rbm")
    exact = log_likelihood(rbm, visible, exact_log_partition(rbm)).mean()
    assert abs(figures["log_likelihood"] - exact) < 4 * figures["standard_error"] + 0.01
    assert "reconstruction_error" not in figures


def test_pixels_taken_as_probabilities_have_no_likelihood(arrays, tmp_path):
    arguments = {"hidden_units": 6, "binary": False}
    run = jobs.train("rbm", arrays, out=tmp_path / "a", arguments=arguments, epochs=1, verbose=0)
    assert jobs.evaluate(run.path).keys() == {"loss"}
