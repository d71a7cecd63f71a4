import numpy as np
import pytest
from keras import ops

from amalthea.layers import MinibatchDiscrimination

from harness import check_gradients, check_layer


def closeness(layer, rows):
    return ops.convert_to_numpy(layer(rows))[:, rows.shape[1] :]


def random_rows(count, features=4):
    return np.random.default_rng(0).standard_normal((count, features)).astype("float32")


def test_is_a_layer():
    check_layer(
        lambda **k: MinibatchDiscrimination(3, 2, **k),
        (4,),
        (7,),
        trainable=1,
        batch_isolated=False,
    )


def test_it_is_the_sum_over_the_others_that_the_paper_defines():
    layer, rows = MinibatchDiscrimination(3, 2), random_rows(5)
    found = closeness(layer, rows)
    tensor = ops.convert_to_numpy(layer.kernel).reshape(4, 3, 2)
    matrices = np.einsum("na,abc->nbc", rows, tensor)
    for i in range(5):
        for b in range(3):
            others = [np.abs(matrices[i, b] - matrices[j, b]).sum() for j in range(5) if j != i]
            np.testing.assert_allclose(found[i, b], np.exp(-np.array(others)).sum(), rtol=1e-5)


def test_the_inputs_go_on_as_they_are():
    rows = random_rows(5)
    outputs = ops.convert_to_numpy(MinibatchDiscrimination(3, 2)(rows))
    np.testing.assert_array_equal(outputs[:, :4], rows)


def test_equal_rows_have_as_many_neighbours_as_there_are_others():
    rows = np.repeat(random_rows(1), 6, axis=0)
    np.testing.assert_allclose(closeness(MinibatchDiscrimination(3, 2), rows), 5, rtol=1e-6)


def test_a_row_alone_has_none():
    np.testing.assert_array_equal(closeness(MinibatchDiscrimination(3, 2), random_rows(1)), 0)


def test_permuting_the_batch_permutes_the_output():
    layer, rows = MinibatchDiscrimination(3, 2), random_rows(6)
    order = np.array([3, 0, 5, 1, 4, 2])
    np.testing.assert_allclose(
        closeness(layer, rows[order]), closeness(layer, rows)[order], rtol=1e-5
    )


def test_the_gradient_is_right(float64):
    layer, rows = MinibatchDiscrimination(2, 2), random_rows(4).astype("float64")
    layer.build(rows.shape)
    check_gradients(lambda: ops.sum(layer(rows) ** 2), layer.trainable_weights)


def test_the_published_kernel_has_96_000_weights():
    layer = MinibatchDiscrimination()
    layer.build((None, 192))
    assert layer.count_params() == 96_000


@pytest.mark.parametrize("arguments", [{"kernels": 0}, {"dims": 0}, {"dims": 2.0}])
def test_wrong_numbers_are_one_sentence(arguments):
    with pytest.raises(ValueError, match="must be a whole number of at least 1, got"):
        MinibatchDiscrimination(**arguments)


def test_images_are_refused():
    with pytest.raises(ValueError, match=r"needs inputs \(batch, features\)"):
        MinibatchDiscrimination().build((None, 4, 4, 1))
