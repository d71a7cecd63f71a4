import numpy as np
import pytest

from amalthea.data import SPLITS, ImageSet, from_python, read, split
from amalthea.errors import UserError

IMAGES = np.random.default_rng(0).random((10, 5, 4, 3), np.float32)
GREY = np.ascontiguousarray(IMAGES[..., 0])
LABELS = np.arange(10) % 3
ONE_HOT = np.eye(3, dtype=np.float32)[LABELS]


def dataset(data, *, batch_size: int | None = None):
    import tensorflow as tf

    whole = tf.data.Dataset.from_tensor_slices(data)
    return whole.batch(batch_size) if batch_size else whole


def check(images: ImageSet, *, labelled: bool, grey: bool = False) -> None:
    expected = GREY[..., np.newaxis] if grey else IMAGES
    np.testing.assert_array_equal(images.as_float(), expected)
    assert (images.labels is None) == (not labelled)
    if labelled:
        np.testing.assert_array_equal(images.labels, LABELS)
        assert images.num_classes == 3


@pytest.mark.parametrize(
    ("data", "labelled"),
    [
        (IMAGES, False),
        (IMAGES.tolist(), False),
        ((IMAGES,), False),
        ((IMAGES, None), False),
        ((IMAGES, LABELS), True),
        ((IMAGES, ONE_HOT), True),
        ((IMAGES, LABELS[:, None]), True),
        ({"images": IMAGES}, False),
        ({"image": IMAGES, "label": LABELS}, True),
        ({"labels": LABELS, "images": IMAGES}, True),
    ],
)
def test_arrays_are_taken(data, labelled):
    check(from_python(data), labelled=labelled)


def test_a_tensor_is_taken_as_an_array():
    import tensorflow as tf

    check(from_python((tf.constant(IMAGES), tf.constant(LABELS))), labelled=True)


def test_an_image_set_is_taken_as_it_is():
    whole = ImageSet("mine", IMAGES, LABELS, ("a", "b", "c"))
    assert from_python(whole) is whole
    assert from_python(whole, class_names=["a", "b", "c"], value_range=(0, 1)) is whole
    with pytest.raises(UserError, match=r"an ImageSet of class_names .*, not"):
        from_python(whole, class_names=("c", "b", "a"))
    with pytest.raises(UserError, match=r"an ImageSet of value_range \(0, 1\), not \(0, 255\)"):
        from_python(whole, value_range=(0, 255))


def test_arrays_are_not_copied():
    assert np.shares_memory(from_python(IMAGES).images, IMAGES)


def test_names_and_value_range_are_passed_on():
    data = (IMAGES * 2 - 1, np.array(["cat", "dog"] * 5))
    images = from_python(data, name="mine", class_names=["dog", "cat"], value_range=(-1, 1))
    assert (images.name, images.class_names) == ("mine", ("dog", "cat"))
    assert images.labels.tolist() == [1, 0] * 5
    np.testing.assert_allclose(images.as_float(), IMAGES, atol=1e-6)


@pytest.mark.parametrize("batch_size", [None, 1, 4, 10])
@pytest.mark.parametrize(
    ("data", "labelled", "grey"),
    [
        (IMAGES, False, False),
        ((IMAGES,), False, False),
        ((IMAGES, LABELS), True, False),
        ((IMAGES, ONE_HOT), True, False),
        ((IMAGES, LABELS[:, None]), True, False),
        ({"image": IMAGES, "label": LABELS}, True, False),
        ((GREY, LABELS), True, True),
        ((GREY, ONE_HOT), True, True),
    ],
)
def test_batches_and_single_examples_of_a_dataset_give_the_same(data, labelled, grey, batch_size):
    check(from_python(dataset(data, batch_size=batch_size)), labelled=labelled, grey=grey)


def test_the_text_labels_of_a_dataset_are_taken():
    texts = np.array(["cat", "ant"] * 5)
    for batch_size in (None, 3):
        images = from_python(dataset((IMAGES, texts), batch_size=batch_size))
        assert images.class_names == ("ant", "cat")
        assert images.labels.tolist() == [1, 0] * 5


def test_what_may_be_batches_or_one_hot_examples_is_refused():
    squares = np.zeros((4, 3, 3, 3), np.float32)
    with pytest.raises(UserError, match="may be images with one-hot labels or batches of images"):
        from_python(dataset((squares, np.eye(3)[[0, 1, 2, 0]])))
    assert from_python(dataset((squares, np.eye(3)[[0, 1, 2, 0]]), batch_size=2)).num_classes == 3
    assert from_python(dataset((squares, np.eye(4)))).num_classes == 4


