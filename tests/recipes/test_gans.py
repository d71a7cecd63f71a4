import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from amalthea import data
from amalthea.errors import UserError
from amalthea.layers import MinibatchDiscrimination
from amalthea.metrics import sliced_wasserstein
from amalthea.recipes import (
    conditional_dcgan,
    conditional_gan,
    dcgan,
    gan,
    get_recipe,
    minibatch_discrimination_gan,
    toy_gan,
    wgan_gp,
)
from amalthea.recipes.gans.endpoints import QUICK, samples

from harness import call_endpoint, one_sentence


def trainable(network):
    return sum(math.prod(weight.shape) for weight in network.trainable_variables)


@pytest.mark.parametrize(
    ("build", "arguments", "generator", "discriminator"),
    [
        (gan, {}, 2_503_984, 1_231_441),
        (conditional_gan, {}, 2_413_984, 1_224_351),
        (dcgan, {"image_shape": (64, 64, 3)}, 3_576_704, 2_765_568),
    ],
)
def test_each_network_has_the_published_number_of_parameters(
    build, arguments, generator, discriminator
):
    model = build(**arguments)
    assert trainable(model.generator) == generator
    assert trainable(model.discriminator) == discriminator


def test_the_published_minibatch_discrimination_has_100_kernels_of_5_dimensions():
    model = minibatch_discrimination_gan((32, 32, 3))
    (layer,) = (x for x in model.discriminator.layers if isinstance(x, MinibatchDiscrimination))
    assert layer.kernel.shape == (192, 500)


def test_a_critic_is_not_normalised_and_a_discriminator_is():
    def names(model):
        return {type(layer).__name__ for layer in model.discriminator.layers}

    assert "FusedBatchNormalization" not in names(wgan_gp((8, 8, 1), width=4))
    assert "FusedBatchNormalization" in names(dcgan((16, 16, 1), width=4))


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (32, 32, 3), (20, 28, 2)])
def test_images_of_many_sizes_are_made(shape):
    model = dcgan(shape, width=2, latent_dim=3)
    images = np.asarray(model.generate(np.zeros((2, 3), "float32")))
    assert images.shape == (2, *shape)
    assert images.min() >= 0
    assert images.max() <= 1
    assert model.score(images).shape == (2, 1)


@pytest.mark.parametrize(
    ("build", "shape", "message"),
    [
        (dcgan, (9, 8, 1), "height and width must each be a number from 4 to 7, .*, got 9 and 8"),
        (wgan_gp, (36, 36, 1), "height and width must each be .*, got 36 and 36"),
        (
            minibatch_discrimination_gan,
            (8, 8, 1),
            "height and width must be at least 9, .* 8 and 8",
        ),
    ],
)
def test_a_shape_that_cannot_be_made_is_one_sentence(build, shape, message):
    with pytest.raises(UserError, match=message) as error:
        build(shape)
    one_sentence(error)


@pytest.mark.parametrize("minibatch", [None, "discrimination", "stddev"])
def test_a_discriminator_that_sees_the_batch_scores_an_image_by_the_others(minibatch):
    model = dcgan((8, 8, 1), width=4, minibatch=minibatch, seed=0)
    images = np.random.default_rng(0).random((4, 8, 8, 1), dtype="float32")
    alone, together = model.score(images[:1]), model.score(images)[:1]
    assert np.allclose(alone, together, atol=1e-6) == (minibatch is None)


def test_a_sample_depends_on_its_seed_and_place_alone():
    model = gan((8, 8, 1), hidden_units=8, maxout_units=8, seed=0)
    first, again, other = (
        call_endpoint(model, "sample", n=3, seed=seed)["images"] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)
    decoded = call_endpoint(model, "decode", latents=np.zeros((2, 100)))["images"]
    np.testing.assert_allclose(decoded[0], decoded[1], rtol=1e-6)


