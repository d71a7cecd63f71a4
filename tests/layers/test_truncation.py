import numpy as np
import pytest
from keras import ops

from amalthea.layers import Truncation

from harness import check_layer

LATENTS = np.random.default_rng(0).normal(2, 1, (5, 3)).astype("float32")


def test_is_a_layer():
    check_layer(lambda **k: Truncation(**k), (3,), (3,), non_trainable=1)


def test_in_training_latents_pass_and_the_mean_follows():
    layer = Truncation(decay=0.9)
    for _ in range(2):
        np.testing.assert_array_equal(ops.convert_to_numpy(layer(LATENTS, training=True)), LATENTS)
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer.mean), (1 - 0.9**2) * LATENTS.mean(axis=0), rtol=1e-5
    )


@pytest.mark.parametrize("psi", [0.0, 0.7, 1.0])
def test_psi_is_the_share_of_the_distance_that_remains(psi):
    layer = Truncation()
    layer.build(LATENTS.shape)
    mean = np.array([1.0, 2.0, 3.0], "float32")
    layer.mean.assign(mean)
    outputs = ops.convert_to_numpy(layer(LATENTS, psi=psi))
    np.testing.assert_allclose(outputs, mean + psi * (LATENTS - mean), rtol=1e-5)


@pytest.mark.parametrize("decay", [-0.1, 1])
def test_a_wrong_decay_is_one_sentence(decay):
    with pytest.raises(ValueError, match="decay must be at least 0 and below 1, got"):
        Truncation(decay)