def test_what_has_no_end_is_refused():
    with pytest.raises(UserError, match=r"^mine is an infinite tf\.data\.Dataset"):
        from_python(dataset(IMAGES).repeat(), name="mine")


def test_a_dataset_too_large_for_memory_is_refused(monkeypatch):
    import itertools

    import tensorflow as tf

    from amalthea.data import own

    monkeypatch.setattr(own, "MOST_PIXELS", 1000)
    endless = tf.data.Dataset.from_generator(
        lambda: (np.zeros((2, 2)) for _ in itertools.count()),
        output_signature=tf.TensorSpec((2, 2)),
    )
    with pytest.raises(UserError, match="has more than 1,000 numbers and does not fit in memory"):
        from_python(endless)


def py_dataset(batches: list, count: int | None = -1):
    import keras

    class Batches(keras.utils.PyDataset):
        num_batches = len(batches) if count == -1 else count

        def __getitem__(self, index):
            return batches[index]

    return Batches()


def test_the_batches_of_a_py_dataset_are_taken():
    halves = slice(0, 7), slice(7, 10)
    check(from_python(py_dataset([(IMAGES[h], LABELS[h]) for h in halves])), labelled=True)
    check(from_python(py_dataset([(GREY[h],) for h in halves])), labelled=False, grey=True)
    check(from_python(py_dataset([IMAGES[h] for h in halves])), labelled=False)
    with pytest.raises(UserError, match="an infinite PyDataset"):
        from_python(py_dataset([], None))
    with pytest.raises(UserError, match="has no elements"):
        from_python(py_dataset([]))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("digits", "is of type str, but must be an array of images"),
        (iter([IMAGES]), "is of type list_iterator, but must be"),
        (None, "is of type NoneType, but must be"),
        ((IMAGES, LABELS, LABELS), "a tuple of 3, .* sample weights are not taken"),
        ((), "a tuple of 0, but must be"),
        (
            {"images": IMAGES, "lables": LABELS},
            "has the keys images, lables, but they must be of .* label",
        ),
        ({"images": IMAGES, "image": IMAGES}, "has the keys images, image, but they must"),
        ({"labels": LABELS}, "has no key image, only labels"),
        ((IMAGES, LABELS[:4]), r"the labels have shape \(4,\)"),
        (IMAGES * 2, r"must be finite and lie in \[0, 1\]"),
    ],
)
def test_what_is_no_set_of_images_is_refused(data, sentence):
    with pytest.raises(UserError, match=f"^mine.*{sentence}"):
        from_python(data, name="mine")


def test_elements_that_do_not_fit_together_are_refused():
    with pytest.raises(UserError, match=r"2 shapes, such as \(4, 4, 3\) and \(5, 4, 3\)"):
        from_python(py_dataset([IMAGES, IMAGES[:, :4]]))
    with pytest.raises(UserError, match=r"labels of 2 shapes, such as"):
        from_python(py_dataset([(IMAGES, LABELS), (IMAGES, ONE_HOT)]))
    with pytest.raises(UserError, match="labels in some of its elements only"):
        from_python(py_dataset([(IMAGES, LABELS), (IMAGES,)]))
    with pytest.raises(UserError, match=r"has elements of shape \(4,\), but they must be images"):
        from_python(dataset(IMAGES[:, 0, :, 0]))


def test_data_from_python_are_cut_as_arrays_are(tmp_path):
    pixels, labels = np.arange(100, dtype=np.uint8)[:, None, None], np.arange(100) % 4
    np.savez(tmp_path / "set.npz", images=pixels, labels=labels)
    whole = from_python((pixels, labels), name="mine")
    for name in SPLITS:
        part, expected = split(whole, name), read(f"arrays:{tmp_path}/set.npz", name)
        np.testing.assert_array_equal(part.images, expected.images)
        np.testing.assert_array_equal(part.labels, expected.labels)
        assert part.name == f"mine, split {name}"
    labels[labels == 3] = 0
    labels[5] = 3
    assert {split(from_python((pixels, labels)), name).num_classes for name in SPLITS} == {4}
    with pytest.raises(UserError, match="the split is 'all', but must be one of train"):
        split(whole, "all")
