"""Residual networks."""

from typing import Annotated

import keras
from keras import layers, ops

from ...callbacks import steps
from ..model import RecipeModel
from ..registry import Objective, Published, recipe, variant
from ..search import (
    Flag,
    Given,
    ImageShape,
    LearningRate,
    Momentum,
    NumClasses,
    Seed,
    WeightDecay,
    at_least,
)
from ..tasks import CLASSIFICATION
from .convolutional import (
    CIFAR,
    ENDPOINTS,
    IMAGENET,
    Augmentation,
    Blocks,
    Preprocessing,
    activated,
    batch_normalization,
    classify,
    compile_classifier,
    convolution,
    decay,
    normalized,
)

HE = "He et al. 2015: https://arxiv.org/abs/1512.03385, table 1, counted without moving statistics"
HE_CIFAR = "He et al. 2015: https://arxiv.org/abs/1512.03385, table 6"
HE_2016 = "He et al. 2016: https://arxiv.org/abs/1603.05027, counted without moving statistics"
Stem = Annotated[str, Given(lambda v: v in ("3x3", "7x7"), "'3x3' or '7x7'")]
Shortcut = Annotated[
    str, Given(lambda v: v in ("padding", "projection"), "'padding' or 'projection'")
]
StrideIn = Annotated[str, Given(lambda v: v in ("1x1", "3x3"), "'1x1' or '3x3'")]


@recipe(
    family="classifiers",
    task=CLASSIFICATION,
    data="fashion_mnist",
    paper="He, Zhang, Ren & Sun 2015: https://arxiv.org/abs/1512.03385",
    objective=Objective("val_accuracy", "max"),
    endpoints=ENDPOINTS,
    smoke={"image_shape": (8, 8, 1), "num_classes": 3, "blocks": (1, 1), "filters": 4},
    published=(
        Published(
            "stem for small images, 64 to 512 filters, blocks 2-2-2-2",
            11_173_962,
            "counted: the widely used form of ResNet-18 for CIFAR",
            CIFAR | {"blocks": (2, 2, 2, 2), "filters": 64, "shortcut": "projection"},
        ),
        Published(
            "stem for small images, 64 to 512 filters, bottlenecks 3-4-6-3",
            23_520_842,
            "counted: the widely used form of ResNet-50 for CIFAR",
            CIFAR
            | {
                "blocks": (3, 4, 6, 3),
                "filters": 64,
                "shortcut": "projection",
                "bottleneck": True,
            },
        ),
    ),
    batch_size=128,
    epochs=20,
    schedule=decay(steps(0.5, 0.75)),
)
def resnet(
    image_shape: ImageShape = (28, 28, 1),
    num_classes: NumClasses = 10,
    *,
    blocks: Blocks = (3, 3, 3),
    filters: Annotated[int, at_least(1)] = 16,
    bottleneck: Flag = False,
    stem: Stem = "3x3",
    shortcut: Shortcut = "padding",
    preactivation: Flag = False,
    stride_in: StrideIn = "1x1",
    preprocessing: Preprocessing = "tf",
    augmentation: Augmentation = "shift and flip",
    weight_decay: WeightDecay = 1e-4,
    momentum: Momentum = 0.9,
    learning_rate: LearningRate = 0.1,
    seed: Seed = None,
) -> keras.Model:
    """Residual network: blocks of convolutions that learn what to add to what they are given.

    Named sizes are the networks of the paper: `resnet18` to `resnet152` with a stem for large
    images, and `resnet20` to `resnet110` with one for small images. Borders are of zeros, equally
    wide on all sides, and strides in the first convolution of a block, so that the weights of
    `keras.applications` give the same outputs.

    Deviations:
        * Biases and the scales of normalisation have no weight decay. Images are scaled to [-1, 1]
          instead of having their mean subtracted.
        * The learning rate is divided by 10 after half and three quarters of the training, as on
          CIFAR, for all sizes; 110 layers have no warm-up.

    Args:
        image_shape: Height, width and channels of the images.
        num_classes: Number of classes.
        blocks: Number of blocks of each stage; all stages but the first halve the image.
        filters: Filters of the first stage, which each later one doubles.
        bottleneck: Whether a block is 1×1, 3×3 and 1×1 with four times the filters, or two 3×3.
        stem: "3x3" for small images, or "7x7", with stride 2 and a pooling that halves once more.
        shortcut: What goes around a block that changes the shape: "projection", a 1×1 convolution
            (the paper's option B), or "padding", every other pixel and new maps of zeros (option
            A).
        preactivation: Whether normalisation and rectification come before each convolution, so that
            nothing but the sum is between two blocks.
        stride_in: Which convolution of a bottleneck halves the image: the first "1x1", as in the
            paper, or the "3x3", as in Torch's models.
        preprocessing: What images are scaled to: "tf" for [-1, 1]; for weights that were learnt so
            on ImageNet, "caffe", as the VGG and residual nets of `keras.applications`, or "torch",
            as its dense nets.
        augmentation: What is done to images in training: "none", "shift" by up to an eighth of
            their side, or "shift and flip" from left to right.
        weight_decay: Coefficient of the kernels in their gradients.
        momentum: Momentum of gradient descent; below 1.
        learning_rate: Step size of gradient descent at first.
        seed: Makes initial weights and augmentation reproducible.

    Returns:
        A compiled model from images in [0, 1], `(batch, height, width, channels)`, to scores,
        `(batch, num_classes)`, whose softmax are the class probabilities. It learns from integer
        labels and logs the accuracy.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import resnet
        >>> images, labels = np.random.rand(32, 8, 8, 1), np.arange(32) % 3
        >>> model = resnet((8, 8, 1), 3, blocks=(1, 1), filters=4)
        >>> history = model.fit(images, labels, verbose=0)
        >>> model.predict(images[:2], verbose=0).shape
        (2, 3)

    Reference:
        He, Zhang, Ren & Sun 2015, "Deep Residual Learning for Image Recognition":
        https://arxiv.org/abs/1512.03385; He, Zhang, Ren & Sun 2016, "Identity Mappings in Deep
        Residual Networks": https://arxiv.org/abs/1603.05027
    """
    images = keras.Input(image_shape, name="images")
    x = normalized(images, augmentation, preprocessing)
    if stem == "7x7":
        x = convolution(x, filters, 7, "stem", strides=2)
        x = activated(x, "stem")
        x = layers.ZeroPadding2D(1, name="pool_border")(x)
        x = layers.MaxPooling2D(3, 2, name="pool")(x)
    else:
        x = convolution(x, filters, 3, "stem")
        x = x if preactivation else activated(x, "stem")
    for stage, count in enumerate(blocks, start=1):
        for number in range(1, count + 1):
            x = _block(
                x,
                filters * 2 ** (stage - 1),
                f"block_{stage}_{number}",
                strides=2 if stage > 1 and number == 1 else 1,
                bottleneck=bottleneck,
                shortcut=shortcut,
                preactivation=preactivation,
                stride_in=stride_in,
            )
    x = activated(x, "last") if preactivation else x
    x = layers.GlobalAveragePooling2D(name="features")(x)
    model = RecipeModel(images, classify(x, num_classes), name="resnet")
    return compile_classifier(model, learning_rate, momentum, weight_decay)


