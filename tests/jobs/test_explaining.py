import numpy as np
import pytest
from PIL import Image

from amalthea import jobs
from amalthea.errors import UserError

from harness import one_sentence


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    images = np.random.default_rng(0).random((30, 12, 12, 1)).astype("float32")
    labels = np.array(["cat", "cow", "dog"])[np.arange(30) % 3]
    out = tmp_path_factory.mktemp("runs") / "a"
    return jobs.train("lenet5", (images, labels), out=out, epochs=1, verbose=0).path


def test_explanations_are_drawn_and_written(run, tmp_path, command):
    for name in ("one", "two"):
        pixels = np.random.default_rng(len(name)).integers(0, 256, (20, 20), "uint8")
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    words = ("explain", run, tmp_path / "one.png", tmp_path / "two.png", "--out", tmp_path / "e")
    status, out, _ = command(*words, "--label", "cow")
    assert status == 0
    assert out.count(": cow") == 2
    with Image.open(tmp_path / "e" / "explanations.png") as picture:
        assert min(picture.size) > 100
    with np.load(tmp_path / "e" / "outputs.npz") as outputs:
        assert outputs["labels"].tolist() == [1, 1]
        assert outputs["saliency"].shape == outputs["grad_cam"].shape == (2, 12, 12)
        assert outputs["integrated_gradients"].shape == (2, 12, 12, 1)
    status, _, err = command(*words)
    assert status == 2
    assert "exists: choose another place" in err
    assert command(*words, "--force")[0] == 0


def test_features_are_written(run, tmp_path, command):
    images = np.random.default_rng(0).random((5, 12, 12, 1)).astype("float32")
    np.savez(tmp_path / "own.npz", images=images)
    words = ("features", run, tmp_path / "own.npz", "--out", tmp_path / "f.npz")
    status, out, _ = command(*words)
    assert status == 0
    assert "5 rows of 84 features" in out
    with np.load(tmp_path / "f.npz") as found:
        np.testing.assert_allclose(found["features"], jobs.features(run, images), rtol=1e-6)
        assert found["names"].tolist() == list("01234")
    assert command(*words)[0] == 2


@pytest.mark.parametrize(
    ("job", "settings", "message"),
    [
        (jobs.explain, {"label": "cats"}, "has no class 'cats'.*cat"),
        (jobs.explain, {"label": 3}, "label must be from 0 to 2, got 3"),
        (jobs.features, {"out": "features.txt"}, "written to a file .npz, got features.txt"),
    ],
)
def test_a_mistake_is_one_sentence(run, job, settings, message):
    images = np.zeros((1, 12, 12, 1), "float32")
    with pytest.raises(UserError, match=message) as error:
        job(run, images, **settings)
    one_sentence(error)


def test_of_models_that_know_no_classes_nothing_is_explained(arrays, tmp_path):
    out = tmp_path / "a"
    small = {"hidden_units": (4,), "latent_dim": 2}
    jobs.train("tied_autoencoder", arrays, out=out, arguments=small, epochs=1, verbose=0)
    images = np.zeros((1, 6, 6, 1), "float32")
    with pytest.raises(UserError, match="tied_autoencoder has no endpoint 'explain'"):
        jobs.explain(out, images)
    assert jobs.features(out, images).shape == (1, 2)
