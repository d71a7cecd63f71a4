import keras
import numpy as np
import pytest
from keras import ops
from sklearn.datasets import load_digits

from amalthea.errors import UserError
from amalthea.recipes import get_recipe, mlp, softmax_regression
from amalthea.recipes.classifiers.explanations import (
    class_score,
    feature_maps,
    grad_cam,
    integrated_gradients,
    invert_features,
    maximize_class,
    saliency,
)

from harness import build

IMAGES = np.random.default_rng(0).random((5, 4, 4, 1)).astype("float32")
LABELS = np.array([0, 2, 1, 1, 0], "int32")


def array(tensor):
    return ops.convert_to_numpy(tensor)


def test_of_a_linear_classifier_they_are_its_weights():
    net = softmax_regression((4, 4, 1), 3, seed=0)
    weights = net.get_weights()[0].T[LABELS].reshape(IMAGES.shape)
    found = array(saliency(net, ops.convert_to_tensor(IMAGES), LABELS))
    np.testing.assert_allclose(found, np.abs(weights).max(-1), rtol=1e-5)
    found = array(integrated_gradients(net, ops.convert_to_tensor(IMAGES), LABELS, steps=3))
    np.testing.assert_allclose(found, IMAGES * weights, rtol=1e-4, atol=1e-7)


def test_saliency_is_what_finite_differences_say():
    net = mlp((4, 4, 1), 3, hidden_units=(8,), activation="tanh", seed=0)
    found = array(saliency(net, ops.convert_to_tensor(IMAGES), LABELS))
    step = 1e-2
    for place in np.ndindex(4, 4):
        moved = [IMAGES.copy(), IMAGES.copy()]
        for images, sign in zip(moved, (1, -1), strict=True):
            images[:, *place] += sign * step
        high, low = (array(class_score(net(images), LABELS)) for images in moved)
        expected = np.abs(high - low) / (2 * step)
        np.testing.assert_allclose(found[:, *place], expected, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("name", ["lenet5", "mlp"])
def test_integrated_gradients_add_up_to_the_difference_from_black(name):
    net = build(name)
    images = np.random.default_rng(0).random((3, *net.input_shape[1:])).astype("float32")
    labels = LABELS[:3]
    found = array(integrated_gradients(net, ops.convert_to_tensor(images), labels, steps=100))
    scores = [array(class_score(net(x), labels)) for x in (images, np.zeros_like(images))]
    difference = scores[0] - scores[1]
    np.testing.assert_allclose(found.sum((1, 2, 3)), difference, rtol=0.05, atol=1e-3)


def test_grad_cam_is_the_sum_of_maps_by_the_weights_of_their_means():
    maps = np.random.default_rng(0).normal(size=(2, 3, 3, 4)).astype("float32")
    weights = np.random.default_rng(1).normal(size=(4, 2)).astype("float32")

    def head(inputs):
        return ops.matmul(ops.mean(inputs, axis=(1, 2)), weights)

    labels = np.array([0, 1], "int32")
    found = array(grad_cam(lambda x: x, head, ops.convert_to_tensor(maps), labels))
    expected = np.maximum((maps * weights.T[labels][:, None, None]).sum(-1), 0)
    expected /= expected.max((1, 2), keepdims=True)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("resnet", "block_2_1_relu"),
        ("vgg", "pool_2"),
        ("densenet", "last_relu"),
        ("network_in_network", "class_maps"),
        ("mlp", None),
    ],
)
def test_the_last_maps_that_the_scores_go_by_are_found(name, layer):
    assert feature_maps(build(name)) == layer


@pytest.mark.parametrize("name", ["lenet5", "mlp"])
def test_without_a_label_the_most_probable_class_is_explained(name):
    net = build(name)
    endpoint = get_recipe(name).endpoints["explain"].bind(net)
    images = np.random.default_rng(0).random((4, *net.input_shape[1:])).astype("float32")
    chosen = net.predict(images, verbose=0).argmax(1)
    found = endpoint.predict_on_batch({"images": images, "labels": np.full(4, -1, "int32")})
    same = endpoint.predict_on_batch({"images": images, "labels": chosen.astype("int32")})
    np.testing.assert_array_equal(found["labels"], chosen)
    for key, value in found.items():
        np.testing.assert_array_equal(value, same[key])
    other = endpoint.predict_on_batch({"images": images, "labels": (chosen + 1) % 3})
    assert not np.allclose(found["saliency"], other["saliency"])


@pytest.fixture(scope="module")
def digits():
    """A classifier of digits, and some of them."""
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).reshape(-1, 8, 8, 1).astype("float32")
    net = mlp((8, 8, 1), hidden_units=(32,), learning_rate=0.01, seed=0)
    net.fit(images, labels, epochs=10, verbose=0)
    return net, images


def test_an_image_is_found_that_the_classifier_is_sure_of(digits):
    net, _ = digits
    image = maximize_class(net, 7, steps=100)
    assert image.shape == (1, 8, 8, 1)
    assert array(ops.min(image)) >= 0
    assert array(ops.max(image)) <= 1
    assert array(ops.softmax(net(image)))[0, 7] > 0.99
    with pytest.raises(UserError, match="label must be from 0 to 9, got 10"):
        maximize_class(net, 10)


def test_a_penalty_keeps_the_image_grey(digits):
    net, _ = digits
    plain, pale = (
        np.square(array(maximize_class(net, 3, steps=60, penalty=penalty)) - 0.5).sum()
        for penalty in (0.0, 1.0)
    )
    assert pale < 0.5 * plain


@pytest.mark.slow
def test_features_are_inverted_and_of_the_image_itself_nothing_is_lost(digits):
    net, images = digits
    image = images[:1]
    found = invert_features(lambda x: x, image, (8, 8, 1), steps=300)
    assert np.abs(array(found) - image).mean() < 0.03
    features = keras.Model(net.inputs[0], net.get_layer("features").output)
    code = features(image)
    found = invert_features(features, code, (8, 8, 1), steps=300)
    start = array(ops.full((1, 8, 8, 1), 0.5))
    distances = [np.square(array(features(x) - code)).sum() for x in (found, start)]
    assert distances[0] < 0.02 * distances[1]
