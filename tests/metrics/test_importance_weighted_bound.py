import itertools

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import norm

from amalthea.errors import UserError
from amalthea.metrics import importance_weighted_bound
from amalthea.recipes import conditional_variational_autoencoder, variational_autoencoder

IMAGES = (np.random.default_rng(0).random((6, 3, 2, 1)) < 0.4).astype("float32")


def small(seed=1, **arguments):
    """A model of one latent, whose likelihoods can be integrated; its encoder knows little."""
    model = variational_autoencoder(
        (3, 2, 1), hidden_units=(), latent_dim=1, seed=seed, **arguments
    )
    random = np.random.default_rng(seed)
    for network, scale in ((model.encoder, 0.2), (model.decoder, 1.0)):
        for weight in network.trainable_variables:
            weight.assign(scale * random.standard_normal(weight.shape))
    return model


def exact(model):
    """Log-likelihoods by numerical integration over the latent."""
    kernel, bias = (w.reshape(-1) for w in model.decoder.get_weights())

    def joint(z, pixels):
        mean = expit(z * kernel + bias)
        return norm.pdf(z) * np.prod(np.where(pixels > 0, mean, 1 - mean))

    integrals = [quad(joint, -10, 10, args=(image.reshape(-1),))[0] for image in IMAGES]
    return np.log(integrals)


def mean_bound(model, samples, repeats=20):
    many = np.tile(IMAGES, (repeats, 1, 1, 1))
    found = importance_weighted_bound(model, many, samples=samples, batch_size=len(many))
    return found.reshape(repeats, -1).mean(axis=0)


def test_with_many_samples_it_is_the_log_likelihood():
    model = small()
    found = importance_weighted_bound(model, IMAGES, samples=5000)
    np.testing.assert_allclose(found, exact(model), atol=0.05)


def test_it_grows_with_the_samples_and_stays_below_the_log_likelihood():
    model = small()
    bounds = [mean_bound(model, samples, 1000).mean() for samples in (1, 5, 60)]
    assert all(b > a + 0.01 for a, b in itertools.pairwise([*bounds, exact(model).mean() + 0.01]))


def test_with_one_sample_it_is_on_average_the_evidence_lower_bound():
    model = small()
    many = np.tile(IMAGES, (3000, 1, 1, 1))
    logged = model.evaluate(many, batch_size=900, verbose=0, return_dict=True)
    bound = mean_bound(model, 1, 3000).mean()
    assert bound == pytest.approx(-logged["negative_bound"], abs=0.1)


def test_chunks_are_of_one_estimate():
    model, many = small(), np.tile(IMAGES[:1], (2500, 1, 1, 1))
    # In batches of 500, chunks of 10 are decoded at once; 25 samples are two and a half of them.
    weights = [
        np.exp(importance_weighted_bound(model, many, samples=n, batch_size=500) - exact(model)[0])
        for n in (10, 25)
    ]
    assert weights[1].mean() == pytest.approx(1, abs=0.02)
    # Were all chunks drawn alike, the estimates would spread as much as those of one.
    assert weights[1].std() == pytest.approx(weights[0].std() * np.sqrt(10 / 25), rel=0.1)


def test_batches_draw_for_themselves_and_the_seed_decides():
    model = small()
    same = np.tile(IMAGES[:1], (4, 1, 1, 1))
    found = importance_weighted_bound(model, same, samples=3, batch_size=2)
    assert len(set(found.tolist())) == 4
    np.testing.assert_array_equal(
        found, importance_weighted_bound(model, same, samples=3, batch_size=2)
    )
    other = importance_weighted_bound(model, same, samples=3, batch_size=2, seed=1)
    assert not np.array_equal(found, other)


def test_a_conditional_model_is_measured_under_the_labels():
    model = conditional_variational_autoencoder((3, 2, 1), 2, hidden_units=(), latent_dim=1)
    with pytest.raises(UserError, match="needs the labels of the images"):
        importance_weighted_bound(model, IMAGES)
    one, other = (
        importance_weighted_bound(model, IMAGES, np.full(6, label), samples=500) for label in (0, 1)
    )
    assert np.abs(one - other).max() > 1e-3


@pytest.mark.parametrize("samples", [0, 2.5])
def test_samples_that_cannot_be_are_refused(samples):
    with pytest.raises(UserError, match=f"samples must be a whole number .*, got {samples}"):
        importance_weighted_bound(small(), IMAGES, samples=samples)
