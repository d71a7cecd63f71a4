"""Columns on disk: the same batches as in memory, and sentences where files are not as expected."""

import shutil

import keras
import numpy as np
import pytest
from PIL import Image

from amalthea import data
from amalthea.data import on_disk
from amalthea.data.on_disk import OnDisk
from amalthea.errors import UserError


@pytest.fixture
def folder(tmp_path):
    """Pictures of two classes, in colour, of 12×10 pixels."""
    random = np.random.default_rng(0)
    for label in ("cats", "dogs"):
        (tmp_path / "p" / label).mkdir(parents=True)
        for number in range(20):
            pixels = random.integers(0, 256, (12, 10, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "p" / label / f"{number}.png")
    return tmp_path / "p"


def both(name, split="train", **how):
    return [data.read(name, split, in_memory=where, **how) for where in (True, False)]


def assert_same(memory, disk):
    """The same examples, and the same batches in the order of two epochs."""
    assert disk.on_disk
    assert not memory.on_disk
    assert memory.name == disk.name
    assert memory.features == disk.features
    for name in memory.columns:
        np.testing.assert_array_equal(memory.given(name), disk.given(name))
    orders = [each.batches(7, seed=3, epoch=1) for each in (memory, disk)]
    for _ in range(2):
        for a, b in zip(*orders, strict=True):
            keras.tree.map_structure(np.testing.assert_array_equal, a, b)


@pytest.mark.parametrize(
    ("prefix", "how"),
    [
        ("", {}),
        ("", {"image_size": 8}),
        ("", {"image_size": (5, 20)}),
        ("padded:", {}),
        ("rows:", {"image_size": 8}),
        ("pixels:", {}),
    ],
)
@pytest.mark.parametrize("split", ["train", "validation", "test", "train+validation"])
def test_pictures_on_disk_are_those_in_memory(folder, prefix, how, split):
    assert_same(*both(f"{prefix}images:{folder}", split, **how))


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "I;16", "CMYK"])
def test_pictures_of_other_modes_too(tmp_path, mode):
    random = np.random.default_rng(0)
    (tmp_path / "p").mkdir()
    for number in range(30):
        if mode == "I;16":
            picture = Image.fromarray(random.integers(0, 65536, (6, 5), dtype=np.uint16))
        else:
            pixels = random.integers(0, 256, (6, 5, 3), dtype=np.uint8)
            picture = Image.fromarray(pixels).convert(mode)
        picture.save(tmp_path / "p" / f"{number}.{'tif' if mode == 'CMYK' else 'png'}")
    assert_same(*both(f"images:{tmp_path / 'p'}"))


@pytest.mark.parametrize(
    ("images", "how"),
    [
        (lambda r: r.integers(0, 256, (40, 6, 5, 3), dtype=np.uint8), {}),
        (lambda r: r.integers(0, 256, (40, 6, 5), dtype=np.uint8), {"image_size": 4}),
        (lambda r: r.random((40, 6, 5, 1), dtype=np.float32), {}),
        (lambda r: r.random((40, 6, 5, 1)) * 2 - 1, {"value_range": (-1, 1)}),
        (lambda r: r.random((40, 6, 5, 1)) + 1, {"value_range": (1, 2)}),
        (lambda r: r.integers(0, 65536, (40, 6, 5), dtype=np.uint16), {}),
        (lambda r: r.integers(0, 256, (40, 6, 5), dtype=np.int64), {}),
        (lambda r: r.random((40, 6, 5)) < 0.5, {}),
    ],
)
def test_arrays_on_disk_are_those_in_memory(tmp_path, images, how):
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 40)
    np.savez(tmp_path / "a.npz", labels=labels, images=images(random))
    assert_same(*both(f"arrays:{tmp_path / 'a.npz'}", **how))


def test_arrays_in_the_form_of_mnist_on_disk(tmp_path):
    random = np.random.default_rng(0)
    np.savez(
        tmp_path / "a.npz",
        x_train=random.integers(0, 256, (40, 6, 5), dtype=np.uint8),
        y_train=random.integers(0, 3, 40),
        x_test=random.integers(0, 256, (10, 6, 5), dtype=np.uint8),
        y_test=random.integers(0, 3, 10),
    )
    for split in ("train", "test"):
        assert_same(*both(f"arrays:{tmp_path / 'a.npz'}", split))


def test_where_they_are_depends_on_their_size(folder, monkeypatch):
    assert not data.read(f"images:{folder}").on_disk
    monkeypatch.setattr(on_disk, "SHARE", 0)
    assert data.read(f"images:{folder}").on_disk == ("image",)


def test_a_memory_mapped_array_stays_on_disk_if_it_is_large(tmp_path, monkeypatch):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 6, 5), dtype=np.uint8)
    np.save(tmp_path / "a.npy", pixels)
    opened = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert not data.from_python(opened).on_disk
    monkeypatch.setattr(on_disk, "SHARE", 0)
    examples = data.from_python(opened)
    assert isinstance(examples.images, OnDisk)
    np.testing.assert_array_equal(np.asarray(examples.images)[..., 0], pixels)


def test_compressed_arrays_cannot_be_left_on_disk(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", images=np.full((40, 6, 5), 255, np.uint8))
    with pytest.raises(UserError, match=r"must be written by numpy\.savez, uncompressed"):
        data.read(f"arrays:{tmp_path / 'a.npz'}", in_memory=False)


def test_other_data_have_no_place_to_be_read_from():
    with pytest.raises(UserError, match="digits has no pictures or arrays in files"):
        data.read("digits", in_memory=False)


def damaged(folder):
    """One of the files to train with, made unreadable."""
    file = next(
        f for f in sorted((folder / "cats").iterdir()) if f"cats/{f.name}" in chosen_paths(folder)
    )
    file.write_bytes(file.read_bytes()[:60])
    return file


def chosen_paths(folder):
    images = data.read(f"images:{folder}", in_memory=False).images
    return [images.stored.paths[row] for row in images.rows]


def test_a_damaged_picture_is_named(folder):
    file = damaged(folder)
    batches = data.load(f"images:{folder}", in_memory=False, batch_size=8)
    network = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(2)])
    network.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    with pytest.raises(Exception, match=rf"cats/{file.name} is damaged .*--skip-damaged"):
        network.fit(batches, shuffle=False, verbose=0)


