import numpy as np
import pytest
from keras import ops

from amalthea.layers import Corruption

from harness import check_layer, one_sentence

ONES = np.ones((100, 100), "float32")


@pytest.mark.parametrize("kind", ["masking", "gaussian"])
def test_is_a_layer(kind):
    check_layer(lambda **k: Corruption(kind, 0.3, seed=0, **k), (4, 4, 1), (4, 4, 1))


@pytest.mark.parametrize("kind", ["masking", "gaussian"])
def test_outside_training_there_is_no_noise(kind):
    layer = Corruption(kind, 0.5, seed=0)
    np.testing.assert_array_equal(layer(ONES), ONES)
    np.testing.assert_array_equal(Corruption(kind, 0.0)(ONES, training=True), ONES)


def test_masking_sets_a_share_to_0_and_does_not_enlarge_the_rest():
    noisy = ops.convert_to_numpy(Corruption("masking", 0.3, seed=0)(0.5 * ONES, training=True))
    assert set(np.unique(noisy)) == {0, 0.5}
    assert (noisy == 0).mean() == pytest.approx(0.3, abs=0.02)


def test_gaussian_noise_has_the_deviation_asked_for():
    noise = ops.convert_to_numpy(Corruption("gaussian", 0.3, seed=0)(ONES, training=True)) - 1
    assert noise.std() == pytest.approx(0.3, rel=0.03)
    assert noise.mean() == pytest.approx(0, abs=0.01)


def test_each_call_draws_anew_and_the_seed_decides():
    def drawn(seed):
        layer = Corruption("gaussian", 1.0, seed=seed)
        return [ops.convert_to_numpy(layer(ONES[:2], training=True)) for _ in range(2)]

    first, again, other = drawn(1), drawn(1), drawn(2)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("salt", 0.1), "kind must be one of masking, gaussian, got 'salt'"),
        (("masking", 1.0), "level must be at least 0 and below 1 for masking noise, got 1.0"),
        (("gaussian", -1), "level must be at least 0 for gaussian noise, got -1"),
    ],
)
def test_what_cannot_be_is_named(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        Corruption(*arguments)
    one_sentence(error)