def test_a_conditional_sample_is_of_the_labels_asked_for():
    model = conditional_dcgan((8, 8, 1), 3, width=4, latent_dim=2, seed=0)
    images = call_endpoint(model, "sample", labels=[0, 1, 2, 0], seed=5)["images"]
    assert images.shape == (4, 8, 8, 1)
    latents = np.ones((3, 2))
    each = call_endpoint(model, "decode", latents=latents, labels=[0, 1, 1])["images"]
    np.testing.assert_allclose(each[1], each[2], rtol=1e-5)
    assert not np.allclose(each[0], each[1], atol=1e-4)
    scores = call_endpoint(model, "discriminate", images=images[:3], labels=[0, 1, 2])["scores"]
    all_classes = model.predict(images[:3], verbose=0)
    np.testing.assert_allclose(scores[:, 0], np.diag(all_classes), rtol=1e-4, atol=1e-5)


def test_the_distance_is_that_of_as_many_samples_of_all_classes():
    digits = data.read("digits", "test")
    images, labels = digits.as_float()[:60], digits.labels[:60]
    model = conditional_gan((8, 8, 1), 10, hidden_units=24, seed=0)
    found = get_recipe("conditional_gan").measures(model, images, labels, 16)
    drawn = samples(model, 60, 60)
    expected = sliced_wasserstein(images, drawn, **QUICK)["mean"]
    assert found == {"sliced_wasserstein": pytest.approx(expected, rel=1e-4)}
    assert expected > 2 * sliced_wasserstein(images, digits.as_float()[60:120])["mean"]


def test_points_are_counted_by_the_modes_of_the_data():
    points = data.read("ring8", "validation")
    model = toy_gan(units=8, seed=0)
    measures = get_recipe("toy_gan").measures
    plane, classes = points.given("points"), points.given("label")
    figures = measures(model, plane, classes, 256)
    assert figures.keys() == {"modes_covered", "good_samples"}
    assert measures(model, plane, None, 256) == {}

    class Perfect:
        num_classes = None

        def latents(self, count, seed):
            return np.zeros((count, 1))

        class sampler:
            @staticmethod
            def predict(latents, **_):
                return data.read("ring8", "test").given("points")[: len(latents)]

    figures = measures(Perfect(), plane, classes, 256)
    assert figures["modes_covered"] == 8
    assert figures["good_samples"] > 0.97


@pytest.mark.exhaustive
def test_a_classifier_agrees_with_the_labels_that_images_were_made_of():
    digits = data.read("digits", "train+validation")
    images, labels = digits.as_float(), digits.labels
    model = conditional_dcgan((8, 8, 1), 10, width=32, latent_dim=20, seed=0)
    model.fit(images, labels, batch_size=64, epochs=60, verbose=0)
    judge = LogisticRegression(max_iter=1000).fit(images.reshape(len(images), -1), labels)
    drawn = samples(model, 500, 250)
    assert judge.score(drawn.reshape(500, -1), np.arange(500) % 10) > 0.8


@pytest.mark.exhaustive
@pytest.mark.parametrize("build", [gan, dcgan, wgan_gp])
def test_on_digits_samples_come_nearer_to_the_data(build):
    train, held = (data.read("digits", split).as_float() for split in ("train", "test"))
    arguments = {} if build is gan else {"width": 32}
    model = build((8, 8, 1), latent_dim=20, seed=0, **arguments)
    distance = get_recipe(build.__name__).measures
    before = distance(model, held, None, 256)["sliced_wasserstein"]
    model.fit(train, batch_size=32, epochs=60, verbose=0)
    assert distance(model, held, None, 256)["sliced_wasserstein"] < 0.5 * before


@pytest.mark.exhaustive
def test_a_wasserstein_critic_covers_more_modes_than_the_plain_game():
    grid = data.read("grid25", "train")
    wasserstein = {"objective": "wasserstein", "gradient_penalty": 0.1, "critic_steps": 5}
    covered = {}
    for name, arguments in (("plain", {}), ("wasserstein", wasserstein)):
        covered[name] = 0
        for seed in (0, 1):
            model = toy_gan(seed=seed, **arguments)
            batches = grid.select("points").batches(128).repeat()
            model.fit(batches, steps_per_epoch=2000 * model.critic_steps, shuffle=False, verbose=0)
            held = grid.given("points")[:2500], grid.given("label")[:2500]
            covered[name] += get_recipe("toy_gan").measures(model, *held, 500)["modes_covered"]
    assert covered["wasserstein"] >= covered["plain"] + 5
