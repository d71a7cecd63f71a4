import subprocess
import sys

import numpy as np
import pytest

from amalthea.data import ImageSet, examples
from amalthea.errors import UserError


def numbered(count: int) -> ImageSet:
    """Images whose label is their position."""
    images = np.arange(count, dtype=np.uint8)[:, None, None, None]
    return ImageSet("set", images, np.arange(count), value_range=(0, 255))


def order(dataset) -> list[int]:
    return [int(label) for _, labels in dataset for label in labels]


def test_batches_are_scaled_labelled_and_counted():
    dataset = numbered(10).batches(4, shuffle=False)
    assert int(dataset.cardinality()) == 3
    images, labels = zip(*dataset.as_numpy_iterator(), strict=True)
    assert [len(batch) for batch in images] == [4, 4, 2]
    assert (images[0].dtype, labels[0].dtype) == (np.float32, np.int32)
    assert dataset.element_spec[0].shape.as_list() == [None, 1, 1, 1]
    np.testing.assert_array_equal(
        np.concatenate(images).ravel(), np.arange(10, dtype=np.float32) / np.float32(255)
    )
    assert np.concatenate(labels).tolist() == list(range(10))


def test_the_batch_size_can_follow_from_the_images_shown_before():
    def size(shown):
        return 4 if shown < 14 else 3

    dataset = numbered(10).batches(size, seed=1)
    epochs = [[len(labels) for _, labels in dataset] for _ in range(2)]
    assert epochs == [[4, 4, 2], [4, 3, 3]]
    assert [numbered(10).batch_count(size, epoch) for epoch in range(3)] == [3, 3, 4]
    with pytest.raises(UserError, match="batch_size gives 0, but must give at least 1"):
        numbered(10).batches(lambda shown: 0)
    same = order(numbered(10).batches(5, seed=1, epoch=1))
    assert order(numbered(10).batches(size, seed=1, epoch=1)) == same


def test_float_images_are_passed_on_unchanged():
    images = np.random.default_rng(0).random((3, 2, 2, 3), np.float32)
    (batch,) = ImageSet("set", images).batches(3, shuffle=False)
    np.testing.assert_array_equal(batch, images)


def test_images_without_labels_come_alone():
    (batch,) = ImageSet("set", np.full((3, 2, 2), 255, np.uint8)).batches(8)
    assert batch.shape == (3, 2, 2, 1)
    assert (batch.numpy() == 1).all()


def test_without_shuffling_every_iteration_has_the_stored_order():
    dataset = numbered(20).batches(8, shuffle=False, seed=3, epoch=1)
    assert order(dataset) == order(dataset) == list(range(20))


def test_images_and_labels_stay_together_when_shuffled():
    for images, labels in numbered(50).batches(7):
        np.testing.assert_allclose(images[:, 0, 0, 0] * 255, labels, rtol=1e-6)


def test_every_iteration_has_another_complete_order():
    dataset = numbered(20).batches(8)
    orders = [order(dataset) for _ in range(4)]
    assert len(set(map(tuple, orders))) == 4
    assert all(sorted(each) == list(range(20)) for each in orders)


def test_the_orders_are_determined_by_the_seed_alone():
    one, same, other = (numbered(20).batches(size, seed=s) for size, s in ((8, 5), (3, 5), (8, 6)))
    first = [order(one), order(one)]
    assert first == [order(same), order(same)]
    assert order(other) not in first


def test_the_orders_are_the_same_in_every_process():
    assert order(numbered(8).batches(8, seed=1, epoch=2)) == [6, 0, 7, 5, 1, 4, 3, 2]


def test_a_dataset_made_for_an_epoch_goes_on_exactly():
    dataset = numbered(20).batches(8, seed=2)
    orders = [order(dataset) for _ in range(4)]
    resumed = numbered(20).batches(8, seed=2, epoch=2)
    assert [order(resumed), order(resumed)] == orders[2:]


def test_iterators_that_are_never_used_do_not_count():
    dataset, unused = (numbered(20).batches(8) for _ in range(2))
    for _ in range(3):
        iter(unused)
    assert order(unused) == order(dataset)


@pytest.mark.parametrize("argument", ["batch_size", "seed", "epoch"])
@pytest.mark.parametrize("value", [-1, 1.5, "8", None, True])
def test_arguments_that_are_no_whole_numbers_are_refused(argument, value):
    arguments = {"batch_size": 8} | {argument: value}
    with pytest.raises(UserError, match=f"^{argument} is {value!r}, but must be a whole number"):
        numbered(4).batches(**arguments)


def test_batches_are_not_empty():
    with pytest.raises(UserError, match=r"^batch_size is 0, .* at least 1"):
        numbered(4).batches(0)


