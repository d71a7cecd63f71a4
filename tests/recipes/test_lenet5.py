import keras
import numpy as np
import pytest

from amalthea.errors import UserError
from amalthea.layers import PartialConv2D
from amalthea.recipes import lenet5
from amalthea.recipes.classifiers.lenet5 import C3_CONNECTIONS, MaximumAPosteriori, scaled_tanh


def test_the_originals_codes_are_told_apart_or_refused():
    codes = lenet5(num_classes=127, original=True).get_layer("output").get_weights()[0]
    assert len({tuple(code) for code in codes}) == 127
    assert all(-84 < code.sum() < 84 for code in codes)
    with pytest.raises(UserError, match="127 classes apart, got 128"):
        lenet5(num_classes=128, original=True)


def parameters(layer):
    return sum(int(np.prod(w.shape)) for w in layer.trainable_weights)


@pytest.mark.parametrize(
    ("original", "counts"),
    [
        (False, {"c1": 156, "c3": 2416, "c5": 48_120, "f6": 10_164, "output": 850}),
        # The counts of the paper's section II.B, layer by layer.
        (
            True,
            {"c1": 156, "s2": 12, "c3": 1516, "s4": 32, "c5": 48_120, "f6": 10_164, "output": 0},
        ),
    ],
)
def test_has_the_published_parameters_layer_by_layer(original, counts):
    model = lenet5(original=original)
    assert {n: parameters(model.get_layer(n)) for n in counts} == counts
    assert sum(counts.values()) == sum(map(parameters, model.layers))


def test_the_connection_table_is_that_of_the_paper():
    # Table I has 60 connections: six maps of three neighbours, nine of four, one of all six.
    assert [len(row) for row in C3_CONNECTIONS] == [3] * 6 + [4] * 9 + [6]
    assert len(set(C3_CONNECTIONS)) == 16
    uses = np.bincount([i for row in C3_CONNECTIONS for i in row])
    assert uses.tolist() == [10] * 6
    layer = lenet5(original=True).get_layer("c3")
    assert isinstance(layer, PartialConv2D)
    assert layer.connections == C3_CONNECTIONS


def test_the_feature_maps_have_the_papers_sizes():
    model = lenet5()
    sizes = {n: model.get_layer(n).output.shape[1:] for n in ("c1", "s2", "c3", "s4", "c5", "f6")}
    assert sizes == {
        "c1": (28, 28, 6),
        "s2": (14, 14, 6),
        "c3": (10, 10, 16),
        "s4": (5, 5, 16),
        "c5": (120,),
        "f6": (84,),
    }


def test_the_squashing_function_keeps_plus_and_minus_one():
    np.testing.assert_allclose(scaled_tanh(np.array([-1.0, 0, 1])), [-1, 0, 1], atol=2e-4)


def test_the_criterion_is_equation_nine():
    distances = np.random.default_rng(0).random((4, 3)) * 5
    labels = np.array([0, 2, 1, 1])
    own = distances[np.arange(4), labels]
    expected = own + np.log(np.exp(-0.1) + np.exp(-distances).sum(axis=1))
    loss = MaximumAPosteriori(reduction="none")
    np.testing.assert_allclose(loss(labels, -distances), expected, rtol=1e-5)
    np.testing.assert_allclose(loss(labels[:, None], -distances), expected, rtol=1e-5)


def test_the_fixed_codes_are_far_apart_and_do_not_move():
    model = lenet5((12, 12, 1), 100, original=True, seed=0)
    codes = np.asarray(model.get_layer("output").centers)
    assert set(np.unique(codes)) == {-1, 1}
    apart = (codes[:, None] != codes[None]).sum(axis=-1) + 84 * np.eye(100)
    assert apart.min() >= 20, "two codes share too many of their 84 components"
    model.fit(np.random.rand(8, 12, 12, 1), np.arange(8), verbose=0)
    np.testing.assert_array_equal(model.get_layer("output").centers, codes)


@pytest.mark.parametrize(
    "original", [False, pytest.param(True, marks=[pytest.mark.slow, pytest.mark.jax])]
)
def test_learns_to_tell_digits_apart(original):
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.kron(digits.images[..., None] / 16, np.ones((1, 2, 2, 1)))
    model = lenet5((16, 16, 1), original=original, seed=0, learning_rate=3e-3)
    model.fit(images[:1500], digits.target[:1500], epochs=6, verbose=0)
    _, accuracy = model.evaluate(images[1500:], digits.target[1500:], verbose=0)
    assert accuracy > 0.85


def test_the_endpoint_gives_probabilities():
    from amalthea.recipes import get_recipe

    model = lenet5((12, 12, 1), 3, seed=0)
    images = np.random.rand(2, 12, 12, 1).astype("float32")
    served = get_recipe("lenet5").endpoints["serve"].bind(model)({"images": images})
    expected = keras.ops.softmax(model.predict(images, verbose=0))
    np.testing.assert_allclose(served["probabilities"], expected, rtol=1e-5)


def test_images_too_small_are_named():
    with pytest.raises(UserError, match="at least 12×12 pixels with a padding of 2, got 8×8"):
        lenet5((8, 8, 1))
    with pytest.raises(UserError, match="at least 16×16 pixels with a padding of 0, got 28×14"):
        lenet5((28, 14, 1), padding=0)


@pytest.mark.parametrize("shape", [(12, 12, 1), (13, 20, 3), (32, 32, 3)])
def test_takes_images_of_any_size_from_12_pixels(shape):
    assert lenet5(shape, 4).output_shape == (None, 4)
