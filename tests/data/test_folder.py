import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from amalthea.data import SPLITS, read
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
    assert (images.images.shape, images.images.dtype) == ((16, 4, 5, 3), np.uint8)
    assert images.labels is None
    assert images.num_classes == 0
    assert (images.images[..., 1:] == (100, 200)).all()


def test_every_picture_is_in_exactly_one_split(plain):
    parts = {s: read(f"images:{plain}", s).images[:, 0, 0, 0].tolist() for s in SPLITS}
    assert [len(part) for part in parts.values()] == [16, 2, 2, 18]
    assert sorted(parts["train"] + parts["validation"] + parts["test"]) == list(range(20))
    assert sorted(parts["train"] + parts["validation"]) == parts["train+validation"]


def test_class_folders_give_labels_in_the_order_of_their_names(classes):
    parts = [read(f"images:{classes}", split) for split in ("train", "validation", "test")]
    for part in parts:
        assert part.class_names == ("cat", "dog")
        assert (part.labels == part.images[:, 0, 0, 0] // 200).all()
    assert [np.bincount(part.labels).tolist() for part in parts] == [[16, 8], [2, 1], [2, 1]]


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
    assert len(images) == 24


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
    assert len(read(f"images:{tmp_path}", "train")) == 12


def test_pictures_of_different_sizes_need_a_size(plain):
    save(plain / "wide.png", size=(9, 4))
    with pytest.raises(UserError, match=r"2 sizes, such as 4x5 and 4x9, .*image_size= or --image"):
        read(f"images:{plain}")
    assert read(f"images:{plain}", image_size=(3, 2)).images.shape == (17, 3, 2, 3)


def test_pictures_are_scaled_and_cropped_instead_of_distorted(tmp_path):
    for i in range(10):
        picture = Image.new("RGB", (12, 4))
        picture.paste((255, 0, 0), (4, 0, 8, 4))
        picture.save(tmp_path / f"{i}.png")
    images = read(f"images:{tmp_path}", image_size=2).images
    assert images.astype(int) == pytest.approx(np.full((8, 2, 2, 3), (255, 0, 0)), abs=10)


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
