import shutil

import h5py
import keras
import numpy as np
import pytest
from keras.applications.imagenet_utils import preprocess_input
from keras.src.legacy.saving import legacy_h5_format

from amalthea import jobs
from amalthea.errors import UserError
from amalthea.jobs.initial import begin_with, freeze_layers, read_weights, scoring_layers
from amalthea.recipes import densenet121, get_recipe, mlp, resnet, resnet50, vgg16

from harness import build, one_sentence

SMALL = {"blocks": (1,), "filters": 4}


def animals(*names, count=30):
    """Random images, of which each class has its own brightness."""
    random = np.random.default_rng(0)
    labels = np.arange(count) % len(names)
    images = random.uniform(0, 0.5, (count, 8, 8, 1)) + labels.reshape(-1, 1, 1, 1) / 10
    return images.astype("float32"), np.array(names)[labels]


def train(data, out, **changes):
    settings = {"out": out, "arguments": SMALL, "epochs": 1, "batch_size": 8, "verbose": 0}
    return jobs.train("resnet", data, **settings | changes)


@pytest.fixture(scope="module")
def earlier(tmp_path_factory):
    """A run on cats, cows and dogs."""
    return train(animals("cat", "cow", "dog"), tmp_path_factory.mktemp("runs") / "earlier")


def weights(model, part="all"):
    """By path; of the features, or of the scores, or of all."""
    values = {v.path: np.asarray(v.value) for v in model.weights}
    if part == "all":
        return values
    return {k: v for k, v in values.items() if k.startswith("scores/") == (part == "scores")}


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name)


def test_frozen_features_are_the_same_to_the_last_bit_after_training(earlier, tmp_path):
    data = animals("ant", "bee")
    run = train(data, tmp_path / "a", initial=earlier.path, freeze="features", epochs=2)
    old, new = earlier.load_model(), run.load_model()
    assert_same(weights(old, "features"), weights(new, "features"))
    assert new.output_shape == (None, 2)
    assert {v.path for v in new.trainable_weights} == {"scores/kernel", "scores/bias"}
    fresh = resnet((8, 8, 1), 2, **SMALL, seed=0)
    for path, value in weights(new, "scores").items():
        assert not np.array_equal(value, weights(fresh)[path])  # learnt, from new weights on


def test_classes_of_the_same_names_keep_their_scores(earlier):
    old = earlier.load_model()
    model = resnet((8, 8, 1), 4, **SMALL, seed=1)
    fresh = weights(model)
    given = read_weights(earlier.path, get_recipe("resnet"), model.origin.arguments)
    said = begin_with(model, given, {"scores"}, ("ant", "cow", "bee", "cat"))
    assert said.endswith("; of scores those of cat, cow")
    new = weights(model)
    assert_same(weights(old, "features"), weights(model, "features"))
    for path in ("scores/kernel", "scores/bias"):
        theirs = weights(old)[path]
        np.testing.assert_array_equal(new[path][..., 1], theirs[..., 1])
        np.testing.assert_array_equal(new[path][..., 3], theirs[..., 0])
        np.testing.assert_array_equal(new[path][..., [0, 2]], fresh[path][..., [0, 2]])


def test_the_same_classes_are_all_taken_over(earlier):
    model = resnet((8, 8, 1), 3, **SMALL, seed=1)
    given = read_weights(earlier.path, get_recipe("resnet"), model.origin.arguments)
    begin_with(model, given, {"scores"}, ("cat", "cow", "dog"))
    assert_same(weights(earlier.load_model()), weights(model))


@pytest.mark.parametrize("name", ["model.keras", "of.weights.h5"])
def test_files_of_keras_are_taken_whatever_their_number_of_classes(earlier, tmp_path, name):
    old = earlier.load_model()
    file = tmp_path / name
    old.save(file) if name.endswith(".keras") else old.save_weights(file)
    for classes in (3, 5):
        model = resnet((8, 8, 1), classes, **SMALL, seed=1)
        given = read_weights(file, get_recipe("resnet"), model.origin.arguments)
        said = begin_with(model, given, {"scores"}, ())
        assert_same(weights(old, "features"), weights(model, "features"))
        assert said.endswith("; new is scores") == (classes == 5)


