import numpy as np
import pytest

from amalthea.recipes import get_recipe, hopfield


def endpoint(model, name, **inputs):
    (output,) = get_recipe("hopfield").endpoints[name].bind(model)(inputs).values()
    return np.asarray(output)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 2, (5, 10, 10, 1)).astype("float32")


@pytest.fixture(scope="module")
def model(images):
    """A net of 100 units that has stored five images."""
    model = hopfield(seed=0)
    model.fit(images, epochs=1, verbose=0)
    return model


def test_corrupted_images_recall_the_stored_ones(model, images):
    wrong = np.random.default_rng(1).random(images.shape) < 0.15
    corrupted = np.where(wrong, 1 - images, images)
    np.testing.assert_array_equal(endpoint(model, "serve", images=corrupted), images)
    assert (
        endpoint(model, "energy", images=images) < endpoint(model, "energy", images=corrupted)
    ).all()


def test_missing_pixels_are_completed_and_given_ones_untouched(model, images):
    mask = np.zeros_like(images)
    mask[:, :5] = 1
    grey = np.where(mask > 0, 0.2 + 0.6 * images, 0.7).astype("float32")
    completed = endpoint(model, "complete", images=grey, mask=mask)
    np.testing.assert_array_equal(completed[:, :5], grey[:, :5])
    np.testing.assert_array_equal(completed[:, 5:], images[:, 5:])


@pytest.mark.tensorflow
def test_samples_are_where_random_states_settle(model):
    first, other = (
        endpoint(model, "sample", n=np.int32(20), seed=np.int32(seed)) for seed in (1, 2)
    )
    assert set(first.ravel()) == {0, 1}
    assert (first != other).any()
    np.testing.assert_array_equal(endpoint(model, "serve", images=first), first)
