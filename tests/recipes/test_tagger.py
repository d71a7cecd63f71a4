import numpy as np
import pytest

from amalthea.errors import UserError
from amalthea.recipes import get_recipe, mlp, tagger
from amalthea.recipes.classifiers.tagger import precision

from harness import one_sentence

IMAGES = np.random.default_rng(0).random((6, 8, 8, 1)).astype("float32")
TAGS = np.random.default_rng(1).integers(0, 2, (6, 3))


def test_the_network_is_that_of_the_body():
    net = tagger((8, 8, 1), 3, body="mlp_128", seed=0)
    body = mlp((8, 8, 1), 3, seed=0)
    np.testing.assert_array_equal(net.predict(IMAGES, verbose=0), body.predict(IMAGES, verbose=0))


@pytest.mark.parametrize("body", ["mlp_128", "lenet5", "softmax_regression"])
def test_features_are_what_the_scores_are_made_of(body):
    images = np.random.default_rng(0).random((6, 12, 12, 1)).astype("float32")
    net = tagger((12, 12, 1), 3, body=body, seed=0)
    features = get_recipe("tagger").endpoints["features"].bind(net)({"images": images})["features"]
    *_, kernel, bias = net.get_weights()
    np.testing.assert_allclose(
        features @ kernel + bias, net.predict(images, verbose=0), rtol=1e-4, atol=1e-5
    )


def test_the_loss_is_the_mean_crossentropy_of_a_tag():
    net = tagger((8, 8, 1), 3, body="mlp_128", seed=0)
    shares = 1 / (1 + np.exp(-net.predict(IMAGES, verbose=0).astype("float64")))
    expected = -np.where(TAGS, np.log(shares), np.log(1 - shares)).mean()
    assert net.evaluate(IMAGES, TAGS, verbose=0)[0] == pytest.approx(expected, rel=1e-5)


def test_the_figure_is_the_mean_of_average_precisions():
    """By the definition: the mean precision at the ranks of what has the tag."""
    net = tagger((8, 8, 1), 3, body="mlp_128", seed=0)
    scores, found = net.predict(IMAGES, verbose=0), []
    for tag in range(3):
        ranked = TAGS[np.argsort(-scores[:, tag]), tag]
        found.append(np.mean([ranked[: i + 1].mean() for i in np.flatnonzero(ranked)]))
    figures = precision(net, IMAGES, TAGS, 4)
    assert figures["mean_average_precision"] == pytest.approx(np.mean(found))


@pytest.mark.slow
@pytest.mark.parametrize("body", ["googlenet", "network_in_network", "lenet5", "alexnet"])
def test_any_classifier_can_be_the_body(body):
    side = 67 if body == "alexnet" else 16
    images = np.random.default_rng(0).random((4, side, side, 1)).astype("float32")
    tags = np.array([[1, 0], [0, 1], [1, 1], [0, 0]])
    net = tagger((side, side, 1), 2, body=body, learning_rate=1e-3, seed=0)
    assert np.isfinite(net.fit(images, tags, verbose=0).history["loss"]).all()
    assert net.predict(images, verbose=0).shape == (4, 2)
    assert net.origin.recipe == "tagger"
    features = get_recipe("tagger").endpoints["features"].bind(net)({"images": images})["features"]
    assert features.shape[0] == 4
    assert len(features.shape) == 2


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("perceptron", "body must learn by the cross-entropy of its classes, and perceptron"),
        ("dcgan", "body must be a classifier, and dcgan is of generation"),
        ("resnet21", "there is no recipe 'resnet21'"),
    ],
)
def test_what_is_no_body_is_one_sentence(body, message):
    with pytest.raises(UserError, match=message) as error:
        tagger((8, 8, 1), 3, body=body)
    one_sentence(error)
