import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from amalthea.data import (
    Fingerprint,
    ImageSet,
    changes,
    fingerprint,
    from_python,
    manifest,
    read,
    split,
)
from amalthea.errors import UserError

RANDOM = np.random.default_rng(0)
PIXELS = RANDOM.random((50, 4, 4), np.float32)
LABELS = np.arange(50) % 2


def again(print_: Fingerprint) -> Fingerprint:
    """The fingerprint as it comes back from JSON."""
    texts = json.dumps(print_.summary()), json.dumps(print_.manifest())
    return Fingerprint.from_json(*map(json.loads, texts))


def of_name(name: str, splits: tuple[str, ...] = ("train", "validation"), **options) -> Fingerprint:
    return fingerprint({each: read(name, each, **options) for each in splits}, name)


@pytest.fixture
def arrays(tmp_path: Path):
    def write(**contents) -> str:
        np.savez(tmp_path / "set.npz", **contents)
        return f"arrays:{tmp_path / 'set.npz'}"

    return write


@pytest.mark.parametrize("name", ["digits", "padded:digits", "ring8"])
def test_the_same_data_have_the_same_fingerprint_whichever_splits_are_read(name):
    old = again(of_name(name))
    assert old == of_name(name) == of_name(name, ("test",))
    assert changes(old, of_name(name, ("test",))) is None
    assert len(json.dumps(old.summary())) < 500


def test_the_source_is_told_whatever_the_size_of_images():
    small, large = of_name("digits", image_size=4), of_name("padded:digits", image_size=12)
    assert small.origins == large.origins == of_name("digits").origins
    assert changes(small, large) == "images of 16×16×1 instead of 4×4×1"


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        ({"images": PIXELS, "labels": LABELS}, None),
        (
            {"images": np.tile(PIXELS, (2, 1, 1))[:70], "labels": np.arange(70) % 2},
            "70 images instead of 50",
        ),
        ({"images": 1 - PIXELS, "labels": LABELS}, "other pixels"),
        ({"images": PIXELS[::-1], "labels": LABELS}, "other pixels"),
        ({"images": PIXELS, "labels": 1 - LABELS}, "other labels"),
        ({"images": PIXELS}, "the classes are none instead of 0, 1, no labels, unlike before"),
        ({"images": PIXELS[:, :3], "labels": LABELS}, "images of 3×4×1 instead of 4×4×1"),
        (
            {"images": np.arange(800).reshape(50, 4, 4) % 256, "labels": LABELS},
            "pixels from 0 to 255 instead of 0 to 1",
        ),
        (
            {"images": PIXELS, "labels": LABELS * 2},
            "the classes are 0, 1, 2 instead of 0, 1",
        ),
    ],
)
@pytest.mark.parametrize("evaluated", ["train", "test"])
def test_changed_arrays_are_told_by_what_changed(arrays, contents, words, evaluated):
    old = again(of_name(arrays(images=PIXELS, labels=LABELS)))
    new = of_name(arrays(**contents), (evaluated,))
    assert changes(old, new) == words


def test_one_changed_pixel_of_the_test_images_is_noticed(arrays):
    parts = {"x_train": PIXELS, "x_test": PIXELS[:9]}
    old = of_name(arrays(**parts))
    assert changes(old, of_name(arrays(**parts), ("test",))) is None
    parts["x_test"] = PIXELS[:9].copy()
    parts["x_test"][3, 2, 1] = 0.25
    assert changes(old, of_name(arrays(**parts))) == "other pixels"


def test_classes_that_are_renamed_or_exchanged_are_told():
    names = np.array(["cats", "dogs"])
    whole = from_python((PIXELS, names[LABELS]))
    old = again(fingerprint({"train": split(whole, "train")}))

    def words(labels, class_names=()):
        other = from_python((PIXELS, labels), class_names=class_names)
        return changes(old, fingerprint({"train": split(other, "train")}))

    assert words(names[LABELS]) is None
    assert words(np.array(["cats", "lions"])[LABELS]) == "class dogs is renamed lions"
    exchanged = "the classes are dogs, cats instead of cats, dogs"
    assert words(names[LABELS], ("dogs", "cats")) == exchanged
    assert words(LABELS, ("dogs", "cats")) == exchanged
    assert words(names[LABELS], ("cats", "dogs", "emus")) == (
        "the classes are cats, dogs, emus instead of cats, dogs"
    )


