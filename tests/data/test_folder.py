import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from amalthea.data import SPLITS, read
from amalthea.data.splits import indices_by_file
from amalthea.errors import UserError


def save(path: Path, value: int | tuple = 0, size: tuple[int, int] = (5, 4), mode="RGB", **options):
    """Save a picture of one colour; the size is width and height."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value).save(path, **options)


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """Twenty different pictures without classes."""
    for i in range(20):
        save(tmp_path / f"{i:02}.png", (i, 100, 200))
    return tmp_path


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    """Ten dogs of brightness 200 and on, and twenty cats of 100 and on."""
    for i in range(10):
        save(tmp_path / "dog" / f"{i:02}.png", (200 + i,) * 3)
    for i in range(20):
        save(tmp_path / "cat" / f"{i:02}.png", (100 + i,) * 3)
    return tmp_path


def test_pictures_without_class_folders_have_no_labels(plain):
    images = read(f"images:{plain}")
    assert (images.image_shape, images.images.dtype) == ((4, 5, 3), np.uint8)
    assert images.labels is None
    assert images.num_classes == 0
    assert (images.images[..., 1:] == (100, 200)).all()


def test_every_picture_is_in_exactly_one_split(plain):
    parts = {s: read(f"images:{plain}", s).images[:, 0, 0, 0].tolist() for s in SPLITS}
    assert all(parts.values())
    assert sorted(parts["train"] + parts["validation"] + parts["test"]) == list(range(20))
    assert sorted(parts["train"] + parts["validation"]) == parts["train+validation"]


def test_class_folders_give_labels_in_the_order_of_their_names(classes):
    parts = [read(f"images:{classes}", split) for split in ("train", "validation", "test")]
    for part in parts:
        assert part.class_names == ("cat", "dog")
        assert (part.labels == part.images[:, 0, 0, 0] // 200).all()
    counts = np.array([np.bincount(part.labels) for part in parts])
    assert counts.all()  # both classes in every split
    assert counts.sum(0).tolist() == [20, 10]


def members(folder: Path) -> dict[str, set[tuple[str, int]]]:
    """The pictures of each split, as the names of their classes and their brightness."""
    parts = {split: read(f"images:{folder}", split) for split in ("train", "validation", "test")}
    return {
        split: {
            (part.class_names[label] if part.class_names else "", int(pixel))
            for label, pixel in zip(
                np.zeros(len(part), int) if part.labels is None else part.labels,
                part.images[:, 0, 0, 0],
                strict=True,
            )
        }
        for split, part in parts.items()
    }


def test_pictures_that_come_or_go_leave_the_others_in_their_splits(tmp_path):
    for i in range(60):
        save(tmp_path / "cat" / f"{i:02}.png", (i,) * 3)
        save(tmp_path / "dog" / f"{i:02}.png", (100 + i,) * 3)
    before = members(tmp_path)
    for i in range(60, 80):
        save(tmp_path / "cat" / f"a new one {i}.png", (i,) * 3)
    after = members(tmp_path)
    for split, pictures in before.items():
        assert pictures <= after[split]
    for path in [*tmp_path.glob("cat/a*"), *tmp_path.glob("dog/*7.png")]:
        path.unlink()
    kept = members(tmp_path)
    for split, pictures in before.items():
        assert kept[split] == {p for p in pictures if p[0] == "cat" or p[1] % 10 != 7}


def test_a_class_that_gets_another_name_keeps_its_splits(classes):
    before = members(classes)
    (classes / "cat").rename(classes / "lion")
    after = members(classes)
    names = {"cat": "lion", "dog": "dog"}
    assert after == {s: {(names[c], p) for c, p in pics} for s, pics in before.items()}


def test_pictures_of_another_class_do_not_matter_to_a_class(classes):
    before = members(classes)
    shutil.rmtree(classes / "dog")
    assert members(classes) == {s: {p for p in pics if p[0] == "cat"} for s, pics in before.items()}


def test_about_a_tenth_of_every_class_is_to_test_and_a_tenth_to_validate():
    files = [f"picture {i}.png" for i in range(3000)]
    labels = np.arange(3000) // 1000
    whole = set(range(3000))
    for split, share in (("train", 0.8), ("validation", 0.1), ("test", 0.1)):
        chosen = indices_by_file("set", split, files, labels)
        assert np.bincount(labels[chosen]) / 1000 == pytest.approx(share, abs=0.03)
        assert chosen.tolist() == sorted(chosen)
        whole -= set(chosen.tolist())
    assert not whole
    both = indices_by_file("set", "train+validation", files, labels).tolist()
    assert set(both) == set(range(3000)) - set(indices_by_file("set", "test", files, labels))


@pytest.mark.parametrize("count", [10, 11, 15])
def test_a_class_of_ten_files_has_some_in_every_split(count):
    for salt in range(100):
        files = [f"{salt} {i}.png" for i in range(count)]
        parts = [set(indices_by_file("set", split, files)) for split in SPLITS[:3]]
        assert all(parts)
        assert sum(map(len, parts)) == len(set.union(*parts)) == count
        assert len(parts[0]) > count / 4


def test_an_added_file_makes_no_file_to_train_with_another():
    for salt in range(20):
        files = [f"{salt} {i}.png" for i in range(40)]
        before = set(indices_by_file("set", "train", files[:10]))
        for count in range(11, 41):
            after = set(indices_by_file("set", "train", files[:count]))
            held_out = set(range(count)) - after
            assert not before & held_out
            before = after


def test_hidden_files_other_files_and_folders_without_pictures_are_passed_over(classes):
    (classes / "notes.txt").write_text("no picture")
    (classes / "cat" / "model.h5").write_text("no picture")
    (classes / "empty").mkdir()
    save(classes / ".thumbnails" / "0.png")
    save(classes / "cat" / ".hidden.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        images = read(f"images:{classes}")
    assert images.class_names == ("cat", "dog")
    assert sum(len(read(f"images:{classes}", split)) for split in SPLITS[:3]) == 30


def test_pictures_are_grey_only_if_all_are(tmp_path):
    for i in range(20):
        save(tmp_path / f"{i:02}.png", 50, mode="L")
    save(tmp_path / "20.png", 1, mode="1")
    assert read(f"images:{tmp_path}").image_shape == (4, 5, 1)
    save(tmp_path / "21.png", (10, 20, 30, 40), mode="RGBA")
    for split in SPLITS:
        assert read(f"images:{tmp_path}", split).image_shape == (4, 5, 3)


def test_greys_of_16_bits_are_scaled_to_8(tmp_path):
    for i in range(10):
        Image.fromarray(np.full((4, 5), 0x8012, np.uint16)).save(tmp_path / f"{i}.png")
    assert (read(f"images:{tmp_path}").images == 0x80).all()


def test_pictures_that_a_camera_turned_are_turned_back(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    for i in range(9):
        save(tmp_path / f"{i}.jpg", size=(4, 5))
    save(tmp_path / "9.jpg", size=(5, 4), exif=exif)
    assert read(f"images:{tmp_path}", "train+validation").image_shape == (5, 4, 3)


def test_many_formats_can_be_read(tmp_path):
    for i, extension in enumerate(("png", "jpg", "JPEG", "bmp", "gif", "webp", "tif", "ppm") * 2):
        save(tmp_path / f"{i}.{extension}")
    assert sum(len(read(f"images:{tmp_path}", split)) for split in SPLITS[:3]) == 16


def test_pictures_of_different_sizes_need_a_size(plain):
    save(plain / "wide.png", size=(9, 4))
    with pytest.raises(UserError, match=r"2 sizes, such as 4x5 and 4x9, .*image_size= or --image"):
        read(f"images:{plain}")
    assert read(f"images:{plain}", image_size=(3, 2)).image_shape == (3, 2, 3)


def test_pictures_are_scaled_and_cropped_instead_of_distorted(tmp_path):
    for i in range(10):
        picture = Image.new("RGB", (12, 4))
        picture.paste((255, 0, 0), (4, 0, 8, 4))
        picture.save(tmp_path / f"{i}.png")
    images = read(f"images:{tmp_path}", image_size=2).images
    assert images.astype(int) == pytest.approx(np.full((len(images), 2, 2, 3), (255, 0, 0)), abs=10)


@pytest.fixture
def noisy(tmp_path: Path) -> Path:
    """Pictures with so much data that they can be truncated."""
    pixels = np.random.default_rng(0).integers(0, 256, (30, 30, 3), np.uint8)
    for i in range(10):
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    return tmp_path


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def test_damaged_pictures_are_skipped_with_one_warning(noisy):
    (noisy / "3.png").write_bytes(b"no picture")
    (noisy / "4.png").write_bytes(b"")
    truncate(noisy / "5.png")
    with pytest.warns(UserWarning, match=r"skipped [23] .*: 3\.png, 4\.png") as caught:
        whole = len(read(f"images:{noisy}", "train+validation"))
    assert whole in (6, 7)  # truncated pictures are noticed in their split only
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_truncated_pictures_are_named_few_at_a_time(noisy):
    for i in range(1, 9):
        save(noisy / f"{i}.png", size=(30, 30))
    for i in range(10, 18):
        (noisy / f"{i}.png").write_bytes(b"no picture")
    with pytest.warns(UserWarning, match=r"skipped 8 damaged pictures: 10.png, .*, 14.png, \.\.\."):
        assert len(read(f"images:{noisy}")) == 8


def test_if_no_picture_can_be_read_that_is_an_error(noisy):
    for path in noisy.iterdir():
        truncate(path)
    with pytest.raises(UserError, match="none of the 8 pictures can be read"):
        read(f"images:{noisy}")
    for path in noisy.iterdir():
        path.write_bytes(b"no picture")
    with pytest.raises(UserError, match="none of the 10 pictures can be read"):
        read(f"images:{noisy}")


def test_folders_that_cannot_be_used_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"images:.*missing is no folder"):
        read(f"images:{tmp_path}/missing")
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(UserError, match="there are no pictures in the folder or its immediate"):
        read(f"images:{tmp_path}")
    save(tmp_path / "loose.png")
    with pytest.raises(UserError, match="has 1 images to cut splits from, too few for a test"):
        read(f"images:{tmp_path}", "test")
    save(tmp_path / "cat" / "0.png")
    with pytest.raises(UserError, match=r"both class folders \(cat\) and .* \(loose\.png\)"):
        read(f"images:{tmp_path}")
