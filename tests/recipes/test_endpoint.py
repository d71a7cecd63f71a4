import keras
import numpy as np
import pytest

from amalthea.recipes import Function, Images, Like, Number, PerRow, Whole


def model():
    images = keras.Input((2, 3, 1))
    code = keras.layers.Dense(4, name="code")(keras.layers.Flatten()(images))
    return keras.Model(images, code)


def _scaled(model, images: Images, factors: PerRow, power: Number, times: Whole = 1):
    factors = keras.ops.cast(factors, "float32") ** power
    return {"scaled": times * factors[:, None] * model(images)}


def test_annotations_say_what_inputs_are_and_defaults_are_none_unless_named():
    net, images = model(), np.ones((2, 2, 3, 1), "float32")
    given = {"images": images, "factors": np.array([1, 3]), "power": np.array(2.0, "float32")}
    plain = Function(_scaled, ("scaled",))
    assert plain.inputs == ("images", "factors", "power")
    scaled = plain.bind(net).predict_on_batch(given)["scaled"]
    expected = np.array([[1.0], [9.0]]) * net.predict_on_batch(images)
    np.testing.assert_allclose(scaled, expected, rtol=1e-6)
    named = Function(_scaled, ("scaled",), optional=("times",))
    assert named.inputs == ("images", "factors", "power", "times")
    twice = named.bind(net, times=2).predict_on_batch(given)["scaled"]
    np.testing.assert_allclose(twice, 2 * expected, rtol=1e-6)


def test_an_input_is_like_a_part_or_a_layer():
    net = model()
    net.decoder = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)])
    assert tuple(Like("decoder").input(net, "codes").shape) == (None, 5)
    assert tuple(Like(layer="code").input(net, "codes").shape) == (None, 4)
    assert tuple(Images.input(net, "images").shape) == (None, 2, 3, 1)


def test_an_argument_that_does_not_say_what_it_is_is_named():
    def flawed(model, images: Images, factor):
        return {}

    with pytest.raises(TypeError, match="flawed: the annotation of factor must be an input"):
        Function(flawed, ("nothing",))
