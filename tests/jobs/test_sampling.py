import matplotlib.image
import numpy as np
import pytest

from amalthea import jobs
from amalthea.errors import UserError

from harness import one_sentence


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A machine that has learnt two kinds of images: left half white, or right half white."""
    folder = tmp_path_factory.mktemp("halves")
    left = np.zeros((400, 6, 6, 1), "float32")
    left[:, :, :3] = 1
    images = np.where(np.arange(400)[:, None, None, None] % 2, left, 1 - left)
    np.savez(folder / "halves.npz", images=images)
    arguments = {"hidden_units": 8, "persistent_chains": 0, "learning_rate": 0.2}
    data = f"arrays:{folder / 'halves.npz'}"
    settings = {"arguments": arguments, "epochs": 10, "batch_size": 16, "verbose": 0}
    return jobs.train("rbm", data, out=folder / "run", **settings)


def test_every_sample_is_of_a_kind_that_was_learnt_and_both_kinds_are_drawn(run):
    images = jobs.sample(run.path, 40, steps=100)
    assert images.shape == (40, 6, 6, 1)
    left, right = images[:, :, :3].mean((1, 2, 3)), images[:, :, 3:].mean((1, 2, 3))
    assert (np.abs(left - right) > 0.8).mean() > 0.9
    assert 0.2 < (left > right).mean() < 0.8


def test_the_seed_decides_the_images(arrays, tmp_path):
    run = jobs.train("rbm", arrays, out=tmp_path / "a", epochs=1, verbose=0)
    first, again, other = (jobs.sample(run.path, 8, steps=3, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_missing_pixels_are_completed_and_given_ones_untouched(run):
    from amalthea.recipes import get_recipe

    complete = get_recipe("rbm").endpoints["complete"].bind(run.load_model())
    images = np.zeros((20, 6, 6, 1), "float32")
    images[:, :2, :3] = 0.9
    mask = np.zeros_like(images)
    mask[:, :2] = 1
    inputs = {"images": images, "mask": mask, "steps": np.int32(50), "seed": np.int32(0)}
    completed = np.asarray(complete(inputs)["completions"])
    np.testing.assert_array_equal(completed[:, :2], images[:, :2])
    assert completed[:, 2:, :3].mean() > 0.8
    assert completed[:, 2:, 3:].mean() < 0.2


def test_the_grid_is_a_picture(run, tmp_path, command):
    grid = tmp_path / "new" / "grid.png"
    status, _, err = command("sample", run.path, "-n", 5, "--steps", 3, "--grid", grid)
    assert status == 0, err
    picture = matplotlib.image.imread(grid)
    assert picture.shape[0] < picture.shape[1]  # two rows of three
    assert command("sample", run.path, "--grid", grid)[0] == 2
    assert command("sample", run.path, "-n", 1, "--steps", 1, "--grid", grid, "--force")[0] == 0
    assert command("sample", run.path)[0] == 2


def test_a_model_that_does_not_sample_is_named(arrays, tmp_path):
    jobs.train("lenet5", arrays, out=tmp_path / "a", image_size=12, epochs=1, verbose=0)
    with pytest.raises(UserError, match="lenet5 does not sample") as error:
        jobs.sample(tmp_path / "a", 3)
    one_sentence(error)
    with pytest.raises(UserError, match="n must be a whole number of at least 1, got 0"):
        jobs.sample(tmp_path / "a", 0)


@pytest.fixture(scope="module")
def conditional(tmp_path_factory):
    """A conditional net that has learnt a little of 8×8 images of three classes."""
    folder = tmp_path_factory.mktemp("classes")
    images = np.random.default_rng(0).random((60, 8, 8, 1), dtype="float32")
    np.savez(folder / "classes.npz", images=images, labels=np.arange(60) % 3)
    settings = {"arguments": {"hidden_units": 24}, "epochs": 2, "batch_size": 16, "verbose": 0}
    data = f"arrays:{folder / 'classes.npz'}"
    return jobs.train("conditional_gan", data, out=folder / "run", **settings)


@pytest.mark.slow
def test_without_a_label_a_conditional_net_draws_equally_many_of_each_class(conditional):
    mixed = jobs.sample(conditional.path, 6, seed=3)
    latents_of = [jobs.sample(conditional.path, 6, label=label, seed=3) for label in range(3)]
    for place, label in enumerate((0, 0, 1, 1, 2, 2)):
        np.testing.assert_allclose(mixed[place], latents_of[label][place], atol=1e-6)
    assert np.abs(latents_of[0] - latents_of[1]).max() > 1e-4


def test_a_label_that_is_none_of_a_conditional_net_is_one_sentence(conditional):
    with pytest.raises(UserError, match="from 0 to 2 or the name of a class, got 3"):
        jobs.sample(conditional.path, 2, label=3)


def test_a_training_of_an_adversarial_net_logs_what_its_losses_do_not_say(conditional):
    header = (conditional.path / "log.csv").read_text().splitlines()[0].split(",")
    assert {"sample_spread", "score_margin", "val_sliced_wasserstein"} <= set(header)
    assert (conditional.path / "samples" / "training.gif").is_file()
    figures = jobs.evaluate(conditional.path, split="validation")
    assert figures["sliced_wasserstein"] > 0
