import numpy as np
import pytest

from amalthea.data import ImageSet
from amalthea.errors import UserError


def ending_in(*values: float, dtype: type) -> np.ndarray:
    """Four images, black but for the last pixels."""
    images = np.zeros((4, 2, 3, 1), dtype)
    images.reshape(-1)[-len(values) :] = values
    return images


@pytest.mark.parametrize(
    ("largest", "dtype", "value_range"),
    [
        (True, np.bool_, (0, 1)),
        (0.5, np.float16, (0, 1)),
        (1, np.float32, (0, 1)),
        (0, np.float64, (0, 1)),
        (17, np.uint8, (0, 255)),
        (255, np.uint8, (0, 255)),
        (1, np.int64, (0, 1)),
        (1, np.uint16, (0, 1)),
        (15, np.int8, (0, 15)),
        (15, np.uint16, (0, 15)),
        (16, np.int32, (0, 16)),
        (17, np.int64, (0, 255)),
        (100, np.int8, (0, 255)),
        (255, np.int16, (0, 255)),
        (256, np.uint16, (0, 65535)),
        (65535, np.int64, (0, 65535)),
    ],
)
def test_type_and_largest_value_decide_what_white_is(largest, dtype, value_range):
    images = ImageSet("set", ending_in(largest, dtype=dtype))
    assert images.value_range == value_range
    assert images.images.dtype == (np.uint8 if value_range == (0, 255) else np.float32)
    expected = np.float32(np.float64(largest) / value_range[1])
    assert images.as_float().dtype == np.float32
    assert images.as_float().max() == expected
    assert images.as_float().min() == 0


@pytest.mark.parametrize(
    ("largest", "dtype", "whites"),
    [
        (0, np.uint8, (1, 255)),
        (1, np.uint8, (1, 255)),
        (2, np.uint8, (15, 16, 255)),
        (15, np.uint8, (15, 16, 255)),
        (16, np.uint8, (16, 255)),
        (0, np.int64, (1, 255)),
        (2, np.int64, (15, 16, 255)),
        (14, np.int32, (15, 16, 255)),
        (0, np.uint16, (1, 255, 65535)),
        (14, np.uint16, (15, 16, 255, 65535)),
        (17, np.uint16, (255, 65535)),
        (255, np.uint16, (255, 65535)),
    ],
)
def test_where_two_readings_are_possible_the_user_is_asked(largest, dtype, whites):
    pixels = ending_in(largest, dtype=dtype)
    with pytest.raises(UserError) as error:
        ImageSet("set", pixels)
    message = str(error.value)
    assert message.startswith(f"set: the images are of type {np.dtype(dtype)} and never exceed")
    for white in (1, 15, 16, 255, 65535):
        assert (f"value_range=(0, {white})" in message) == (white in whites)
    for white in whites:  # each of the readings is then taken
        images = ImageSet("set", pixels, value_range=(0, white))
        assert images.as_float().max() == np.float32(largest / white)


def test_whole_numbers_that_are_all_1_can_be_read_in_two_ways():
    with pytest.raises(UserError, match=r"black and white .* or nearly black images of 8 bits"):
        ImageSet("set", np.ones((4, 2, 3, 1), int))


@pytest.mark.parametrize(
    ("given", "low", "high"),
    [
        (np.float32, -1, 1),
        (np.float64, -0.3, 0.1),
        (np.float32, 0.1, 0.3),
        (np.float16, 0.1, 0.7),
        (np.float32, 0, 255),
        (np.int32, 2**30, 2**30 + 10),
        (np.int8, -128, 127),
        (np.uint8, 0, 1),
        (np.uint8, 5, 6),
        (np.int64, -1, 3),
    ],
)
def test_a_given_range_is_scaled_to_exactly_0_and_1(given, low, high):
    pixels = np.linspace(low, high, 24).astype(given).reshape(4, 2, 3, 1)
    images = ImageSet("set", pixels, value_range=(low, high))
    assert images.value_range == (low, high)
    scaled = images.as_float()
    assert scaled.dtype == np.float32
    assert (scaled.min(), scaled.max()) == (0, 1)
    exact = (pixels.astype(np.float64) - low) / (high - low)
    tolerance = 2e-3 if given is np.float16 else 1e-6
    np.testing.assert_allclose(scaled, exact, atol=tolerance)
    np.testing.assert_array_equal(next(iter(images.batches(4, shuffle=False))), scaled)


