import numpy as np
import pytest
from keras import ops

from amalthea.layers import MinibatchStdDev

from harness import check_layer


def channel(layer, rows):
    return ops.convert_to_numpy(layer(rows))[..., -1]


def random_rows(count):
    return np.random.default_rng(0).standard_normal((count, 2, 3, 5)).astype("float32")


def test_is_a_layer():
    check_layer(lambda **k: MinibatchStdDev(2, **k), (4, 3), (4, 4), batch_isolated=False)


@pytest.mark.parametrize("batch", [4, 8, 12])
def test_it_is_the_papers_over_groups_of_every_other_row(batch):
    rows = random_rows(batch)
    found = channel(MinibatchStdDev(4), rows)
    groups = rows.reshape(4, batch // 4, 2, 3, 5)
    expected = np.tile(groups.std(axis=0).mean((1, 2, 3)), 4)
    np.testing.assert_allclose(
        found, np.broadcast_to(expected[:, None, None], found.shape), rtol=1e-4
    )


@pytest.mark.parametrize("batch", [1, 2, 3, 5, 7])
def test_any_batch_has_groups(batch):
    rows = random_rows(batch)
    found = channel(MinibatchStdDev(4), rows)
    np.testing.assert_allclose(found, rows.std(axis=0).mean(), rtol=1e-4, atol=1e-3)


def test_a_constant_batch_has_none():
    rows = np.repeat(random_rows(1), 8, axis=0)
    np.testing.assert_allclose(channel(MinibatchStdDev(4), rows), 0, atol=1e-3)


def test_the_inputs_go_on_as_they_are():
    rows = random_rows(6)
    outputs = ops.convert_to_numpy(MinibatchStdDev()(rows))
    np.testing.assert_array_equal(outputs[..., :-1], rows)


@pytest.mark.parametrize("size", [0, 2.0])
def test_a_wrong_group_is_one_sentence(size):
    with pytest.raises(ValueError, match="group_size must be a whole number of at least 1, got"):
        MinibatchStdDev(size)
