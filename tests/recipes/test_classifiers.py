"""What is true of classifiers of their own; what all recipes have in common is tested elsewhere."""

import keras
import numpy as np
import pytest
from keras import ops
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.neural_network import MLPClassifier

from amalthea.errors import UserError
from amalthea.recipes import (
    alexnet,
    densenet,
    fractalnet,
    get_recipe,
    googlenet,
    mlp,
    network_in_network,
    perceptron,
    resnet,
    softmax_regression,
    squeezenet_1_0,
    squeezenet_1_1,
    vgg,
)
from amalthea.recipes.classifiers.convolutional import convolution

from harness import build

# What a backend could change is tried on JAX by the tests of all recipes.
pytestmark = pytest.mark.tensorflow
TINY = {"image_shape": (8, 8, 1), "num_classes": 3, "seed": 0}


def between(model, start, end):
    """The part of a functional model from one tensor to another."""
    return keras.Model(start, end)


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def digits(count=1000):
    images, labels = load_digits(return_X_y=True)
    return (images[:count] / 16).reshape(-1, 8, 8, 1).astype("float32"), labels[:count]


# Counts that no paper says, and formulas that know nothing of the code.


def densenet_parameters(blocks, growth, classes):
    """Bottlenecks, compression by half, and a 7×7 stem on three channels."""
    maps = 2 * growth
    count = 49 * 3 * maps + 2 * maps
    for block, layers in enumerate(blocks):
        for _ in range(layers):
            count += 2 * maps + 4 * growth * maps + 8 * growth + 9 * 4 * growth * growth
            maps += growth
        if block + 1 < len(blocks):
            count += 2 * maps + maps * (maps // 2)
            maps //= 2
    return count + 2 * maps + (maps + 1) * classes


@pytest.mark.parametrize("name", ["densenet121", "densenet201", "densenet264"])
def test_densenets_have_as_many_parameters_as_a_formula_says(name):
    entry = get_recipe(name)
    blocks = entry.fixed["blocks"]
    assert densenet_parameters(blocks, 32, 1000) == entry.published[0].parameters


def test_ten_kernels_of_5_by_5_on_three_channels_are_760_parameters():
    images = keras.Input((32, 32, 3))
    model = keras.Model(images, convolution(images, 10, 5, "c", use_bias=True))
    assert model.count_params() == 760


# Sizes of images.


@pytest.mark.parametrize(
    ("build", "least"),
    [
        (lambda side: alexnet((side, side, 3), 2, filters=(2,) * 5, hidden_units=2), 67),
        (lambda side: vgg((side, side, 3), 2, filters=1, hidden_units=(2,)), 32),
        (lambda side: squeezenet_1_0(image_shape=(side, side, 1), num_classes=2, width=0.1), 35),
        (lambda side: squeezenet_1_1(image_shape=(side, side, 1), num_classes=2, width=0.1), 31),
        (lambda side: densenet((side, side, 3), 2, blocks=(1, 1, 1), growth=2), 4),
        (lambda side: fractalnet((side, side, 3), 2, filters=(2, 2, 2), columns=1), 8),
        (lambda side: network_in_network((side, side, 3), 2, form="imagenet", width=0.05), 11),
    ],
)
def test_images_that_are_too_small_are_one_sentence_that_names_the_least(build, least):
    assert build(least).output_shape == (None, 2)
    with pytest.raises(UserError, match=f"at least {least}×{least} pixels, got {least - 1}×"):
        build(least - 1)


@pytest.mark.parametrize("name", ["resnet", "googlenet", "network_in_network", "lenet5"])
@pytest.mark.parametrize("shape", [(19, 13, 1), (32, 24, 3)])
def test_images_of_odd_shapes_build(name, shape):
    assert build(name, image_shape=shape)(np.zeros((2, *shape))).shape == (2, 3)


@pytest.mark.slow
def test_maps_have_the_sizes_of_the_papers():
    net = alexnet(filters=(2, 4, 4, 4, 4), hidden_units=2)
    assert net.get_layer("convolution_1").output.shape[1:3] == (55, 55)
    assert net.get_layer("pool_5").output.shape[1:3] == (6, 6)
    network = googlenet(width=0.05).network
    sizes = {
        f"inception_{name}_concatenation": side
        for name, side in {"3b": 28, "4a": 14, "4d": 14, "5b": 7}.items()
    }
    for name, side in sizes.items():
        assert network.get_layer(name).output.shape[1:3] == (side, side)
    assert network.get_layer("head_4a_pool").output.shape[1:3] == (4, 4)
    net = network_in_network((32, 32, 3), 10, width=0.05)
    assert net.get_layer("class_maps").output.shape == (None, 8, 8, 10)


# Residual, dense and fractal nets.


@pytest.mark.parametrize("bottleneck", [False, True])
def test_a_residual_block_without_its_last_scale_is_the_rectified_shortcut(bottleneck):
    net = resnet(**TINY, blocks=(2,), filters=4, bottleneck=bottleneck)
    start, end = (net.get_layer(f"block_1_{n}_relu").output for n in (1, 2))
    last = f"block_1_2_{3 if bottleneck else 2}_normalization"
    net.get_layer(last).gamma.assign(np.zeros(start.shape[-1]))
    inputs = drawn(2, 8, 8, start.shape[-1])
    outputs = between(net, start, end).predict(inputs, verbose=0)
    np.testing.assert_array_equal(outputs, np.maximum(inputs, 0))


@pytest.mark.parametrize("bottleneck", [False, True])
def test_a_preactivation_block_without_its_last_kernel_is_the_identity(bottleneck):
    net = resnet(**TINY, blocks=(2,), filters=4, bottleneck=bottleneck, preactivation=True)
    start, end = (net.get_layer(f"block_1_{n}_sum").output for n in (1, 2))
    kernel = net.get_layer(f"block_1_2_{3 if bottleneck else 2}").kernel
    kernel.assign(np.zeros(kernel.shape))
    inputs = drawn(2, 8, 8, start.shape[-1])
    np.testing.assert_array_equal(between(net, start, end).predict(inputs, verbose=0), inputs)


def test_option_a_is_every_other_pixel_and_maps_of_zeros():
    net = resnet(**TINY, blocks=(1, 1), filters=4)
    net.get_layer("block_2_1_2_normalization").gamma.assign(np.zeros(8))
    start, end = (net.get_layer(f"block_{n}_1_relu").output for n in (1, 2))
    inputs = np.abs(drawn(2, 8, 8, 4))
    outputs = between(net, start, end).predict(inputs, verbose=0)
    np.testing.assert_array_equal(outputs[..., :4], inputs[:, ::2, ::2])
    np.testing.assert_array_equal(outputs[..., 4:], np.zeros((2, 4, 4, 4)))


def test_a_dense_block_hands_on_what_it_is_given():
    net = densenet(**TINY, blocks=(3,), growth=4)
    start = net.get_layer("stem").output
    end = net.get_layer("layer_1_3_concatenation").output
    inputs = drawn(2, 8, 8, 16)
    outputs = between(net, start, end).predict(inputs, verbose=0)
    assert outputs.shape[-1] == 16 + 3 * 4
    np.testing.assert_array_equal(outputs[..., :16], inputs)


def test_the_longest_way_through_a_fractal_net_has_as_many_layers_as_the_paper_says():
    net = fractalnet(filters=(2,) * 5)
    longest = {}
    for operation in net.operations:
        before = [longest[id(x)] for x in operation_inputs(operation)]
        weighted = isinstance(operation, keras.layers.Conv2D | keras.layers.Dense)
        length = max(before, default=0) + weighted
        longest[id(operation.output)] = length
    assert longest[id(net.output)] == 5 * 2**2 + 1


def operation_inputs(operation):
    if isinstance(operation, keras.layers.InputLayer):
        return []
    return operation.input if isinstance(operation.input, list) else [operation.input]


def test_without_drop_path_the_joins_are_means():
    nets = [fractalnet(**TINY, filters=(4,), columns=2, drop_path=rate) for rate in (0.0, 0.15)]
    nets[1].set_weights(nets[0].get_weights())
    images = np.random.default_rng(0).random((3, 8, 8, 1))
    outputs = [net.predict(images, verbose=0) for net in nets]
    np.testing.assert_allclose(*outputs, rtol=1e-5)


@pytest.mark.parametrize(
    "name",
    [
        "resnet",
        pytest.param("densenet", marks=pytest.mark.exhaustive),
        pytest.param("fractalnet", marks=pytest.mark.slow),
    ],
)
def test_in_inference_an_image_is_classified_by_itself(name):
    net = build(name)
    images = np.random.default_rng(0).random((6, *net.input_shape[1:]))
    net.fit(images, np.arange(6) % 3, verbose=0)  # the statistics have moved
    together = net.predict(images, verbose=0)
    for one, expected in zip(images, together, strict=True):
        np.testing.assert_allclose(net.predict(one[None], verbose=0)[0], expected, rtol=1e-4)


# GoogLeNet's heads.


@pytest.mark.slow
def test_heads_move_the_trunk_by_a_share_of_their_loss():
    images, labels = np.random.default_rng(0).random((4, 16, 16, 1)), np.array([0, 1, 2, 0])
    net = build("googlenet")  # without dropout
    crossentropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    losses = [float(crossentropy(labels, scores)) for scores in net.network(images)]
    net.optimizer.learning_rate = 0.0
    logged = net.fit(images, labels, batch_size=4, verbose=0).history["loss"][0]
    assert logged == pytest.approx(losses[0] + 0.3 * (losses[1] + losses[2]), rel=1e-5)
    assert net.evaluate(images, labels, verbose=0)[0] == pytest.approx(losses[0], rel=1e-5)


def test_heads_are_in_nothing_that_is_exported():
    net = build("googlenet")
    assert net(np.zeros((2, 16, 16, 1)), training=False).shape == (2, 3)
    for endpoint in get_recipe("googlenet").endpoints.values():
        part = endpoint.bind(net)
        assert not [v.path for v in part.variables if "head" in v.path]


# Dense classifiers.


def test_two_tanh_units_learn_exclusive_or():
    images = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32").reshape(-1, 2, 1, 1)
    labels = np.array([0, 1, 1, 0])
    net = mlp((2, 1, 1), 2, hidden_units=(2,), activation="tanh", learning_rate=0.05, seed=1)
    often = np.tile(images, (400, 1, 1, 1)), np.tile(labels, 400)
    net.fit(*often, batch_size=4, shuffle=False, verbose=0)
    assert net.evaluate(images, labels, verbose=0)[1] == 1.0


@pytest.mark.slow
def test_the_perceptrons_mistakes_are_within_novikoffs_bound():
    """With weights of 0 at first; a vector of Kesler's has twice the square of its image."""
    random = np.random.default_rng(0)
    planes = random.normal(size=(3, 5))
    points = random.uniform(0, 1, (60, 4)).astype("float32")
    homogeneous = np.column_stack([points, np.ones(len(points))])
    scores = homogeneous @ planes.T
    labels = scores.argmax(1)
    margins = np.sort(scores, 1)[:, -1] - np.sort(scores, 1)[:, -2]
    kept = margins > np.quantile(margins, 0.3)
    points, labels = points[kept].reshape(-1, 2, 2, 1), labels[kept]
    margin = margins[kept].min() / np.linalg.norm(planes)
    bound = 2 * (homogeneous[kept] ** 2).sum(1).max() / margin**2
    net = perceptron((2, 2, 1), 3)
    net.set_weights([np.zeros_like(w) for w in net.get_weights()])
    mistakes = net.fit(points, labels, batch_size=1, epochs=60, verbose=0).history["mistakes"]
    assert mistakes[-1] == 0
    assert 0 < sum(mistakes) < bound


def test_the_perceptrons_gradient_is_rosenblatts_rule():
    net = perceptron((2, 1, 1), 3, learning_rate=0.5, seed=0)
    kernel, bias = net.get_weights()
    image = np.array([0.2, 0.7], "float32")
    scores = image @ kernel + bias
    for label in range(3):
        net.set_weights([kernel, bias])
        net.train_on_batch(image.reshape(1, 2, 1, 1), np.array([label]))
        others = np.delete(np.arange(3), label)
        rival = others[scores[others].argmax()]
        moved = np.eye(3)[label] - np.eye(3)[rival] if scores[rival] >= scores[label] else 0
        moved = 0.5 * np.outer([*image, 1], moved * np.ones(3))
        expected = np.vstack([kernel, bias]) + moved
        np.testing.assert_allclose(np.vstack(net.get_weights()), expected, rtol=1e-5)


def test_softmax_regression_arrives_where_scikit_learn_does():
    images, labels = digits(500)
    decay = 1e-2
    net = softmax_regression((8, 8, 1), weight_decay=decay, learning_rate=0.05, seed=0)
    often = np.tile(images, (200, 1, 1, 1)), np.tile(labels, 200)
    for rate in (0.05, 0.01, 0.002):
        net.optimizer.learning_rate = rate
        net.fit(*often, batch_size=500, shuffle=False, verbose=0)
    theirs = LogisticRegression(C=1 / (decay * len(images)), tol=1e-8, max_iter=5000)
    theirs.fit(images.reshape(-1, 64), labels)
    probabilities = ops.convert_to_numpy(ops.softmax(net.predict(images, verbose=0)))
    np.testing.assert_allclose(
        probabilities, theirs.predict_proba(images.reshape(-1, 64)), atol=2e-3
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("build", "theirs"),
    [
        (lambda: mlp((8, 8, 1), seed=0), MLPClassifier((128,), random_state=0, max_iter=30)),
        (lambda: perceptron((8, 8, 1), seed=0), Perceptron(random_state=0, max_iter=30, tol=None)),
    ],
)
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")  # scikit-learn would go on
def test_held_out_digits_are_known_as_well_as_by_scikit_learn(build, theirs):
    images, labels = digits(1797)
    net = build()
    entry = get_recipe(net.origin.recipe)
    net.fit(
        images[:1300], labels[:1300], batch_size=min(entry.batch_size, 200), epochs=30, verbose=0
    )
    theirs.fit(images[:1300].reshape(-1, 64), labels[:1300])
    expected = theirs.score(images[1300:].reshape(-1, 64), labels[1300:])
    assert net.evaluate(images[1300:], labels[1300:], verbose=0)[1] > expected - 0.03