def test_images_of_many_pixels_are_scaled_as_those_of_few():
    pixels = np.random.default_rng(0).integers(0, 65536, (5, 700, 700, 1), np.uint16)
    np.testing.assert_array_equal(
        ImageSet("set", pixels).as_float(), (pixels / 65535).astype(np.float32)
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_bytes_are_stored_as_they_are(dtype):
    pixels = np.arange(24, dtype=dtype).reshape(4, 2, 3, 1)
    for value_range in (None, (0, 255), (0.0, 255.0), [0, 255]):
        images = ImageSet("set", pixels, value_range=value_range)
        assert (images.images.dtype, images.value_range) == (np.uint8, (0, 255))
        np.testing.assert_array_equal(images.images, pixels)
        np.testing.assert_array_equal(images.as_float(), pixels.astype(np.float32) / 255)


@pytest.mark.parametrize(
    "value_range",
    [(1, 0), (0, 0), (0,), (0, 1, 2), 255, "ab", (0, np.nan), (0, np.inf), ("0", "1")],
)
def test_a_value_range_that_is_none_is_refused(value_range):
    with pytest.raises(UserError, match=r"^value_range is .*, but must be two finite numbers"):
        ImageSet("set", np.zeros((4, 2, 3)), value_range=value_range)


def test_true_and_false_have_no_other_range():
    with pytest.raises(UserError, match=r"true and false, whose value_range is \(0, 1\), not"):
        ImageSet("set", np.zeros((4, 2, 3), bool), value_range=(0, 255))
    assert ImageSet("set", np.ones((4, 2, 3), bool), value_range=(0, 1)).as_float().min() == 1


@pytest.mark.parametrize(
    ("values", "dtype", "value_range", "words"),
    [
        ((1,), bool, None, "true and false as 1 and 0"),
        ((0.5,), float, None, "numbers in [0, 1]"),
        ((200,), np.uint8, None, "bytes 0 to 255, scaled to [0, 1]"),
        ((200,), int, None, "bytes 0 to 255, scaled to [0, 1]"),
        ((1,), int, None, "whole numbers 0 and 1"),
        ((16,), int, None, "whole numbers 0 to 16, scaled to [0, 1]"),
        ((999,), int, None, "whole numbers 0 to 65535, scaled to [0, 1]"),
        ((0.5,), float, (-1, 1), "numbers -1 to 1, scaled to [0, 1]"),
        ((0.5,), float, (0, 0.5), "numbers 0 to 0.5, scaled to [0, 1]"),
    ],
)
def test_the_reading_is_said_in_words(values, dtype, value_range, words):
    images = ImageSet("set", ending_in(*values, dtype=dtype), value_range=value_range)
    assert images.reading == words


def test_values_out_of_range_are_located_and_counted():
    images = np.zeros((4, 2, 3, 1))
    images[1, 1, 2, 0], images[3, 0, 0, 0], images[3, 0, 1, 0] = 1.5, -2, 254
    with pytest.raises(UserError, match="lie in") as error:
        ImageSet("set", images)
    assert str(error.value) == (
        "set: floating-point images must be finite and lie in [0, 1], but 2 of 4 images do not "
        "(first image 1 at row, column, channel (1, 2, 0): 1.5; values go from -2.0 to 254.0): "
        "if black is -2 and white is 254, give value_range=(-2, 254)"
    )


@pytest.mark.parametrize(
    ("least", "largest", "value_range"),
    [
        (-1, 1, "(-1, 1)"),
        (-0.97, 0.99, "(-1, 1)"),
        (0, 255, "(0, 255)"),
        (0, 16, "(0, 16)"),
        (0.5, 250.5, "(0, 255)"),
        (0, 65535, "(0, 65535)"),
        (-3, 2.5, "(-3, 2.5)"),
    ],
)
def test_the_range_that_is_likely_right_is_named(least, largest, value_range):
    images = ending_in(largest, dtype=float) + (least if least > 0 else 0)
    images.flat[0] = least
    with pytest.raises(UserError) as error:
        ImageSet("set", np.clip(images, least, largest))
    assert str(error.value).endswith(f"give value_range={value_range}")


@pytest.mark.parametrize(
    ("value", "found"), [(np.nan, "nan; .* and NaN"), (np.inf, "inf"), (-np.inf, "-inf")]
)
@pytest.mark.parametrize("value_range", [None, (-1, 1)])
def test_values_that_are_not_finite_are_refused(value, found, value_range):
    images = np.zeros((4, 2, 3, 1), np.float32)
    images[2, 0, 1, 0] = value
    with pytest.raises(UserError, match=rf"1 of 4 images .*image 2 at .*\(0, 1, 0\): {found}.*\)$"):
        ImageSet("set", images, value_range=value_range)


@pytest.mark.parametrize("value", [-1, 65536])
def test_whole_numbers_must_fit_into_16_bits(value):
    images = np.zeros((4, 2, 3, 1), np.int32)
    images[0, 0, 0, 0] = value
    with pytest.raises(UserError, match=f"must lie in 0 to 65535.*: {value};"):
        ImageSet("set", images)


def test_values_outside_a_given_range_are_refused():
    with pytest.raises(UserError, match=r"whole-number images must lie in 0 to 16, but 1 of 4"):
        ImageSet("set", ending_in(17, dtype=np.uint8), value_range=(0, 16))
    with pytest.raises(UserError, match=r"floating-point .* lie in -1 to 1, but 1 of 4 .*: 1.5;"):
        ImageSet("set", ending_in(1.5, dtype=float), value_range=(-1, 1))
