import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from amalthea.data import SPLITS, absolute, load, read
from amalthea.errors import UserError


@pytest.fixture
def arrays(tmp_path: Path):
    """Writes an .npz file and returns its name as a data set."""

    def write(**contents) -> str:
        np.savez(tmp_path / "set.npz", **contents)
        return f"arrays:{tmp_path / 'set.npz'}"

    return write


def numbered(count: int, start: int = 0) -> np.ndarray:
    """Images of one pixel that are all different."""
    return np.arange(start, start + count, dtype=np.uint8)[:, None, None]


def pixels(name: str, split: str) -> list[int]:
    return read(name, split).images.ravel().tolist()


def test_importing_the_package_needs_neither_tensorflow_nor_pillow():
    code = (
        "import sys, amalthea.data; "
        "heavy = {'tensorflow', 'keras', 'PIL', 'sklearn', 'tensorflow_datasets'}; "
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_splits_of_the_digits_are_disjoint_complete_and_stratified():
    parts = {split: read("digits", split) for split in SPLITS}
    assert {split: len(part) for split, part in parts.items()} == {
        "train": 1258,
        "validation": 180,
        "test": 359,
        "train+validation": 1438,
    }
    together = np.concatenate([parts[split].images for split in SPLITS[:3]])
    assert len(np.unique(together, axis=0)) == len(together) == 1797
    for part in parts.values():
        shares = np.bincount(part.labels) / len(part)
        assert shares == pytest.approx(0.1, abs=0.012)


def test_the_digits_are_exact_and_named():
    digits = read("digits", "test")
    assert digits.images.dtype == np.float32
    assert digits.images.max() == 1
    assert set(np.unique(digits.images * 16)) == set(range(17))
    assert digits.image_shape == (8, 8, 1)
    assert digits.class_names == tuple("0123456789")
    assert digits.name == "digits, split test"


def test_reading_again_gives_the_same():
    np.testing.assert_array_equal(read("digits").images, read("digits").images)


def test_arrays_are_cut_into_disjoint_splits_in_their_stored_order(arrays):
    name = arrays(images=numbered(100))
    parts = {split: pixels(name, split) for split in SPLITS}
    assert [len(parts[split]) for split in SPLITS] == [80, 10, 10, 90]
    assert sorted(parts["train"] + parts["validation"] + parts["test"]) == list(range(100))
    assert sorted(parts["train"] + parts["validation"]) == parts["train+validation"]
    assert all(part == sorted(part) for part in parts.values())
    assert parts["test"] != list(range(90, 100))


def test_labels_are_spread_over_the_splits_in_proportion(arrays):
    labels = np.array([0] * 60 + [1] * 30 + [2] * 10)
    name = arrays(images=numbered(100), labels=labels)
    counts = {split: np.bincount(read(name, split).labels).tolist() for split in SPLITS[:3]}
    assert counts == {"train": [48, 24, 8], "validation": [6, 3, 1], "test": [6, 3, 1]}


def test_all_splits_agree_on_the_number_of_classes(arrays):
    labels = np.zeros(20, int)
    labels[7] = 4
    name = arrays(images=numbered(20), labels=labels)
    assert {read(name, split).num_classes for split in SPLITS} == {5}


def test_arrays_in_the_form_of_keras_keep_their_test_split(arrays):
    name = arrays(
        x_train=numbered(50),
        y_train=np.arange(50)[:, None] % 2,
        x_test=numbered(5, start=100),
        y_test=np.array([0, 1, 2, 0, 1]),
    )
    assert pixels(name, "test") == [100, 101, 102, 103, 104]
    assert pixels(name, "train+validation") == list(range(50))
    assert len(read(name, "validation")) == 5
    train = read(name, "train")
    assert (train.labels == train.images.ravel() % 2).all()


@pytest.mark.parametrize(("in_train", "in_test"), [(4, 1), (1, 4)])
def test_all_splits_agree_on_the_classes_in_the_form_of_keras(arrays, in_train, in_test):
    y_train, y_test = np.arange(50) % (in_train + 1), np.arange(5) % (in_test + 1)
    name = arrays(x_train=numbered(50), y_train=y_train, x_test=numbered(5), y_test=y_test)
    assert {read(name, split).num_classes for split in SPLITS} == {5}


@pytest.mark.parametrize(
    ("contents", "sentence"),
    [
        ({"pictures": numbered(9)}, r"must have the keys images .*, but its keys are: pictures"),
        ({"x_train": numbered(9)}, "but its keys are: x_train"),
        ({}, "but its keys are: none"),
        ({"x_train": numbered(9), "x_test": np.zeros((4, 2, 2))}, "but they must agree"),
        (
            {"x_train": numbered(20), "x_test": numbered(4)}
            | {"y_train": np.zeros(20), "y_test": np.array(["cat", "dog", "cat", "dog"])},
            r"y_train, of shape \(20,\) and type float64, and y_test, .* must be of one kind",
        ),
        (
            {"x_train": numbered(20), "x_test": numbered(4)}
            | {"y_train": np.arange(20) % 2 + 1, "y_test": np.ones(4)},
            "y_train and then y_test: the labels go from 1 to 2.* and none is 0",
        ),
        (
            {"x_train": numbered(9), "x_test": numbered(4), "y_test": np.zeros(4)},
            "only one of y_train and y_test",
        ),
        ({"images": np.array([{}], object)}, "must hold undamaged numeric arrays: Object arrays"),
        ({"images": numbered(20), "labels": np.zeros(4)}, r"labels have shape \(4,\)"),
        (
            {"images": numbered(5, start=20)},
            "has 5 images to cut splits from, too few for a validation",
        ),
    ],
)
def test_arrays_that_cannot_be_used_are_refused(arrays, contents, sentence):
    with pytest.raises(UserError, match=rf"^arrays:.*set\.npz.*{sentence}"):
        read(arrays(**contents), "validation")


def test_files_that_are_no_arrays_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"missing\.npz is no file"):
        read(f"arrays:{tmp_path}/missing.npz")
    np.save(tmp_path / "one.npy", numbered(9))
    with pytest.raises(UserError, match=r"one\.npy is no \.npz file"):
        read(f"arrays:{tmp_path}/one.npy")
    np.savez(tmp_path / "damaged.npz", images=numbered(200))
    damaged = bytearray((tmp_path / "damaged.npz").read_bytes())
    damaged[200] ^= 255
    (tmp_path / "damaged.npz").write_bytes(damaged)
    with pytest.raises(UserError, match=r"damaged\.npz must hold undamaged numeric arrays: .*CRC"):
        read(f"arrays:{tmp_path}/damaged.npz")