@pytest.mark.slow
def test_a_run_without_a_backup_begins_anew_with_the_same_weights(earlier, tmp_path):
    data = animals("ant", "bee")
    run = train(data, tmp_path / "a", initial=earlier.path, freeze=2)
    expected = weights(run.load_model())
    for item in ("backup", "samples"):
        shutil.rmtree(run.path / item, ignore_errors=True)
    for item in ("model.keras", "log.csv"):
        (run.path / item).unlink()
    again = jobs.resume(run.path, data, verbose=0)
    assert_same(expected, weights(again.load_model()))
    further = jobs.resume(run.path, data, epochs=2, verbose=0).load_model()
    first = list(weights(further))[:5]  # a kernel, and what normalises it
    assert_same({k: expected[k] for k in first}, {k: weights(further)[k] for k in first})
    assert not np.array_equal(weights(further)["scores/kernel"], expected["scores/kernel"])


def test_layers_that_score_classes_are_found_in_any_recipe():
    scoring = {
        "resnet": {"scores"},
        "mlp": {"scores"},
        "network_in_network": {"class_maps"},
        "googlenet": {"scores", "head_4a_scores", "head_4d_scores"},
        "rbm": set(),
    }
    for name, found in scoring.items():
        entry = get_recipe(name)
        arguments = {p.name: p.default for p in entry.parameters} | dict(entry.smoke)
        assert scoring_layers(entry, arguments) == found


@pytest.mark.parametrize(
    ("what", "count"), [("none", None), ("features", 1), (0, None), (1, 4), ("3", 2), (5, 0)]
)
def test_so_many_layers_freeze(what, count):
    model = mlp((4, 4, 1), 3, hidden_units=(4, 4, 4, 4))
    freeze_layers(model, get_recipe("mlp"), what)
    free = sum(layer.trainable for layer in model.layers if layer.weights)
    assert free == (5 if count is None else count)


def test_heads_do_not_freeze_with_the_features():
    model = build("googlenet")
    freeze_layers(model, get_recipe("googlenet"), "features")
    free = {v.path.split("/")[0] for v in model.trainable_weights}
    assert all(name.startswith(("scores", "head_")) for name in free)
    assert len(free) == 1 + 2 * 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"initial": "nowhere"}, "there is no run and no file nowhere to take weights from"),
        ({"freeze": "most"}, "freeze must be 'none', 'features', or how many of the .*'most'"),
        ({"freeze": 99}, "freeze must be .* got 99"),
        ({"freeze": -1}, "freeze must be .* got -1"),
    ],
)
def test_a_mistake_is_one_sentence_and_writes_nothing(tmp_path, changes, message):
    with pytest.raises(UserError, match=message) as error:
        train(animals("cat", "cow"), tmp_path / "a", **changes)
    one_sentence(error)
    assert not (tmp_path / "a").exists()


def test_weights_of_another_model_are_refused_and_nothing_is_changed(earlier, tmp_path):
    def refused(source, model, message):
        before = weights(model)
        recipe = get_recipe(model.origin.recipe)
        with pytest.raises(UserError, match=message) as error:
            begin_with(model, read_weights(source, recipe, model.origin.arguments), {"scores"}, ())
        one_sentence(error)
        assert_same(before, weights(model))

    small = mlp((8, 8, 1), 3, hidden_units=(4,))
    refused(earlier.path, small, "2 layers with weights, and .* has 7: it is another model")
    wide = resnet((8, 8, 1), 3, blocks=(1,), filters=8)
    refused(
        earlier.path, wide, r"stem has weights of shapes \(3, 3, 1, 8\), and in .* \(3, 3, 1, 4"
    )
    file = tmp_path / "of.weights.h5"
    small.save_weights(file)
    refused(file, wide, "does not hold the weights of resnet with these arguments")
    for name in ("damaged.keras", "damaged.weights.h5", "damaged.h5"):
        (tmp_path / name).write_bytes(b"nothing")
        refused(tmp_path / name, wide, "cannot be read")
    (tmp_path / "of.txt").write_text("nothing")
    refused(tmp_path / "of.txt", wide, "weights come from a run folder or a file")


