import numpy as np
import pytest
from keras import ops

from amalthea.layers import GaussianSample

from harness import check_gradients, check_layer, one_sentence


def statistics(mean, log_variance, rows=1):
    return np.tile(np.concatenate([mean, log_variance]), (rows, 1)).astype("float32")


def test_is_a_layer():
    check_layer(lambda **k: GaussianSample(seed=0, **k), (6,), (3,))


def test_in_training_it_draws_from_the_gaussian_of_each_row():
    given = statistics([1.0, -2.0], [0.0, -3.0], rows=20_000)
    drawn = ops.convert_to_numpy(GaussianSample(seed=0)(given, training=True))
    np.testing.assert_allclose(drawn.mean(axis=0), [1.0, -2.0], atol=0.03)
    np.testing.assert_allclose(drawn.std(axis=0), np.exp([0.0, -1.5]), rtol=0.02)
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 0.03


def test_elsewhere_it_is_the_mean():
    given = statistics([1.0, -2.0], [0.0, 3.0], rows=3)
    outputs = ops.convert_to_numpy(GaussianSample()(given, training=False))
    np.testing.assert_array_equal(outputs, np.tile([1.0, -2.0], (3, 1)))


def test_each_call_and_each_sample_draws_anew():
    layer, given = GaussianSample(4, seed=0), statistics([0.0] * 5, [0.0] * 5, rows=3)
    assert layer.compute_output_shape((3, 10)) == (4, 3, 5)
    assert tuple(layer(given).shape) == (4, 3, 5)
    drawn = [ops.convert_to_numpy(layer(given, training=True)) for _ in range(2)]
    assert len(np.unique(drawn)) == 2 * 4 * 3 * 5


def test_gradients_flow_into_mean_and_variance(float64):
    import keras

    variable = keras.Variable(np.random.default_rng(0).normal(size=(3, 4)), dtype="float64")
    layer = GaussianSample(2, seed=0)
    layer.build((3, 4))

    def loss():
        # The same draw each time.
        return ops.sum(
            ops.square(layer.draw(variable.value, 2, 7)) * np.arange(1, 13).reshape(2, 3, 2)
        )

    check_gradients(loss, [variable])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GaussianSample(0), "samples must be a whole number of at least 1, or None, got 0"),
        (lambda: GaussianSample().build((None, 5)), r"equally many, on the last axis, got .*5"),
    ],
)
def test_what_cannot_be_is_named(make, message):
    with pytest.raises(ValueError, match=message) as error:
        make()
    one_sentence(error)