def test_a_path_may_start_at_home(arrays, tmp_path, monkeypatch):
    arrays(images=numbered(10, start=20))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert len(read("arrays:~/set.npz", "train")) == 8


def test_what_pixels_mean_is_decided_by_the_whole_set_and_not_by_a_split(arrays):
    images = np.zeros((100, 2, 2), int)
    images[7] = 16  # the only white one
    name = arrays(images=images)
    parts = [read(name, split) for split in SPLITS]
    assert {part.value_range for part in parts} == {(0, 16)}
    assert sorted(part.as_float().max() for part in parts[:3]) == [0, 0, 1]
    for each in (read(f"padded:{name}"), read(name, image_size=3), read(name).first(2)):
        assert each.value_range == (0, 16)
        assert each.reading == "whole numbers 0 to 16, scaled to [0, 1]"


def test_images_to_train_and_to_test_with_are_read_alike(arrays):
    dark, bright = np.full((20, 2, 2), 7), np.full((20, 2, 2), 15)
    for name in (arrays(x_train=dark, x_test=bright), arrays(x_train=bright, x_test=dark)):
        for split in SPLITS:
            assert read(name, split).value_range == (0, 15)


def test_a_value_range_can_be_given(arrays):
    name = arrays(images=numbered(10))
    with pytest.raises(UserError, match="never exceed 9, so they may be"):
        read(name)
    for split in SPLITS:
        assert read(name, split, value_range=(0, 255)).images.dtype == np.uint8
        images = read(f"padded:{name}", split, value_range=(0, 9))
        assert set((images.as_float().ravel() * 9).round(4)) <= set(range(10))
    (batch,) = load(name, "test", value_range=(0, 20))
    assert float(batch.numpy().max()) == read(name, "test", value_range=(0, 20)).as_float().max()
    with pytest.raises(UserError, match="whole-number images must lie in 0 to 5"):
        read(name, value_range=(0, 5))


def test_numbers_of_a_known_range_are_read_in_no_other_way():
    name = "digits"
    assert read(name, "test", value_range=(0, 1)).reading == "numbers in [0, 1]"
    with pytest.raises(UserError, match=rf"^the value_range of {name} is \(0.*1.*\), got"):
        read(name, value_range=(0, 16))


def test_text_labels_and_one_hot_labels_are_the_same_classes_in_all_splits(arrays):
    texts = np.array(["b", "c", "a", "a"] * 10)
    for split in SPLITS:
        part = read(arrays(images=numbered(40), labels=texts), split)
        assert part.class_names == ("a", "b", "c")
        assert (part.labels == np.array([1, 2, 0, 0])[part.images.ravel() % 4]).all()
        part = read(arrays(images=numbered(40), labels=np.eye(5)[np.arange(40) % 4]), split)
        assert part.num_classes == 5
        assert (part.labels == part.images.ravel() % 4).all()


