import importlib.util

import numpy as np
import pytest

from amalthea import data
from amalthea.data import changes, fingerprint
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


def test_a_series_in_a_file_of_arrays_has_the_length_that_it_has(tmp_path):
    np.savez(tmp_path / "a.npz", series=np.zeros((20, 5, 2)), label=np.arange(20) % 2)
    assert data.read(f"arrays:{tmp_path / 'a.npz'}").given("series").shape == (16, 5, 2)
    with pytest.raises(UserError, match="which alone have a sequence_length") as error:
        data.read(f"arrays:{tmp_path / 'a.npz'}", sequence_length=3)
    one_sentence(error)


@pytest.mark.parametrize("name", ["rows:diabetes", "pixels:python_docs", "rows:"])
def test_what_has_no_images_is_no_series(name):
    with pytest.raises(UserError, match=r"has no images|lacks what must follow") as error:
        data.read(name)
    one_sentence(error)


def test_windows_are_the_series_with_what_follows_and_parts_do_not_overlap(tmp_path):
    rows = "\n".join(f"2010-{n},{n},{-n}" for n in range(100))
    (tmp_path / "a.csv").write_text(f"date,up,down\n{rows}\n")
    name, lengths = f"series:{tmp_path / 'a.csv'}", {"sequence_length": 4, "horizon": 2}
    parts = {split: data.read(name, split, **lengths) for split in data.SPLITS}
    assert [len(part) for part in parts.values()] == [75, 5, 5, 85]
    train = parts["train"]
    np.testing.assert_array_equal(train.columns["series"][3, :, 0], [3, 4, 5, 6])
    np.testing.assert_array_equal(train.columns["targets"][3], [7, -7, 8, -8])
    assert train.features["targets"].names == ("up in 1", "down in 1", "up in 2", "down in 2")
    seen = [set(part.columns["series"][..., 0].ravel()) for part in list(parts.values())[:3]]
    assert not seen[0] & seen[1]
    assert not seen[1] & seen[2]
    for part in parts.values():
        series, targets = part.features["series"], part.features["targets"]
        np.testing.assert_allclose(series.means, [39.5, -39.5])
        np.testing.assert_allclose(targets.means, [39.5, -39.5] * 2)
        np.testing.assert_allclose(targets.deviations, [np.arange(80).std()] * 4)
    prints = [fingerprint({"train": data.read(name, **lengths)}, name) for _ in range(2)]
    assert changes(*prints) is None
    (tmp_path / "a.csv").write_text(f"date,up,down\n{rows}\nlast,100,1\n")
    longer = fingerprint({"train": data.read(name, **lengths)}, name)
    assert changes(prints[0], longer) == "101 steps instead of 100"
    other = fingerprint({"train": data.read(name, sequence_length=5, horizon=2)}, name)
    assert "series_shape" in changes(longer, other)


def test_mackey_glass_obeys_its_equation():
    series = data.read("mackey_glass", sequence_length=1, horizon=1).columns["series"].ravel()
    assert 0.2 < series.min() < 0.5
    assert 1.2 < series.max() < 1.5
    # By differences over two units, of the value in the middle and of that 17 before it.
    x, before = series[18:-1].astype("float64"), series[1:-18].astype("float64")
    slope = (series[19:] - series[17:-2]) / 2
    exact = 0.2 * before / (1 + before**10) - 0.1 * x
    assert np.abs(slope - exact).max() < 0.1 * np.abs(exact).max()


def test_a_marked_sum_is_what_the_adding_problem_asks_for():
    train = data.read("adding", sequence_length=10)
    series, targets = train.columns["series"], train.columns["targets"]
    assert series.shape == (10_000, 10, 2)
    np.testing.assert_allclose((series[..., 0] * series[..., 1]).sum(1), targets[:, 0], rtol=1e-6)
    assert (series[:, :5, 1].sum(1) == 1).all()
    assert (series[:, 5:, 1].sum(1) == 1).all()
    assert np.mean((targets - 1) ** 2) == pytest.approx(1 / 6, rel=0.05)


def test_hourly_temperatures_are_found_in_their_package(tmp_path, monkeypatch):
    (tmp_path / "vega_datasets" / "_data").mkdir(parents=True)
    (tmp_path / "vega_datasets" / "__init__.py").touch()
    rows = "\n".join(f"2010/01/01 {n:02}:00,{n}" for n in range(400))
    (tmp_path / "vega_datasets" / "_data" / "seattle-temps.csv").write_text(f"date,temp\n{rows}\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert data.read("hourly_temperatures").columns["targets"].shape == (129, 24)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install vega-datasets") as error:
        data.read("hourly_temperatures")
    one_sentence(error)


@pytest.mark.parametrize(
    ("name", "lengths", "message"),
    [
        (
            "mackey_glass",
            {"sequence_length": 500},
            "500 steps in its .*, too few for 500 and",
        ),
        ("mackey_glass", {"horizon": 0}, "horizon must be"),
        ("mackey_glass", {"image_size": 3}, "has no images, which alone have an image_size"),
        ("adding", {"horizon": 3}, "has a sum to tell, no horizon"),
        ("adding", {"sequence_length": 1}, "2 steps or more, got 1"),
        (
            "digits",
            {"horizon": 3},
            "has no series with what follows, which alone have a horizon",
        ),
        (
            "rows:digits",
            {"sequence_length": 3},
            "has no texts or series, which alone have a sequence",
        ),
        ("series:nowhere.csv", {}, "is no file"),
    ],
)
def test_what_is_no_series_is_one_sentence(name, lengths, message):
    with pytest.raises(UserError, match=message) as error:
        data.read(name, "validation", **lengths)
    one_sentence(error)
