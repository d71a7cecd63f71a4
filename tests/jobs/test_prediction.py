import json

import numpy as np
import pytest
from PIL import Image

from amalthea import data, jobs
from amalthea.errors import UserError

from harness import one_sentence

TINY = {"hidden_units": (6,), "latent_dim": 3}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Class folders of 20 cats and 20 dogs each, of 12×12 pixels."""
    top, random = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for shade, name in ((60, "cats"), (190, "dogs")):
        (top / name).mkdir()
        for number in range(20):
            pixels = shade + random.integers(-50, 50, (12, 12))
            Image.fromarray(pixels.astype("uint8")).save(top / name / f"{name}{number}.png")
    return top


@pytest.fixture(scope="module")
def classifier(pictures, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "classifier"
    settings = {"epochs": 20, "batch_size": 8, "verbose": 0}
    return jobs.train("lenet5", f"images:{pictures}", out=out, **settings)


@pytest.fixture(scope="module")
def machine(pictures, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "machine"
    return jobs.train(
        "rbm", f"images:{pictures}", out=out, arguments={"hidden_units": 8}, epochs=1, verbose=0
    )


@pytest.fixture(scope="module")
def conditional(pictures, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "conditional"
    recipe = "conditional_variational_autoencoder"
    settings = {"arguments": TINY, "epochs": 1, "verbose": 0}
    return jobs.train(recipe, f"images:{pictures}", out=out, **settings)


def test_pictures_are_named_by_their_classes(classifier, pictures):
    prediction = jobs.predict(classifier.path, [pictures / "cats", pictures / "dogs"])
    names = [most_probable[0][0] for most_probable in prediction.classes()]
    assert names == ["cats"] * 20 + ["dogs"] * 20
    whole = data.read(f"images:{pictures}", "train+validation").as_float()
    expected = classifier.load_model().predict(whole, verbose=0)
    assert prediction.outputs["probabilities"].shape == (40, 2)
    np.testing.assert_allclose(prediction.outputs["probabilities"].sum(1), 1, rtol=1e-5)
    assert len(expected) < 40


def test_the_command_line_prints_classes_as_a_table_and_as_json(classifier, pictures, command):
    status, out, _ = command("predict", classifier.path, pictures / "dogs" / "dogs3.png")
    assert status == 0
    assert "dogs" in out
    assert "probability" in out
    status, out, _ = command("predict", classifier.path, pictures / "cats", "--json", "--top", 2)
    rows = json.loads(out)
    assert [row["class"] for row in rows] == ["cats"] * 20
    assert set(rows[0]["classes"]) == {"cats", "dogs"}


def test_a_picture_of_another_size_is_brought_to_the_models(classifier, tmp_path):
    Image.new("RGB", (30, 40), (190, 190, 190)).save(tmp_path / "large.png")
    prediction = jobs.predict(classifier.path, tmp_path / "large.png")
    assert prediction.images.shape == (1, 12, 12, 1)
    assert prediction.classes()[0][0][0] == "dogs"


def test_arrays_are_read_as_those_of_the_training(classifier, tmp_path):
    images = np.full((3, 12, 12), 190, "uint8")
    np.savez(tmp_path / "a.npz", images=images)
    by_file = jobs.predict(classifier.path, tmp_path / "a.npz", value_range=(0, 255))
    by_array = jobs.predict(classifier.path, (images / 255).astype("float32"))
    np.testing.assert_allclose(
        by_file.outputs["probabilities"], by_array.outputs["probabilities"], rtol=1e-4
    )
    assert by_file.names == ["0", "1", "2"]


def test_completions_keep_what_is_given(machine, pictures, command, tmp_path):
    words = ("predict", machine.path, pictures / "cats", "--missing", "lower", "--steps", 3)
    status, _, err = command(*words)
    assert status == 2
    assert "--out" in one_sentence(err)
    status, _, err = command(*words, "--out", tmp_path / "out")
    assert status == 0, err
    with np.load(tmp_path / "out" / "outputs.npz") as file:
        completions, names = file["completions"], file["names"]
    assert names[0].endswith("cats0.png")
    given = data.read_pictures([pictures / "cats"], (12, 12, 1))[1] / 255
    np.testing.assert_allclose(completions[:, :6], given[:, :6], rtol=1e-5)
    assert not np.allclose(completions[:, 6:], given[:, 6:])
    assert (tmp_path / "out" / "completions.png").exists()
    assert len(list((tmp_path / "out" / "completions").iterdir())) == 20


def test_a_machine_gives_reconstructions_and_an_adversarial_net_scores(
    machine, arrays, tmp_path, pictures
):
    prediction = jobs.predict(machine.path, pictures / "cats")
    assert prediction.endpoint == "reconstruct"
    assert prediction.outputs["reconstructions"].shape == (20, 12, 12, 1)
    outputs = jobs.predict(machine.path, pictures, endpoint="free_energy").outputs
    assert outputs["free_energies"].shape == (40,)
    points = np.random.default_rng(0).random((30, 2), dtype="float32")
    sets = {"train": points, "validation": points}
    run = jobs.train("toy_gan", sets, out=tmp_path / "gan", epochs=1, verbose=0)
    prediction = jobs.predict(run.path, points[:5])
    assert prediction.endpoint == "discriminate"
    assert [set(row) for row in prediction.rows()] == [{"row", "scores"}] * 5


@pytest.mark.slow
def test_words_of_one_are_classes_too(arrays, tmp_path):
    arguments = {"hidden_units": (6,), "caption_units": 4, "joint_units": 6}
    arguments["pretraining_epochs"] = 1
    run = jobs.train(
        "multimodal_dbn", arrays, out=tmp_path / "a", arguments=arguments, epochs=2, verbose=0
    )
    images = np.random.default_rng(0).random((4, 6, 6, 1), dtype="float32")
    assert {row["class"] for row in jobs.predict(run.path, images).rows()} <= {"0", "1", "2"}


def test_a_conditional_model_guesses_the_class_itself(conditional):
    images = np.random.default_rng(0).random((5, 12, 12, 1), dtype="float32")
    assert jobs.predict(conditional.path, images).outputs["outputs"].shape == images.shape


@pytest.mark.parametrize(
    ("images", "options", "words"),
    [
        ("nowhere.png", {}, "there is no picture"),
        ([], {}, "no images to predict"),
        (np.zeros((2, 6, 6), "float32"), {}, r"takes images of shape \(12, 12, 1\)"),
        (np.zeros((2, 12, 12), "float32"), {"missing": "middle"}, "missing must be one of"),
        (np.zeros((2, 12, 12), "float32"), {"missing": "lower"}, "has no endpoint 'complete'"),
        (np.zeros((2, 12, 12), "float32"), {"endpoint": "serv"}, "did you mean serve"),
        (np.zeros((2, 12, 12), "float32"), {"steps": 3}, "takes no Gibbs steps"),
    ],
)
def test_what_cannot_be_predicted_is_one_sentence(classifier, images, options, words):
    with pytest.raises(UserError, match=words) as error:
        jobs.predict(classifier.path, images, **options)
    one_sentence(error)


def test_a_class_is_sampled_by_its_name(conditional, tmp_path, command):
    by_name, by_number = (jobs.sample(conditional.path, 3, label=label) for label in ("dogs", 1))
    np.testing.assert_array_equal(by_name, by_number)
    status, _, err = command(
        "sample", conditional.path, "--label", "dog", "--grid", tmp_path / "a.png"
    )
    assert status == 2
    assert "did you mean dogs?" in one_sentence(err)
