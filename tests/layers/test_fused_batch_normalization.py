import keras
import numpy as np
import pytest
from keras import layers, ops

from amalthea.layers import FusedBatchNormalization
from amalthea.layers.input_gradient import input_gradient

from harness import check_layer

IMAGES = np.random.default_rng(0).normal(2, 3, (5, 4, 3, 2)).astype("float32")


def test_is_a_layer():
    check_layer(
        lambda **k: FusedBatchNormalization(**k), (4, 3, 2), (4, 3, 2), trainable=2, non_trainable=2
    )


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "arguments",
    [{}, {"center": False}, {"scale": False}, {"momentum": 0.5, "epsilon": 0.1}, {"axis": 1}],
)
@pytest.mark.parametrize("images", [IMAGES, IMAGES[:1], IMAGES[:, 0], IMAGES[:, 0, 0]])
def test_gives_what_keras_gives(images, arguments, training):
    results = []
    for kind in (FusedBatchNormalization, layers.BatchNormalization):
        layer = kind(gamma_initializer="ones", beta_initializer="ones", **arguments)
        outputs = layer(images, training=training)
        gradient = input_gradient(
            lambda rows, layer=layer: ops.sin(
                layer.stateless_call(
                    layer.trainable_variables,
                    layer.non_trainable_variables,
                    rows,
                    training=training,
                )[0]
            ),
            ops.convert_to_tensor(images),
        )
        results.append([outputs, gradient, *layer.weights])
    for found, expected in zip(*results, strict=True):
        found, expected = (ops.convert_to_numpy(one) for one in (found, expected))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.tensorflow
def test_is_one_kernel_in_training():
    import tensorflow as tf

    layer = FusedBatchNormalization()
    layer.build(IMAGES.shape)
    step = tf.function(lambda images: layer(images, training=True))
    operations = [node.type for node in step.get_concrete_function(IMAGES).graph.get_operations()]
    assert "FusedBatchNormV3" in operations
    assert "SquaredDifference" not in operations


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_half_precision_is_normalised_in_float32(kind):
    layer = FusedBatchNormalization(dtype=keras.DTypePolicy(f"mixed_{kind}"))
    outputs = layer(100 * IMAGES, training=True)
    assert keras.backend.standardize_dtype(outputs.dtype) == kind
    outputs = ops.convert_to_numpy(ops.cast(outputs, "float32"))
    np.testing.assert_allclose(outputs.std(axis=(0, 1, 2)), 1, rtol=2e-2)
    np.testing.assert_allclose(outputs.mean(axis=(0, 1, 2)), 0, atol=2e-2)
    assert all(keras.backend.standardize_dtype(w.dtype) == "float32" for w in layer.weights)
