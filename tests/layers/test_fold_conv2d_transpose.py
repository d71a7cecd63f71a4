import numpy as np
import pytest
from keras import layers, ops

from amalthea.layers import FoldConv2DTranspose

from harness import check_layer, gradients


def test_is_a_layer():
    check_layer(
        lambda **k: FoldConv2DTranspose(2, 3, strides=2, padding="same", activation="relu", **k),
        (5, 4, 3),
        (10, 8, 2),
        trainable=2,
    )


@pytest.mark.parametrize(
    "settings",
    [
        {"padding": "same"},
        {"padding": "same", "strides": 2},
        {"padding": "valid", "strides": 2, "output_padding": 1, "use_bias": False},
        {"padding": "valid", "dilation_rate": 2, "activation": "tanh"},
    ],
    ids=repr,
)
def test_outputs_and_gradients_are_those_of_keras_layer(settings):
    inputs = np.random.default_rng(0).random((2, 5, 4, 3), dtype="float32")
    theirs, ours = (
        make(2, (3, 4), **settings) for make in (layers.Conv2DTranspose, FoldConv2DTranspose)
    )
    for layer in (theirs, ours):
        layer.build(inputs.shape)
    try:
        theirs(inputs)
    except Exception as error:  # TensorFlow dilates on CPUs that it has oneDNN's kernels for
        if "dilation rates larger than 1" not in str(error):
            raise
        pytest.skip("Keras' layer cannot be dilated on this CPU")
    ours.set_weights([w + 0.1 for w in theirs.get_weights()])
    theirs.set_weights(ours.get_weights())
    np.testing.assert_allclose(ours(inputs), theirs(inputs), rtol=1e-5, atol=1e-5)
    assert tuple(ours.compute_output_shape(inputs.shape)) == tuple(ours(inputs).shape)
    found, expected = (
        gradients(lambda layer=layer: ops.sum(ops.square(layer(inputs))), layer.trainable_variables)
        for layer in (ours, theirs)
    )
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)
