import numpy as np
import pytest

from amalthea.recipes import boltzmann_machine, get_recipe


def endpoint(model, name, **inputs):
    (output,) = get_recipe("boltzmann_machine").endpoints[name].bind(model)(inputs).values()
    return np.asarray(output)


@pytest.fixture(scope="module")
def model():
    """A machine that has learnt two kinds of images: left half white, or right half white."""
    left = np.zeros((400, 4, 4, 1), "float32")
    left[:, :, :2] = 1
    images = np.where(np.arange(400)[:, None, None, None] % 2, left, 1 - left)
    arguments = {"hidden_units": 4, "weight_decay": 0.0}
    model = boltzmann_machine((4, 4, 1), seed=0, **arguments)
    model.fit(images, batch_size=20, epochs=15, verbose=0)
    return model


@pytest.mark.slow
@pytest.mark.jax
@pytest.mark.tensorflow
def test_every_sample_is_of_a_kind_that_was_learnt(model):
    images = endpoint(model, "sample", n=np.int32(40), steps=np.int32(30), seed=np.int32(1))
    left, right = images[:, :, :2].mean((1, 2, 3)), images[:, :, 2:].mean((1, 2, 3))
    assert (np.abs(left - right) > 0.8).mean() > 0.9
    assert 0.1 < (left > right).mean() < 0.9


def test_missing_pixels_are_completed_and_given_ones_untouched(model):
    images = np.zeros((20, 4, 4, 1), "float32")
    images[:, :2, :2] = 0.9
    mask = np.zeros_like(images)
    mask[:, :2] = 1
    inputs = {"images": images, "mask": mask, "steps": np.int32(20), "seed": np.int32(0)}
    completed = endpoint(model, "complete", **inputs)
    np.testing.assert_array_equal(completed[:, :2], images[:, :2])
    assert completed[:, 2:, :2].mean() > 0.8
    assert completed[:, 2:, 2:].mean() < 0.2


def test_a_flipped_pixel_raises_the_free_energy_and_is_put_right(model):
    images = np.zeros((2, 4, 4, 1), "float32")
    images[:, :, :2] = 1
    images[1, 1, 3] = 1
    whole, flipped = endpoint(model, "free_energy", images=images)
    assert flipped > whole
    reconstructions = endpoint(model, "reconstruct", images=images)
    np.testing.assert_array_equal(np.round(reconstructions), images[[0, 0]])
