import numpy as np
import pytest

from amalthea import data


@pytest.mark.parametrize(("name", "modes", "deviation"), [("ring8", 8, 0.02), ("grid25", 25, 0.05)])
def test_the_points_of_each_class_are_one_narrow_mode(name, modes, deviation):
    points = data.read(name, "train")
    labels = points.columns["label"]
    assert points.features["label"].count == modes
    plane = 10 * (points.given("points") - 0.5)
    centres = []
    for label in range(modes):
        mode = plane[labels == label]
        np.testing.assert_allclose(mode.std(axis=0), deviation, rtol=0.1)
        centres.append(mode.mean(axis=0))
    apart = np.linalg.norm(np.subtract.outer(centres, centres).diagonal(axis1=1, axis2=3), axis=-1)
    nearest = np.sort(apart, axis=1)[:, 1]
    assert nearest.min() > 1.5  # two apart on the grid, 4 sin(π/8) on the ring
    sizes = np.bincount(labels)
    assert sizes.max() - sizes.min() <= 1


def test_the_splits_have_no_point_in_common_and_are_always_the_same():
    splits = {s: data.read("ring8", s).columns["points"] for s in ("train", "validation", "test")}
    assert [len(points) for points in splits.values()] == [20_000, 2_500, 2_500]
    rows = np.concatenate(list(splits.values()))
    assert len(np.unique(rows, axis=0)) > 24_900
    np.testing.assert_array_equal(splits["test"], data.read("ring8", "test").columns["points"])
