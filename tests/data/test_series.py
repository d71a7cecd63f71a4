import numpy as np
import pytest

from amalthea import data
from amalthea.data import fingerprint
from amalthea.errors import UserError

from harness import one_sentence


def test_images_are_read_row_by_row_and_pixel_by_pixel():
    images, rows, pixels = (data.read(f"{kind}digits", "test") for kind in ("", "rows:", "pixels:"))
    whole = images.given("image")
    np.testing.assert_array_equal(rows.given("series"), whole[..., 0])
    np.testing.assert_array_equal(pixels.given("series"), whole.reshape(len(whole), 64, 1))
    np.testing.assert_array_equal(rows.columns["label"], images.columns["label"])
    assert rows.features["label"] == images.features["label"]


def test_colours_of_a_row_stand_side_by_side(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (30, 4, 3, 2), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", images=images)
    rows = data.read(f"rows:arrays:{tmp_path / 'a.npz'}", "train+validation").given("series")
    assert rows.shape == (27, 4, 6)
    assert np.isin(np.float32(images / 255).reshape(30, -1), rows.reshape(27, -1)).any()


def test_a_series_has_the_fingerprint_of_its_images(tmp_path):
    origins = {
        kind: fingerprint({"train": data.read(f"{kind}digits")}, f"{kind}digits").origins
        for kind in ("", "rows:", "padded:", "rows:padded:")
    }
    assert all(origin == origins[""] for origin in origins.values())
    assert data.absolute("rows:padded:arrays:a.npz").startswith("rows:padded:arrays:/")


@pytest.mark.parametrize("name", ["rows:diabetes", "pixels:python_docs", "rows:"])
def test_what_has_no_images_is_no_series(name):
    with pytest.raises(UserError, match=r"has no images|lacks what must follow") as error:
        data.read(name)
    one_sentence(error)
