import numpy as np
import pytest

from amalthea.data import ImageSet
from amalthea.errors import UserError


def labelled(labels: object, class_names: tuple[str, ...] = ()) -> ImageSet:
    """Four images with these labels."""
    return ImageSet("set", np.zeros((4, 2, 3, 1)), labels, class_names)


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([0, 1, 2], r"the labels have shape \(3,\), but must be \(4,\)"),
        (np.zeros((4, 2, 2)), r"shape \(4, 2, 2\), but must be \(4,\)"),
        (3, r"shape \(\), but must be \(4,\)"),
        ([0, 0.5, 1, 1], r"but 1 of 4 are not \(first label 1: 0.5;"),
        ([0, np.nan, 1, 1], r"but 1 of 4 are not \(first label 1: nan;"),
        ([0, 1, np.inf, 1], r"but 1 of 4 are not \(first label 2: inf;"),
        ([0, -np.inf, 1, 1], r"but 1 of 4 are not \(first label 1: -inf;"),
        ([0, 1j, 1, 1], "type complex128, must be class numbers"),
        ([0, -1, 1, 2], r"from 0 to 99999, but 1 of 4 are not \(first label 1: -1; .* -1 to 2\)"),
        ([0, 1, 1, 10**9], "from 0 to 99999, but 1 of 4 are not .*first label 3: 1000000000"),
        ([1, 2, 3, 1], "go from 1 to 3 and none is 0, so they seem to begin at 1.*: subtract 1"),
        ([5, 3, 3, 5], "go from 3 to 5, so that the classes below 3 have no images"),
        ([[0], [1, 2], [0], [0]], "do not form an array"),
        ([None, None, None, None], "label 0 is None, but must be a class number or the name"),
    ],
)
def test_labels_that_are_no_class_numbers_are_refused(labels, sentence):
    with pytest.raises(UserError, match=f"^set: .*{sentence}"):
        labelled(labels)


def test_labels_must_belong_to_the_named_classes():
    with pytest.raises(
        UserError, match=r"from 0 to 1, but 2 of 4 are not \(first label 2: 2;.*3\)$"
    ):
        labelled([0, 1, 2, 3], ("cat", "dog"))


def test_labels_counted_from_1_are_told_from_other_mistakes():
    with pytest.raises(UserError, match=r"from 0 to 2, .*\); they seem to begin at 1: subtract 1$"):
        labelled([1, 2, 3, 2], ("ant", "cat", "dog"))
    with pytest.raises(UserError, match=r"1 to 4\)$"):
        labelled([1, 2, 3, 4], ("ant", "cat", "dog"))


def test_a_named_class_may_be_empty():
    assert labelled([1, 2, 2, 1], ("ant", "cat", "dog")).labels.tolist() == [1, 2, 2, 1]


@pytest.mark.parametrize("dtype", [int, bool, np.float32, np.uint8])
def test_one_hot_labels_become_class_numbers(dtype):
    one_hot = labelled(np.eye(6)[[3, 1, 3, 4]].astype(dtype))
    assert (one_hot.labels.dtype, one_hot.labels.tolist()) == (np.int32, [3, 1, 3, 4])
    assert one_hot.num_classes == 6
    assert labelled(np.eye(2)[[0, 1, 1, 1]], ("cat", "dog")).class_names == ("cat", "dog")


@pytest.mark.parametrize(
    "row", [(0, 0, 0), (1, 1, 0), (0, 2, 0), (0.5, 0.5, 0), (np.nan, 1, 0), (-1, 1, 1)]
)
def test_rows_that_are_not_one_hot_are_refused(row):
    labels = np.eye(3)[[0, 1, 2, 0]]
    labels[2] = row
    with pytest.raises(
        UserError, match=r"^set: labels of shape \(4, 3\) must be one-hot.*row 2: \["
    ):
        labelled(labels)


def test_one_hot_labels_must_have_a_column_for_each_class():
    with pytest.raises(UserError, match="have 4 columns, but there are 2 classes"):
        labelled(np.eye(4), ("cat", "dog"))
    with pytest.raises(UserError, match="must be one-hot"):
        labelled([["cat", "dog"]] * 4)


@pytest.mark.parametrize("labels", [[[0], [2], [1], [0]], np.array([[0.0], [2], [1], [0]])])
def test_a_column_of_labels_is_taken(labels):
    assert labelled(labels).labels.tolist() == [0, 2, 1, 0]


@pytest.mark.parametrize(
    "texts",
    [
        ["dog", "ant", "dog", "cat"],
        [["dog"], ["ant"], ["dog"], ["cat"]],
        np.array([b"dog", b"ant", b"dog", b"cat"]),
        np.array(["dog", b"ant", "dog", "cat"], object),
    ],
)
def test_texts_are_classes_in_the_order_of_the_alphabet(texts):
    images = labelled(texts)
    assert images.class_names == ("ant", "cat", "dog")
    assert images.labels.tolist() == [2, 0, 2, 1]


def test_texts_are_found_among_the_named_classes():
    images = labelled(["dog", "cat", "dog", "cat"], ("dog", "emu", "cat"))
    assert images.labels.tolist() == [0, 2, 0, 2]
    with pytest.raises(UserError, match=r"^set: label 1, 'catt', is no class: did you mean cat\?"):
        labelled(["dog", "catt", "dog", "cat"], ("dog", "emu", "cat"))
    with pytest.raises(UserError, match="need class names that all differ"):
        labelled(["dog", "cat", "dog", "cat"], ("dog", "dog", "cat"))


def test_texts_in_utf_8_are_decoded_and_others_refused():
    assert labelled(np.array([b"\xc3\xa4", b"b", b"b", b"b"])).class_names == ("b", "ä")
    with pytest.raises(UserError, match=r"label 0, .* is no text in UTF-8"):
        labelled(np.array([b"\xff", b"b", b"b", b"b"]))


@pytest.mark.parametrize("label", ["", None, 3, 2.5])
def test_among_texts_there_are_only_texts(label):
    labels = np.array(["cat", "dog", "cat", "dog"], object)
    labels[1] = label
    with pytest.raises(UserError, match=f"label 1 is {label!r}, but must be a class number or"):
        labelled(labels)
