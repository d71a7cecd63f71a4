import numpy as np

from amalthea import data
from amalthea.data import changes, fingerprint


def test_a_box_is_that_of_the_mask_and_holds_the_class_of_the_digit():
    scenes = data.read("scenes", "validation")
    masks, boxes = scenes.columns["mask"], scenes.columns["boxes"][:, 0]
    np.testing.assert_array_equal(boxes[:, 4], scenes.columns["label"])
    assert boxes[:, :4].min() >= 0
    for mask, box in zip(masks, boxes, strict=True):
        top, left, bottom, right = np.round(box[:4] * 32).astype(int)
        assert mask[top:bottom, left:right].sum() == mask.sum() > 0
        assert mask[top].any()
        assert mask[bottom - 1].any()
        assert mask[:, left].any()
        assert mask[:, right - 1].any()


def test_scenes_are_always_the_same_and_come_in_any_size():
    one, other = (data.read("scenes", "test") for _ in range(2))
    for name in ("image", "mask", "boxes", "label"):
        np.testing.assert_array_equal(one.columns[name], other.columns[name])
    assert (
        changes(fingerprint({"test": one}, "scenes"), fingerprint({"test": other}, "scenes"))
        is None
    )
    assert data.read("scenes", "test", image_size=(24, 40)).given("image").shape[1:] == (24, 40, 1)


def test_splits_hold_different_digits():
    counts = [len(data.read("scenes", split)) for split in ("train", "validation", "test")]
    assert counts == [len(data.read("digits", split)) for split in ("train", "validation", "test")]


def test_batches_pair_the_first_column_with_the_others():
    scenes = data.read("scenes", "validation")
    images, masks = next(iter(scenes.select("image", "mask").batches(5, shuffle=False)))
    assert images.numpy().max() <= 1
    np.testing.assert_array_equal(masks, scenes.columns["mask"][:5])
    assert masks.dtype == "int32"
    images, rest = next(iter(scenes.batches(5, shuffle=False)))
    assert list(rest) == ["mask", "boxes", "label"]
