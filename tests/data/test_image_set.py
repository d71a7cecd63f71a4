import numpy as np
import pytest

from amalthea.data import ImageSet
from amalthea.errors import UserError


def pictures(count: int = 4, dtype: type = np.uint8) -> np.ndarray:
    return np.zeros((count, 2, 3, 1), dtype)


def test_a_missing_channel_axis_is_added():
    assert ImageSet("set", np.zeros((4, 2, 3), np.uint8)).image_shape == (2, 3, 1)


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (np.uint8, np.uint8),
        (np.int64, np.uint8),
        (np.uint16, np.uint8),
        (np.float16, np.float32),
        (np.float32, np.float32),
        (np.float64, np.float32),
        (np.bool_, np.float32),
    ],
)
def test_images_are_stored_as_uint8_or_float32(given, stored):
    images = ImageSet("set", np.ones((4, 2, 3, 1), given)).images
    assert images.dtype == stored
    assert (images == 1).all()


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        (np.zeros((4, 2)), r"shape \(4, 2\), but must be \(count, height, width\)"),
        (np.zeros((1, 4, 2, 3, 1)), r"shape \(1, 4, 2, 3, 1\), but must be"),
        (pictures(0), r"no pixels in images of shape \(0, 2, 3, 1\)"),
        (pictures(dtype=np.complex64), "type complex64, but must be whole numbers 0 to 255"),
        (np.full((4, 2, 3, 1), "a"), "type <U1, but must be"),
        ([[[1]], [[1, 2]]], "the images do not form an array"),
    ],
)
def test_images_of_a_wrong_form_are_refused(images, sentence):
    with pytest.raises(UserError, match=f"^set: .*{sentence}"):
        ImageSet("set", images)


def test_values_out_of_range_are_located_and_counted():
    images = pictures(dtype=np.float64)
    images[1, 1, 2, 0], images[3, 0, 0, 0], images[3, 0, 1, 0] = 1.5, -2, 254
    with pytest.raises(UserError, match="lie in") as error:
        ImageSet("set", images)
    assert str(error.value) == (
        "set: floating-point images must be finite and lie in [0, 1], but 2 of 4 images do not "
        "(first image 1 at row, column, channel (1, 2, 0): 1.5; values go from -2.0 to 254.0)"
    )


@pytest.mark.parametrize(
    ("value", "found"), [(np.nan, "nan; .* and NaN"), (np.inf, "inf"), (-np.inf, "-inf")]
)
def test_values_that_are_not_finite_are_refused(value, found):
    images = pictures(dtype=np.float32)
    images[2, 0, 1, 0] = value
    with pytest.raises(UserError, match=rf"1 of 4 images .*image 2 at .*\(0, 1, 0\): {found}"):
        ImageSet("set", images)


@pytest.mark.parametrize("value", [-1, 256])
def test_whole_numbers_must_fit_into_a_byte(value):
    images = pictures(dtype=np.int32)
    images[0, 0, 0, 0] = value
    with pytest.raises(UserError, match=f"must lie in 0 to 255.*: {value};"):
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


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([0, 1, 2], r"shape \(3,\), but must be \(4,\)"),
        (np.eye(4), r"shape \(4, 4\), but must be \(4,\)"),
        ([0, 0.5, 1, 1], "type float64, must be class numbers"),
        ([0, np.nan, 1, 1], "type float64, must be class numbers"),
        (list("abcd"), "type <U1, must be class numbers"),
        ([0, -1, 1, 2], r"from 0 to 99999, but 1 are not \(first label 1: -1; .* -1 to 2\)"),
        ([0, 1, 1, 10**9], "from 0 to 99999, but 1 are not .*first label 3: 1000000000"),
    ],
)
def test_labels_that_are_no_class_numbers_are_refused(labels, sentence):
    with pytest.raises(UserError, match=f"^set: .*labels.* {sentence}"):
        ImageSet("set", pictures(), labels)


def test_labels_must_belong_to_the_named_classes():
    with pytest.raises(UserError, match=r"from 0 to 1, but 2 are not \(first label 2: 2;"):
        ImageSet("set", pictures(), [0, 1, 2, 3], ("cat", "dog"))


def test_the_first_images_keep_their_labels():
    images = np.arange(4, dtype="uint8").reshape(4, 1, 1, 1)
    few = ImageSet("four", images, [3, 2, 1, 0], tuple("abcd")).first(2)
    assert few.images.ravel().tolist() == [0, 1]
    assert few.labels.tolist() == [3, 2]
    assert few.num_classes == 4
    unlabelled = ImageSet("four", images)
    assert unlabelled.first(9).images.shape == images.shape
    assert unlabelled.first(1).labels is None