def _block(x, filters, name, *, strides, bottleneck, shortcut, preactivation, stride_in):
    if bottleneck:
        sizes, widths = (1, 3, 1), (filters, filters, 4 * filters)
        strided = 1 if stride_in == "3x3" else 0
    else:
        sizes, widths, strided = (3, 3), (filters, filters), 0
    around = x
    if preactivation:
        x = activated(x, f"{name}_0")
    if strides > 1 or around.shape[-1] != widths[-1]:
        around = x if preactivation else around
        around = _changed(around, widths[-1], strides, shortcut, preactivation, name)
    for number, (width, size) in enumerate(zip(widths, sizes, strict=True)):
        x = convolution(
            x, width, size, f"{name}_{number + 1}", strides=strides if number == strided else 1
        )
        if number + 1 < len(widths):
            x = activated(x, f"{name}_{number + 1}")
        elif not preactivation:
            x = batch_normalization(f"{name}_{number + 1}_normalization")(x)
    x = layers.Add(name=f"{name}_sum")([around, x])
    return x if preactivation else layers.ReLU(name=f"{name}_relu")(x)


def _changed(x, filters, strides, shortcut, preactivation, name):
    """What goes around a block, in the shape that comes out of it."""
    if shortcut == "projection":
        x = convolution(x, filters, 1, f"{name}_projection", strides=strides)
        return x if preactivation else batch_normalization(f"{name}_projection_normalization")(x)
    x = x[:, ::strides, ::strides] if strides > 1 else x
    return ops.pad(x, ((0, 0), (0, 0), (0, 0), (0, filters - x.shape[-1])))


def _imagenet(name: str, parameters: int, blocks: tuple[int, ...], **arguments):
    return variant(
        resnet,
        name,
        blocks=blocks,
        filters=64,
        stem="7x7",
        shortcut="projection",
        **arguments,
        at=IMAGENET,
        parameters=parameters,
        source=HE_2016 if "preactivation" in arguments else HE,
    )


def _cifar(name: str, parameters: int, blocks: int, **arguments):
    return variant(
        resnet,
        name,
        blocks=(blocks,) * 3,
        **arguments,
        at=CIFAR,
        parameters=parameters,
        source=HE_2016 if "preactivation" in arguments else HE_CIFAR,
    )


resnet18 = _imagenet("resnet18", 11_689_512, (2, 2, 2, 2))
resnet34 = _imagenet("resnet34", 21_797_672, (3, 4, 6, 3))
resnet50 = _imagenet("resnet50", 25_557_032, (3, 4, 6, 3), bottleneck=True)
resnet101 = _imagenet("resnet101", 44_549_160, (3, 4, 23, 3), bottleneck=True)
resnet152 = _imagenet("resnet152", 60_192_808, (3, 8, 36, 3), bottleneck=True)
preactivation_resnet18 = _imagenet(
    "preactivation_resnet18", 11_687_848, (2, 2, 2, 2), preactivation=True
)
preactivation_resnet34 = _imagenet(
    "preactivation_resnet34", 21_796_008, (3, 4, 6, 3), preactivation=True
)
preactivation_resnet50 = _imagenet(
    "preactivation_resnet50", 25_549_480, (3, 4, 6, 3), bottleneck=True, preactivation=True
)
preactivation_resnet101 = _imagenet(
    "preactivation_resnet101", 44_541_608, (3, 4, 23, 3), bottleneck=True, preactivation=True
)
preactivation_resnet152 = _imagenet(
    "preactivation_resnet152", 60_185_256, (3, 8, 36, 3), bottleneck=True, preactivation=True
)
resnet20 = _cifar("resnet20", 269_722, 3)
resnet32 = _cifar("resnet32", 464_154, 5)
resnet44 = _cifar("resnet44", 658_586, 7)
resnet56 = _cifar("resnet56", 853_018, 9)
resnet110 = _cifar("resnet110", 1_727_962, 18)
preactivation_resnet110 = _cifar("preactivation_resnet110", 1_727_962, 18, preactivation=True)
preactivation_resnet164 = _cifar(
    "preactivation_resnet164",
    1_703_258,
    18,
    bottleneck=True,
    shortcut="projection",
    preactivation=True,
)