def test_a_class_may_be_in_the_test_images_alone(arrays):
    name = arrays(
        x_train=numbered(20),
        y_train=np.array(["cat", "dog"] * 10),
        x_test=numbered(2),
        y_test=np.array([["ant"], ["dog"]]),
    )
    assert read(name, "test").labels.tolist() == [0, 2]
    train = read(name, "train")
    assert train.class_names == ("ant", "cat", "dog")
    assert (train.labels == train.images.ravel() % 2 + 1).all()


@pytest.mark.parametrize("split", ["Train", "", None, "test+train"])
def test_an_unknown_split_is_refused_with_the_known_ones(split):
    with pytest.raises(UserError, match=r"must be one of train, validation, test, train\+valid"):
        read("digits", split)


@pytest.mark.parametrize("name", ["padded:", "padded:images:"])
def test_a_data_set_must_follow_padded(name):
    with pytest.raises(UserError, match="lacks what must follow the colon"):
        read(name)


def test_a_path_must_follow_the_colon():
    with pytest.raises(UserError, match="'images:' lacks what"):
        read("images:")


def test_padded_images_lie_in_the_middle_of_black_ones_with_sides_of_powers_of_two(arrays):
    pictures = np.random.default_rng(0).integers(1, 256, (20, 7, 4, 3), dtype=np.uint8)
    name = arrays(images=pictures)
    padded, plain = read(f"padded:{name}"), read(name)
    assert padded.image_shape == (8, 4, 3)
    np.testing.assert_array_equal(padded.images[:, :7], plain.images)
    assert not padded.images[:, 7:].any()
    assert padded.name == f"padded:{name}, split train"
    assert read(f"padded:{name}", image_size=(5, 6)).image_shape == (8, 8, 3)
    assert read("padded:digits").image_shape == (8, 8, 1)


def test_the_path_of_padded_images_is_made_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert absolute("padded:images:some") == f"padded:images:{tmp_path}/some"
    assert absolute("padded:digits") == "padded:digits"


def test_resizing_keeps_type_and_channels(arrays):
    assert read("digits", "test", image_size=12).image_shape == (12, 12, 1)
    name = arrays(images=np.full((10, 4, 8, 5), 200, np.uint8))
    resized = read(name, image_size=(3, 2)).images
    assert (resized.shape, resized.dtype) == ((8, 3, 2, 5), np.uint8)
    assert (resized == 200).all()


def test_resized_float_images_stay_in_range():
    images = read("digits", "test", image_size=28).images
    assert images.dtype == np.float32
    assert images.min() == 0
    assert images.max() == 1


def test_shrinking_averages_instead_of_picking_pixels(arrays):
    stripes = np.zeros((10, 16, 16), np.uint8)
    stripes[:, :, ::2] = 255
    shrunk = read(arrays(images=stripes), image_size=4).images
    assert shrunk.astype(float) == pytest.approx(127.5, abs=16)


def test_resizing_crops_the_centre_instead_of_distorting(arrays):
    wide = np.zeros((10, 4, 12), np.uint8)
    wide[:, :, 4:8] = 255
    resized = read(arrays(images=wide), image_size=2).images
    assert resized.astype(int) == pytest.approx(255, abs=10)


@pytest.mark.parametrize("size", [0, -1, 2.5, "8", (8,), (8, 0), (8, 8, 8), True, (8, 1.5)])
def test_a_size_that_is_none_is_refused(size):
    with pytest.raises(UserError, match="but must be a whole number of at least 1, or two"):
        read("digits", image_size=size)


def labels_of(dataset) -> list[int]:
    return [int(label) for _, labels in dataset for label in labels]


def test_load_shuffles_what_is_for_training_only():
    for split in SPLITS:
        stored = read("digits", split).labels.tolist()
        assert (labels_of(load("digits", split)) == stored) == (split in ("validation", "test"))
    test = read("digits", "test").labels.tolist()
    assert labels_of(load("digits", "test", shuffle=True)) != test


def test_load_passes_everything_on():
    images = read("digits", "train", image_size=4)
    expected = images.batches(100, shuffle=True, seed=3, epoch=2)
    loaded = load("digits", "train", 100, image_size=4, seed=3, epoch=2)
    for (images, labels), (wanted, wanted_labels) in zip(loaded, expected, strict=True):
        np.testing.assert_array_equal(images, wanted)
        np.testing.assert_array_equal(labels, wanted_labels)