def test_sets_from_python_are_told_by_their_own_contents_too():
    parts = {name: split(ImageSet("mine", PIXELS), name) for name in ("train", "validation")}
    old = again(fingerprint(parts))
    assert changes(old, fingerprint(parts)) is None
    parts["train"] = replace(parts["train"], images=1 - parts["train"].images)
    assert changes(old, fingerprint(parts)) == "other pixels in train"
    parts["train"] = parts["train"].first(9)
    assert changes(old, fingerprint(parts)) == "9 images instead of 40 in train"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
        for i in range(12):
            pixels = RANDOM.integers(0, 256, (5, 5), np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{i:02}.png")
    return tmp_path


@pytest.fixture
def contents_read(monkeypatch) -> list[str]:
    """The names of the files that are hashed."""
    names, original = [], manifest._contents

    def contents(path: Path) -> str:
        names.append(path.name)
        return original(path)

    monkeypatch.setattr(manifest, "_contents", contents)
    return names


def of_folder(folder: Path, known: Fingerprint | None = None, prefix: str = "") -> Fingerprint:
    name = f"{prefix}images:{folder}"
    return fingerprint({"train": read(name)}, name, known)


def test_an_unchanged_folder_is_recognized_without_reading_its_files(folder, contents_read):
    old = again(of_folder(folder))
    assert len(contents_read) == 24
    assert old.folder.files == len(old.files) == 24
    assert old.folder.bytes == sum(path.stat().st_size for path in folder.glob("*/*"))
    assert changes(old, of_folder(folder, old)) is None
    assert len(contents_read) == 24
    padded = of_folder(folder, old, "padded:")
    assert (padded.folder, padded.facts["image_shape"]) == (old.folder, [8, 8, 1])


def test_a_changed_time_alone_is_no_change(folder, contents_read):
    old = again(of_folder(folder))
    contents_read.clear()
    os.utime(folder / "cats" / "03.png", (1, 1))
    new = of_folder(folder, old)
    assert contents_read == ["03.png"]
    assert changes(old, new) is None
    assert new.manifest() != old.manifest()


def change(folder: Path, *what: str) -> None:
    if "new" in what:
        for name in ("x", "y"):
            Image.new("L", (5, 5), 9).save(folder / "cats" / f"{name}.png")
    if "gone" in what:
        (folder / "dogs" / "05.png").unlink()
    if "changed" in what:
        for i in range(4):
            Image.new("L", (5, 5), 7).save(folder / "dogs" / f"{i:02}.png")
    if "renamed" in what:
        (folder / "cats").rename(folder / "lions")
    if "exchanged" in what:
        for old, new in (("cats", "other"), ("dogs", "cats"), ("other", "dogs")):
            (folder / old).rename(folder / new)


@pytest.mark.parametrize(
    ("what", "words", "without_files"),
    [
        (
            ["new"],
            "2 pictures are new (cats/x.png, cats/y.png)",
            "26 pictures instead of 24",
        ),
        (["gone"], "1 picture is gone (dogs/05.png)", "23 pictures instead of 24"),
        (
            ["changed"],
            "4 pictures are changed (dogs/00.png, dogs/01.png, dogs/02.png and 1 more)",
            "the pictures have other contents",
        ),
        (
            ["new", "gone"],
            "2 pictures are new (cats/x.png, cats/y.png), 1 picture is gone (dogs/05.png)",
            "25 pictures instead of 24",
        ),
        (
            ["renamed"],
            "class cats is renamed lions",
            "the classes are dogs, lions instead of cats, dogs",
        ),
        (
            ["renamed", "gone"],
            "class cats is renamed lions, 1 picture is gone (dogs/05.png)",
            "the classes are dogs, lions instead of cats, dogs, 23 pictures instead of 24",
        ),
        (
            ["exchanged"],
            "class cats is renamed dogs, class dogs is renamed cats",
            "the pictures have other contents",
        ),
    ],
)
def test_changed_folders_are_told_by_their_files(folder, what, words, without_files):
    old = again(of_folder(folder))
    change(folder, *what)
    new = of_folder(folder, old)
    assert changes(old, new) == words
    assert changes(Fingerprint.from_json(old.summary()), new) == without_files
    assert changes(again(new), of_folder(folder, new)) is None


def test_files_of_other_data_are_not_compared(folder):
    old = of_folder(folder)
    change(folder, "new")
    new = of_folder(folder)
    mixed = Fingerprint.from_json(old.summary(), new.manifest())
    assert changes(mixed, new) == "26 pictures instead of 24"


def test_pictures_without_classes_have_a_fingerprint(tmp_path):
    for i in range(12):
        Image.new("L", (5, 5), i).save(tmp_path / f"{i:02}.png")
    old = again(of_folder(tmp_path))
    (tmp_path / "03.png").unlink()
    assert changes(old, of_folder(tmp_path, old)) == "1 picture is gone (03.png)"


def test_a_folder_is_told_from_arrays(folder):
    words = "they are images in memory instead of a folder of pictures"
    assert changes(of_folder(folder), of_name("digits")) == words


def test_other_rules_for_splits_are_a_change():
    old = of_name("digits")
    assert changes(replace(old, split_rule="chance"), old) == (
        "splits cut by order instead of by chance"
    )


DIGITS = {"origins": {"whole": {"count": 9, "columns": {"image": "ab"}}}}
IMAGES = {"image_shape": [4, 4, 1], "value_range": [0, 1], "class_names": []}
FACTS = {"facts": IMAGES, "split_rule": "order"}


@pytest.mark.parametrize(
    "summary",
    [
        None,
        [],
        "text",
        {},
        FACTS,
        {**FACTS, **DIGITS, "facts": {**IMAGES, "image_shape": [4, 4]}},
        {**FACTS, **DIGITS, "facts": {**IMAGES, "image_shape": "4×4"}},
        {**FACTS, **DIGITS, "facts": {**IMAGES, "value_range": [0, None]}},
        {**FACTS, **DIGITS, "facts": {**IMAGES, "class_names": [1, 2]}},
        {**FACTS, **DIGITS, "split_rule": None},
        {**FACTS, "origins": []},
        {**FACTS, "origins": {"whole": None}},
        {**FACTS, "origins": {"whole": {"count": 9}}},
        {**FACTS, **DIGITS, "facts": None},
        {**FACTS, "origins": {"whole": {"count": "9", "columns": {"image": "ab"}}}},
        {**FACTS, "origins": {"whole": {"count": 9, "columns": {"image": 3}}}},
        {**FACTS, "folder": None},
        {**FACTS, "folder": {"files": 3, "bytes": 4}},
        {**FACTS, **DIGITS, "folder": {"files": 3, "bytes": 4, "contents": "ab"}},
    ],
)
def test_a_damaged_summary_is_one_sentence(summary):
    with pytest.raises(UserError, match=r"^the fingerprint of the data is damaged: [^\n]+$"):
        Fingerprint.from_json(summary)


@pytest.mark.parametrize(
    "files", [[], "text", {"a.png": None}, {"a.png": [1, 2]}, {"a.png": [1, 2, 3]}, {"a": "123"}]
)
def test_a_damaged_manifest_is_one_sentence(files):
    summary = {**FACTS, "folder": {"files": 3, "bytes": 4, "contents": "ab"}}
    assert Fingerprint.from_json(summary, {}).files == {}
    with pytest.raises(UserError, match=r"^the fingerprint of the data is damaged: its file"):
        Fingerprint.from_json(summary, files)