@pytest.mark.slow
def test_the_command_line_says_what_is_taken(earlier, tmp_path, command):
    images, labels = animals("ant", "bee")
    np.savez(tmp_path / "own.npz", images=images, labels=(labels == "bee").astype("int32"))
    words = ["--blocks", "1", "--filters", 4, "--epochs", 1, "--from", earlier.path]
    data = ["--data", f"arrays:{tmp_path / 'own.npz'}", "--out", tmp_path / "a"]
    status, out, _ = command("train", "resnet", *data, *words, "--freeze", "features")
    assert status == 0
    assert f"layers are those of {earlier.path}; new is scores" in out
    status, _, err = command("train", "resnet", *data, *words, "--freeze", "all", "--force")
    assert status == 2
    assert "freeze must be" in err


# The weights of keras.applications.

BESIDE = {"include_top": True, "weights": None, "classes": 7, "classifier_activation": None}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("theirs", "ours", "preprocessing"),
    [
        (keras.applications.VGG16, vgg16, "caffe"),
        (keras.applications.ResNet50, resnet50, "caffe"),
        (keras.applications.DenseNet121, densenet121, "torch"),
    ],
)
def test_files_of_keras_applications_give_the_same_outputs(theirs, ours, preprocessing, tmp_path):
    """But for an epsilon of 1.001e-5, and biases that normalisation takes away again."""
    other, random = theirs(input_shape=(64, 64, 3), **BESIDE), np.random.default_rng(0)
    for variable in other.weights:  # statistics, too, so that nothing is the identity
        if len(variable.shape) == 1:
            low = 0.5 if variable.name in ("gamma", "moving_variance") else -0.3
            variable.assign(random.uniform(low, low + 1, variable.shape))
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, other)
    net = ours(image_shape=(64, 64, 3), num_classes=7, preprocessing=preprocessing)
    recipe = get_recipe(net.origin.recipe)
    weights = read_weights(tmp_path / "weights.h5", recipe, net.origin.arguments)
    begin_with(net, weights, {"scores"}, ())
    images = random.random((3, 64, 64, 3)).astype("float32")
    given = preprocess_input(255 * images, data_format="channels_last", mode=preprocessing)
    expected = other.predict(given, verbose=0)
    scale = np.abs(expected).max()
    assert scale > 1e-3
    np.testing.assert_allclose(
        net.predict(images, verbose=0), expected, rtol=1e-4, atol=1e-5 * scale
    )


def test_what_images_were_scaled_to_must_agree_or_be_said(earlier, tmp_path):
    data = animals("cat", "cow", "dog")
    with pytest.raises(UserError, match="'caffe' is of images of 3 channels, got 1") as error:
        train(data, tmp_path / "a", arguments=SMALL | {"preprocessing": "caffe"})
    one_sentence(error)
    data = data[0].repeat(3, axis=3), data[1]
    caffe = SMALL | {"preprocessing": "caffe"}
    run = train(data, tmp_path / "a", arguments=caffe)
    with pytest.raises(UserError, match=r"'tf', and .* was learnt with 'caffe'") as error:
        train(data, tmp_path / "b", initial=run.path)
    one_sentence(error)
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, run.load_model())
    with pytest.raises(UserError, match="does not say what its images were scaled to") as error:
        train(data, tmp_path / "b", initial=tmp_path / "weights.h5")
    one_sentence(error)
    assert not (tmp_path / "b").exists()
    train(data, tmp_path / "b", initial=tmp_path / "weights.h5", arguments=caffe)