class Recorder:
    """A Keras loss that keeps the labels it sees."""

    def __init__(self):
        self.seen = []

    def __call__(self, labels, outputs):
        import tensorflow as tf

        tf.numpy_function(lambda batch: self.seen.extend(batch.ravel().tolist()), [labels], [])
        return tf.reduce_mean(outputs)


def fitted(dataset, epochs: int, initial_epoch: int = 0) -> list[list[int]]:
    """The order of the labels in each epoch of a real training."""
    import keras

    model = keras.Sequential(
        [keras.Input((1, 1, 1)), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    recorder = Recorder()
    model.compile("sgd", loss=recorder)
    # Without shuffle=False, Keras warns that it cannot shuffle a dataset itself.
    model.fit(dataset, epochs=epochs, initial_epoch=initial_epoch, verbose=0, shuffle=False)
    return np.array(recorder.seen, int).reshape(epochs - initial_epoch, -1).tolist()


@pytest.mark.tensorflow
def test_the_epochs_of_a_training_have_the_orders_of_successive_iterations():
    dataset = numbered(12).batches(4)
    expected = [order(dataset) for _ in range(3)]
    assert fitted(numbered(12).batches(4), epochs=3) == expected
    assert len(set(map(tuple, expected))) == 3


@pytest.mark.tensorflow
def test_a_resumed_training_goes_on_with_the_orders_of_an_uninterrupted_one():
    whole = fitted(numbered(12).batches(4, seed=9), epochs=4)
    resumed = fitted(numbered(12).batches(4, seed=9, epoch=2), epochs=4, initial_epoch=2)
    assert resumed == whole[2:]


def test_a_mirrored_strategy_distributes_every_image_once_in_the_same_order():
    import tensorflow as tf

    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():  # where variables would be mirrored
        dataset = numbered(12).batches(4)
    distributed = strategy.experimental_distribute_dataset(dataset)
    expected = numbered(12).batches(4)
    for _ in range(2):
        assert order(distributed) == order(expected)


TWO_DEVICES = """
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras, numpy as np
from amalthea.data import ImageSet

strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
images = ImageSet("set", np.full((12, 2, 2, 1), 255, np.uint8), np.arange(12))
plain = images.batches(4)
with strategy.scope():
    dataset = images.batches(4)
    layers = [keras.Input((2, 2, 1)), keras.layers.Flatten(), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile("sgd", "mse")
distributed = strategy.experimental_distribute_dataset(dataset)
for _ in range(2):
    labels = [strategy.experimental_local_results(labels) for _, labels in distributed]
    order = np.concatenate([part for parts in labels for part in parts]).tolist()
    assert order == [int(label) for _, labels in plain for label in labels], order
    assert [len(part) for parts in labels for part in parts] == [2] * 6
history = model.fit(dataset, epochs=2, verbose=0, shuffle=False)
assert len(history.history["loss"]) == 2
"""


@pytest.mark.slow
@pytest.mark.tensorflow
def test_two_devices_share_every_batch_and_training_on_them_works():
    subprocess.run([sys.executable, "-c", TWO_DEVICES], check=True, timeout=120)


@pytest.mark.parametrize("labelled", [False, True])
def test_batches_made_together_are_those_made_one_by_one(monkeypatch, labelled):
    labels = np.arange(23) % 3 if labelled else None
    images = ImageSet("some", np.random.default_rng(0).random((23, 2, 3, 1), "float32"), labels)

    def made(at_once):
        monkeypatch.setattr(examples, "MADE_AT_ONCE", at_once)
        batches = images.batches(5, seed=1)
        assert len(batches) == 5
        both = [*batches.as_numpy_iterator(), *batches.as_numpy_iterator()]
        return [batch if labelled else (batch,) for batch in both]

    for together, alone in zip(made(2**17), made(1), strict=True):
        for one, other in zip(together, alone, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("batch_size", [4, lambda done: 2 + 2 * (done > 4)])
def test_batches_of_a_multiple_leave_out_the_fewest_of_each_order(batch_size):
    images = np.arange(11, dtype=np.float32).reshape(11, 1, 1, 1) / 11
    own = ImageSet("own", images)
    whole = np.concatenate([b.numpy() for b in own.batches(3, seed=1)])
    cut = [b.numpy() for b in own.batches(batch_size, seed=1, multiple_of=2)]
    assert not any(len(b) % 2 for b in cut)
    np.testing.assert_array_equal(np.concatenate(cut), whole[:10])


def test_batches_that_cannot_be_of_a_multiple_are_one_sentence():
    own = ImageSet("own", np.zeros((11, 1, 1, 1), np.float32))
    with pytest.raises(UserError, match="batch_size must be a multiple of 2, got 3"):
        own.batches(3, multiple_of=2)
    with pytest.raises(UserError, match="has 1 examples, too few for 2 parts"):
        own.first(1).batches(2, multiple_of=2)