def test_or_left_out_and_counted(folder):
    count = len(data.read(f"images:{folder}", in_memory=False))
    file = damaged(folder)
    examples = data.read(f"images:{folder}", in_memory=False, skip_damaged=True)
    batches = list(examples.batches(8, seed=1))
    assert len(batches) == len(data.read(f"images:{folder}", in_memory=False).batches(8))
    assert sum(len(images) for images, _ in batches) == count - 1
    assert all(len(images) == len(labels) for images, labels in batches)
    with pytest.warns(UserWarning, match=rf"skipped 1 damaged picture: cats/{file.name}"):
        examples.report()
    rest = examples.in_memory()
    assert len(rest) == count - 1
    with pytest.warns(UserWarning, match="damaged"):
        memory = data.read(f"images:{folder}", in_memory=True)
    for name in rest.columns:
        np.testing.assert_array_equal(rest.columns[name], memory.columns[name])


def test_a_folder_that_vanishes_is_said(folder):
    examples = data.read(f"images:{folder}", in_memory=False)
    shutil.rmtree(folder)
    with pytest.raises(UserError, match=r"cats/.*\.png is no longer there"):
        examples.given("image")


def test_a_picture_that_is_not_as_the_others_is_named(folder):
    path = next(p for p in chosen_paths(folder) if p.startswith("cats/"))
    examples = data.read(f"images:{folder}", in_memory=False)
    Image.new("RGB", (7, 7)).save(folder / path)
    with pytest.raises(UserError, match="2 sizes, such as 7x7 and 12x10"):
        examples.given("image")


def test_a_colour_picture_among_grey_ones_is_named(tmp_path):
    (tmp_path / "p").mkdir()
    for number in range(30):
        Image.new("L", (5, 5)).save(tmp_path / "p" / f"{number}.png")
    examples = data.read(f"images:{tmp_path / 'p'}", in_memory=False)
    assert examples.image_shape == (5, 5, 1)
    for number in range(30):
        Image.new("RGB", (5, 5)).save(tmp_path / "p" / f"{number}.png")
    with pytest.raises(UserError, match="is in colour, and the pictures that were looked at"):
        examples.given("image")


def test_a_file_of_arrays_that_was_cut_is_said(tmp_path):
    file = tmp_path / "a.npz"
    np.savez(file, images=np.full((40, 60, 50), 255, np.uint8))
    examples = data.read(f"arrays:{file}", in_memory=False)
    file.write_bytes(file.read_bytes()[:9000])
    with pytest.raises(UserError, match=r"a\.npz can no longer be read: it is shorter"):
        examples.given("image")


def test_values_beyond_the_range_are_said_when_they_are_read(tmp_path):
    images = np.zeros((40, 6, 5), np.float32)
    images[:, 0, 0] = 2
    np.savez(tmp_path / "a.npz", images=images)
    examples = data.read(f"arrays:{tmp_path / 'a.npz'}", in_memory=False)
    with pytest.raises(UserError, match=r"must be finite and lie in \[0, 1\]"):
        examples.given("image")


def test_fingerprints_come_from_sizes_and_times(folder, monkeypatch):
    def told():
        sets = {"train": data.read(f"images:{folder}", in_memory=False)}
        return data.fingerprint(sets, f"images:{folder}")

    before = told()
    assert all(not file.contents for file in before.files.values())
    assert data.changes(before, told()) is None
    picture = folder / "cats" / "0.png"
    Image.new("RGB", (10, 12)).save(picture)
    assert data.changes(before, told()) == "1 picture is changed (cats/0.png)"


def test_of_arrays_too(tmp_path):
    def told(value):
        np.savez(tmp_path / "a.npz", images=np.full((40, 6, 5), value, np.uint8))
        sets = {"train": data.read(f"arrays:{tmp_path / 'a.npz'}", in_memory=False)}
        return data.fingerprint(sets, f"arrays:{tmp_path / 'a.npz'}")

    before = told(255)
    assert data.changes(before, told(254)) == "other pixels"


def test_a_picture_of_three_channels_is_resized_as_each_of_them():
    from amalthea.data.resize import fitted, resize

    pixels = np.random.default_rng(0).integers(0, 256, (31, 47, 3), dtype=np.uint8)
    for size in ((8, 8), (5, 40), (64, 64), (31, 20)):
        whole = np.asarray(fitted(Image.fromarray(pixels), size))
        np.testing.assert_array_equal(whole, resize(pixels, size))


def test_a_row_is_read_as_of_an_array(folder):
    memory, disk = (each.images for each in both(f"images:{folder}"))
    for row in (0, -1, np.int64(5)):
        np.testing.assert_array_equal(disk[row], memory[row])
    assert all((a == b).all() for a, b in zip(disk, memory, strict=True))


def test_columns_that_are_no_images_cannot_be_left_on_disk(tmp_path):
    np.savez(tmp_path / "a.npz", values=np.zeros((40, 3)), targets=np.zeros((40, 1)))
    with pytest.raises(UserError, match="has no images, which alone can be left on disk"):
        data.read(f"arrays:{tmp_path / 'a.npz'}", in_memory=False)
