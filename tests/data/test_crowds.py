import numpy as np

from amalthea import data


def test_crowds_are_always_the_same_and_have_up_to_four_digits():
    crowds, again = (data.read("crowds", "validation") for _ in range(2))
    images, tags = crowds.columns["image"], crowds.columns["tags"]
    np.testing.assert_array_equal(images, again.columns["image"])
    assert images.shape == (len(crowds), 32, 32, 1)
    assert tags.shape == (len(crowds), 10)
    counts = tags.sum(1)
    assert set(counts) == {1, 2, 3, 4}
    assert crowds.features["tags"].names == tuple("0123456789")


def test_the_digit_of_the_split_is_among_the_tags():
    crowds, digits = (data.read(name, "test") for name in ("crowds", "digits"))
    assert len(crowds) == len(digits)
    tags = crowds.columns["tags"]
    assert (tags[np.arange(len(tags)), digits.labels] == 1).all()


def test_each_digit_has_a_quarter_of_its_own():
    crowds = data.read("crowds", "test", image_size=(40, 24))
    images, tags = crowds.columns["image"], crowds.columns["tags"]
    assert images.shape[1:] == (40, 24, 1)
    bright = (images[..., 0] > 120).reshape(len(images), 2, 20, 2, 12).any((2, 4)).sum((1, 2))
    assert (bright >= 1).all()
    assert (bright <= 4).all()
    # Two of one kind have one tag.
    assert (tags.sum(1) <= bright).mean() > 0.95
