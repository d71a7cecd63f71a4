from dataclasses import replace

import numpy as np
import pytest

from amalthea.data import ImageSet
from amalthea.errors import UserError


def pictures(count: int = 4, dtype: type = np.uint8) -> np.ndarray:
    return np.full((count, 2, 3, 1), 200, dtype)


def test_a_missing_channel_axis_is_added():
    assert ImageSet("set", np.zeros((4, 2, 3))).image_shape == (2, 3, 1)


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        (np.zeros((4, 2)), r"shape \(4, 2\), but must be \(count, height, width\)"),
        (np.zeros((1, 4, 2, 3, 1)), r"shape \(1, 4, 2, 3, 1\), but must be"),
        (pictures(0), r"no pixels in images of shape \(0, 2, 3, 1\)"),
        (pictures(dtype=np.complex64), "type complex64, but must be whole numbers, floating"),
        (np.full((4, 2, 3, 1), "a"), "type <U1, but must be"),
        ([[[1]], [[1, 2]]], "the images do not form an array"),
    ],
)
def test_images_of_a_wrong_form_are_refused(images, sentence):
    with pytest.raises(UserError, match=f"^set: .*{sentence}"):
        ImageSet("set", images)


def test_labels_become_int32_and_count_the_classes():
    labelled = ImageSet("set", pictures(), np.array([0.0, 2.0, 1.0, 0.0]))
    assert labelled.labels.dtype == np.int32
    assert labelled.labels.tolist() == [0, 2, 1, 0]
    assert labelled.num_classes == 3
    assert ImageSet("set", pictures(), [0, 0, 1, 0], tuple("abcd")).num_classes == 4
    assert ImageSet("set", pictures(), [True, False, True, False]).num_classes == 2
    assert ImageSet("set", pictures()).num_classes == 0
    assert len(labelled) == 4


def test_the_first_images_keep_their_labels():
    images = np.arange(20, 24, dtype="uint8").reshape(4, 1, 1, 1)
    few = ImageSet("four", images, [3, 2, 1, 0], tuple("abcd")).first(2)
    assert few.images.ravel().tolist() == [20, 21]
    assert few.labels.tolist() == [3, 2]
    assert few.num_classes == 4
    unlabelled = ImageSet("four", images)
    assert unlabelled.first(9).images.shape == images.shape
    assert unlabelled.first(1).labels is None


def test_parts_are_read_as_the_whole_was():
    whole = ImageSet("set", np.arange(17).reshape(17, 1, 1), np.arange(17) % 3)
    part = replace(whole, images=whole.images[4:6], labels=whole.labels[4:6])
    for few in (part, whole.first(2), replace(whole.first(9), name="nine").first(2)):
        assert (few.value_range, few.reading) == (whole.value_range, whole.reading)
    np.testing.assert_array_equal(part.as_float().ravel(), np.float32([4 / 16, 5 / 16]))
    assert part.labels.tolist() == [1, 2]  # though none is 0
    assert not replace(whole, images=0 * whole.images).images.any()


def test_a_part_can_only_hold_what_a_set_stores():
    whole = ImageSet("set", pictures(), [0, 1, 0, 1])
    with pytest.raises(UserError, match=r"^set: the images are of type int64, but in place of"):
        replace(whole, images=pictures(dtype=int))
    with pytest.raises(UserError, match=r"^set: floating-point images must be finite and lie in"):
        replace(whole, images=pictures(dtype=np.float32))
    with pytest.raises(UserError, match=r"^set: the labels have shape \(3,\)"):
        replace(whole, labels=np.array([0, 1, 0]))
    with pytest.raises(UserError, match="from 0 to 0, but 2 of 4 are not"):
        replace(whole, class_names=("cat",))


def test_arrays_in_the_stored_form_are_not_copied():
    for images in (pictures(), np.random.default_rng(0).random((4, 2, 3, 1), np.float32)):
        whole = ImageSet("set", images)
        assert whole.images is images or whole.images.base is images
        assert np.shares_memory(replace(whole, name="other").images, images)
