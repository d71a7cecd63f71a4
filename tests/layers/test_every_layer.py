"""Every public layer passes the checks that Keras has for its own layers."""

import keras
import pytest
from keras.src import testing

from amalthea import layers

IMAGES = (2, 4, 5, 3)
CELLS = (
    layers.EchoStateCell,
    layers.PeepholeLSTMCell,
    layers.SimplifiedGRUCell,
    layers.TwoBiasLSTMCell,
)

# Arguments, shape of the inputs, shape of the outputs, and what else Keras is to expect. Keras
# builds by the shape alone and compares its symbolic outputs with real ones, in single and in mixed
# precision; it trains for a step, and finds out whether a config gives the same layer. Left out is
# `assert_built_after_instantiation`, for which a layer without weights must call a private method.
LAYERS = {
    "AdaptiveInstanceNormalization": ({}, (IMAGES, (2, 6)), IMAGES),
    "AutoencodingDense": ({"units": 3, "corruption": 0.1, "learning": True}, (2, 5), (2, 3)),
    "Bias": ({}, IMAGES, IMAGES),
    "Binarize": ({}, IMAGES, IMAGES),
    "Blur": ({}, IMAGES, IMAGES),
    "BoltzmannMachine": ({"hidden": 3, "persistent_chains": 4}, (2, 5), (2, 3)),
    "CaptionedRBM": (
        {"hidden": 4, "caption_units": 3, "caption_length": 2, "vocabulary_size": 6},
        (2, 5),
        (2, 2, 6),
    ),
    "Corruption": ({"kind": "masking", "level": 0.3}, IMAGES, IMAGES),
    "DBM": ({"hidden": (4, 3), "persistent_chains": 5}, (2, 5), (2, 3)),
    "DiagonalBiLSTM": ({"units": 3, "channels": 3}, IMAGES, (2, 4, 5, 3)),
    "DropPathJoin": ({"columns": (0, 2)}, (IMAGES, IMAGES, (3,)), IMAGES),
    "EchoStateCell": ({"units": 4}, (2, 5, 3), (2, 4)),
    "EqualizedConv2D": ({"filters": 2, "kernel_size": 3}, IMAGES, (2, 4, 5, 2)),
    "EqualizedDense": ({"units": 3}, (2, 5), (2, 3)),
    "FadeIn": ({"alpha": 0.25}, (IMAGES, IMAGES), IMAGES),
    "FoldConv2DTranspose": (
        {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same"},
        IMAGES,
        (2, 8, 10, 2),
    ),
    "FusedBatchNormalization": ({}, IMAGES, IMAGES),
    "GatedActivation": ({}, (2, 4, 5, 6), IMAGES),
    "GaussianSample": ({}, (2, 6), (2, 3)),
    "GlobalPath": ({"columns": 3}, IMAGES, (3,)),
    "GradientGate": ({}, IMAGES, IMAGES),
    "Hopfield": ({}, (2, 5), (2, 5)),
    "HorizontalConv2D": ({"filters": 6, "channels": 3, "gates": 2}, IMAGES, (2, 4, 5, 6)),
    "KLSparsity": ({"target": 0.2, "weight": 1.0}, (2, 5), (2, 5)),
    "KSparse": ({"k": 2}, (2, 5), (2, 5)),
    "LabelledRBM": ({"hidden": 4, "num_classes": 3}, (2, 5), (2, 3)),
    "LearnedConstant": ({"shape": (2, 2, 3)}, (2, 5), (2, 2, 2, 3)),
    "LocalResponseNormalization": ({}, IMAGES, IMAGES),
    "MaskedConv2D": ({"filters": 3, "channels": 3}, IMAGES, IMAGES),
    "MaskedDense": ({"units": 6, "channels": 3}, IMAGES, (2, 4, 5, 6)),
    "Maxout": ({"units": 3, "pieces": 2}, (2, 5), (2, 3)),
    "MinibatchDiscrimination": ({"kernels": 3, "dims": 2}, (2, 4), (2, 7)),
    "MinibatchStdDev": ({"group_size": 2}, IMAGES, (2, 4, 5, 4)),
    "NegativeSampling": ({"vocabulary_size": 6, "units": 3}, (2, 5), (2, 5, 3)),
    "NoiseInjection": ({}, (IMAGES, (2, 4, 5, 1)), IMAGES),
    "NormalNoise": ({"shape": (2, 3, 1)}, (2, 5), (2, 2, 3, 1)),
    "PartialConv2D": ({"connections": ((0, 1), (2,)), "kernel_size": 3}, IMAGES, (2, 2, 3, 2)),
    "PeepholeLSTMCell": ({"units": 4}, (2, 5, 3), (2, 4)),
    "PixelNormalization": ({}, IMAGES, IMAGES),
    "RBM": ({"hidden": 3, "persistent_chains": 4}, (2, 5), (2, 3)),
    "RadialBasis": ({"units": 4}, (2, 3), (2, 4)),
    "RandomShift": ({"pixels": 1, "flip": True}, IMAGES, IMAGES),
    "RepeatAlong": ({}, ((2, 3), (2, 4, 5)), (2, 4, 3)),
    "ReplayBuffer": ({"capacity": 6}, IMAGES, IMAGES),
    "RidgeDense": ({"units": 3}, (2, 5), (2, 3)),
    "RowLSTM": ({"units": 3, "channels": 3}, IMAGES, IMAGES),
    "SimplifiedGRUCell": ({"units": 4}, (2, 5, 3), (2, 4)),
    "Standardize": ({}, (2, 5), (2, 5)),
    "StyleMixing": ({"count": 4}, ((2, 3), (2, 3)), (2, 4, 3)),
    "TiedConv2D": ({"filters": 2, "kernel_size": 3}, IMAGES, (2, 4, 5, 2)),
    "TiedDense": ({"units": 3}, (2, 5), (2, 3)),
    "TrainablePooling2D": ({"pool_size": 2}, IMAGES, (2, 2, 2, 3)),
    "Truncation": ({}, (2, 3), (2, 3)),
    "TwoBiasLSTMCell": ({"units": 4}, (2, 5, 3), (2, 4)),
    "VerticalConv2D": ({"filters": 2}, IMAGES, (2, 4, 5, 2)),
}


# Its step of training gets a generator, and leaves `shuffle` as it is.
@pytest.mark.filterwarnings("ignore:`shuffle=True` was passed")
@pytest.mark.filterwarnings("ignore:The model does not have any trainable weights")
# Nothing comes through a bias of the way back, or of the words, when all runs forward.
@pytest.mark.filterwarnings(
    "ignore:Gradients do not exist for variables ..(tied|captioned_rbm)[^,]*bias.]"
)
@pytest.mark.parametrize("name", layers.__all__)
def test_passes_the_checks_of_keras(name):
    assert name in LAYERS, f"{name} lacks its row in the table above"
    arguments, input_shape, output_shape = LAYERS[name]
    layer = getattr(layers, name)
    if issubclass(layer, CELLS):  # which runs over the steps of a layer of Keras
        layer, arguments = keras.layers.RNN, {"cell": layer(**arguments)}
    testing.TestCase().run_layer_test(
        layer, arguments, input_shape, expected_output_shape=output_shape
    )
