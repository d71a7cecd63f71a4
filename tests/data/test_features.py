import numpy as np
import pytest

from amalthea import data
from amalthea.data.features import FEATURES
from amalthea.data.features.line import SPECIAL
from amalthea.errors import UserError

from harness import one_sentence

MADE = {
    "image": {"shape": (3, 4, 1), "value_range": (0, 255)},
    "label": {"count": 3, "names": ("a", "b", "c")},
    "text": {"vocabulary": "ab", "length": 3},
    "mask": {"count": 2, "shape": (3, 4)},
    "boxes": {"count": 3, "most": 2},
    "points": {"dimensions": 2},
    "values": {"count": 2, "names": ("a", "b"), "means": (0.5, 2.0), "deviations": (1.0, 0.25)},
    "targets": {"count": 1},
    "series": {"steps": None, "channels": 2},
    "source": {"vocabulary": f"{SPECIAL}ab", "length": 4},
    "tags": {"count": 3, "names": ("a", "b", "c")},
    "token_labels": {"count": 3, "names": ("a", "b", "c")},
    "translation": {"vocabulary": 7},
}
STRINGS = {"source", "text", "translation"}
RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("name", FEATURES)
def test_a_feature_is_its_config(name):
    feature = FEATURES[name](**MADE[name])
    assert FEATURES[name].from_config(feature.config()) == feature
    random = feature.random(RANDOM, 5)
    # What is read as a string is given as a sequence.
    assert random.ndim == 1 + feature.axes + (name in STRINGS)
    feature.check("model", random, 5)
    assert len(random) == 5


@pytest.mark.parametrize("name", FEATURES)
def test_what_is_no_such_column_is_one_sentence(name):
    feature = FEATURES[name](**MADE[name])
    right = feature.random(RANDOM, 5)
    for wrong, words in (
        (None, "got none"),
        (right.astype(str), "got values of type <U"),
        (right[None], r"got some of shape \(5"),
        (right[:4], "got 4 for 5 examples"),
        (np.full(right.shape, np.nan), "got .*(nan|NaN)"),
    ):
        with pytest.raises(UserError, match=rf"^a model (learns from|takes) .*{words}") as error:
            feature.check("a model", wrong, 5)
        one_sentence(error)


@pytest.mark.parametrize("name", sorted(FEATURES.keys() - STRINGS - {"token_labels"}))
def test_what_a_user_has_becomes_a_column_that_a_model_of_it_takes(name):
    given = FEATURES[name](**MADE[name]).random(RANDOM, 30)
    beside = {"points": RANDOM.random((30, 2))} if name == "label" else {}
    examples = data.from_python({name: given, **beside})
    feature, stored = examples.features[name], examples.columns[name]
    assert isinstance(feature, FEATURES[name])
    feature.check("model", feature.given(stored), 30)
    np.testing.assert_allclose(feature.given(stored), given, rtol=1e-6)
    np.testing.assert_array_equal(feature.given_tensor(stored[:3]), feature.given(stored[:3]))
    assert feature.unlike(feature) is None
    assert feature.facts().items() <= feature.facts().items()


@pytest.mark.parametrize(
    ("column", "values", "words"),
    [
        ("points", [[0.5, 2]], r"coordinates in \[0, 1\], got some from 0.5 to 2: scale them"),
        ("points", [0.5], r"finite numbers \(count, dimensions\), got an array of shape \(1,\)"),
        ("values", [["a"]], "got some of type <U1"),
        ("values", [[1], [np.inf]], "got NaN or an infinite one in row 1"),
        ("values", [[1], [1, 2]], "do not form an array"),
        ("series", np.zeros((3, 4)), r"\(count, steps, channels\), got an array of shape \(3, 4\)"),
        ("tags", [[1, 2]], "must be rows of 0 and 1, .*, got an array of shape"),
        ("mask", np.full((2, 3, 3), -1), "got -1"),
        ("mask", np.full((2, 3, 3), 300), "from 0 to 255, got 300"),
        ("boxes", np.zeros((2, 1, 4)), r"five numbers each, .* got some of shape \(1, 4\)"),
        ("boxes", [[[0.5, 0, 0.2, 1, 0]]], r"got \[0.5, 0.0, 0.2"),
        ("source", ["a line", 3], "lines must be strings, one an example, got 3 in row 1"),
        ("text", ["a text", 3], "texts must be strings, one an example, got 3 in row 1"),
        ("text", [b"a text", b"\xff"], "got no UTF-8 in row 1"),
        ("text", ["a text", "\ud800"], "got no UTF-8 in row 1"),
        ("text", [["a", "text"]], r"got \['a', 'text'\] in row 0"),
        ("text", np.array([["a", "text"]]), r"got an array of shape \(1, 2\)"),
    ],
)
def test_a_mistake_in_a_column_is_one_sentence(column, values, words):
    with pytest.raises(UserError, match=f"mine.*{words}") as error:
        data.from_python({column: values}, name="mine")
    one_sentence(error)


def test_tags_can_be_named():
    examples = data.from_python({"tags": [["b", "a"], [], ["c"]]})
    assert examples.features["tags"].names == ("a", "b", "c")
    np.testing.assert_array_equal(examples.given("tags"), [[1, 1, 0], [0, 0, 0], [0, 0, 1]])


def test_what_follows_from_values_follows_from_those_to_learn_from():
    values = RANDOM.normal(5, 3, (200, 2))
    values[:, 1] = 4
    whole = data.from_python({"values": values, "targets": values[:, 0]})
    parts = {split: data.split(whole, split) for split in ("train", "test")}
    train = parts["train"]
    assert len(train) == 160
    for part in parts.values():
        feature = part.features["values"]
        np.testing.assert_allclose(feature.means, train.columns["values"].mean(0), rtol=1e-5)
        assert feature.deviations[1] == 1
        assert part.origin == train.origin
    assert len(parts["test"].given("targets")) == 20


def test_columns_of_a_file_are_examples(tmp_path):
    images = RANDOM.integers(0, 256, (40, 6, 6, 1), "uint8")
    np.savez(tmp_path / "set.npz", image=images, mask=images[..., 0] > 100)
    train = data.read(f"arrays:{tmp_path / 'set.npz'}", "train")
    assert list(train.columns) == ["image", "mask"]
    x, y = next(iter(train.batches(8, shuffle=False)))
    np.testing.assert_array_equal(y, x[..., 0] > 100 / 255)


def test_labels_alone_are_no_examples(tmp_path):
    np.savez(tmp_path / "set.npz", labels=np.arange(40) % 4)
    with pytest.raises(UserError, match=r"must have the keys .*, but its keys are: labels"):
        data.read(f"arrays:{tmp_path / 'set.npz'}")


def test_datasets_of_any_columns_are_read():
    import tensorflow as tf

    values, targets = RANDOM.random((12, 3)), RANDOM.random(12)
    whole = tf.data.Dataset.from_tensor_slices((values, targets))
    for each in (whole, whole.batch(5)):
        examples = data.from_python(each, columns=("values", "targets"))
        np.testing.assert_allclose(examples.given("values"), values, rtol=1e-6)
        np.testing.assert_allclose(examples.given("targets")[:, 0], targets, rtol=1e-6)
    masks = values.reshape(12, 1, 3) > 0.5
    whole = tf.data.Dataset.from_tensor_slices({"image": values.reshape(12, 1, 3), "mask": masks})
    for each in (whole, whole.batch(5)):
        examples = data.from_python(each)
        assert examples.columns["image"].shape == (12, 1, 3, 1)
        np.testing.assert_array_equal(examples.given("mask"), masks)
