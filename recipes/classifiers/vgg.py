"""The very deep networks of the Visual Geometry Group."""

from typing import Annotated

import keras
from keras import layers

from ...callbacks import steps
from ..model import RecipeModel
from ..registry import Objective, Published, recipe, variant
from ..search import (
    Dropout,
    Flag,
    Given,
    ImageShape,
    LearningRate,
    Momentum,
    NumClasses,
    Seed,
    WeightDecay,
    are_counts,
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
    batch_normalization,
    check_size,
    classify,
    compile_classifier,
    convolution,
    decay,
    gaussian,
    normalized,
)

SIMONYAN = "Simonyan & Zisserman 2014: https://arxiv.org/abs/1409.1556, table 1"
SMALL = "counted: the widely used form for CIFAR"
HiddenUnits = Annotated[
    tuple[int, ...], Given(are_counts, "a list of whole numbers of at least 1, or an empty one")
]


@recipe(
    family="classifiers",
    task=CLASSIFICATION,
    data="fashion_mnist",
    paper="Simonyan & Zisserman 2014: https://arxiv.org/abs/1409.1556",
    objective=Objective("val_accuracy", "max"),
    endpoints=ENDPOINTS,
    smoke={
        "image_shape": (8, 8, 1),
        "num_classes": 3,
        "blocks": (1, 2),
        "filters": 4,
        "hidden_units": (8,),
    },
    published=(
        Published("11, CIFAR", 9_750_922, SMALL, CIFAR | {"hidden_units": (512, 512)}),
        Published("11, CIFAR, no hidden layer", 9_225_610, SMALL, CIFAR | {"hidden_units": ()}),
    ),
    batch_size=256,
    epochs=20,
    schedule=decay(steps(0.4, 0.7, 0.9)),
)
def vgg(
    image_shape: ImageShape = (224, 224, 3),
    num_classes: NumClasses = 1000,
    *,
    blocks: Blocks = (1, 1, 2, 2, 2),
    filters: Annotated[int, at_least(1)] = 64,
    hidden_units: HiddenUnits = (4096, 4096),
    normalization: Flag = False,
    dropout: Dropout = 0.5,
    preprocessing: Preprocessing = "tf",
    augmentation: Augmentation = "shift and flip",
    weight_decay: WeightDecay = 5e-4,
    momentum: Momentum = 0.9,
    learning_rate: LearningRate = 0.01,
    seed: Seed = None,
) -> keras.Model:
    """VGG: stages of 3×3 convolutions, each ended by a pooling, then dense layers.

    Named sizes are the paper's configurations A, B, D and E: `vgg11`, `vgg13`, `vgg16`, `vgg19`.

    Deviations:
        * Initial weights are He's, from which all sizes learn at once, instead of those of a
          smaller network that was trained before.
        * The learning rate is divided by 10 after 40, 70 and 90 % of the training, instead of where
          the validation error stops to fall. Biases have no weight decay.
        * Images are scaled to [-1, 1] instead of having the mean subtracted. In training they are
          shifted and mirrored, not cropped from images of several sizes.

    Args:
        image_shape: Height, width and channels of the images.
        num_classes: Number of classes.
        blocks: Convolutions of each stage; each stage halves the image.
        filters: Filters of the first stage, which each later one doubles up to eight times as many.
        hidden_units: Units of each hidden dense layer; none for a layer of scores alone.
        normalization: Whether each convolution is followed by batch normalisation, which the paper
            is older than.
        dropout: Share of the hidden dense layers' units that are left out in training; below 1.
        preprocessing: What images are scaled to: "tf" for [-1, 1]; for weights that were learnt so
            on ImageNet, "caffe", as the VGG and residual nets of `keras.applications`, or "torch",
            as its dense nets.
        augmentation: What is done to images in training: "none", "shift" by up to an eighth of
            their side, or "shift and flip" from left to right.
        weight_decay: Coefficient of the kernels in their gradients.
        momentum: Momentum of gradient descent; below 1.
        learning_rate: Step size of gradient descent at first.
        seed: Makes initial weights, dropout and augmentation reproducible.

    Returns:
        A compiled model from images in [0, 1], `(batch, height, width, channels)`, to scores,
        `(batch, num_classes)`, whose softmax are the class probabilities. It learns from integer
        labels and logs the accuracy.

    Raises:
        UserError: If an argument is not valid, or the images are too small for the stages.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import vgg
        >>> images, labels = np.random.rand(32, 8, 8, 1), np.arange(32) % 3
        >>> model = vgg((8, 8, 1), 3, blocks=(1, 1), filters=4, hidden_units=(8,))
        >>> history = model.fit(images, labels, verbose=0)
        >>> model.predict(images[:2], verbose=0).shape
        (2, 3)

    Reference:
        Simonyan & Zisserman 2014, "Very Deep Convolutional Networks for Large-Scale Image
        Recognition": https://arxiv.org/abs/1409.1556
    """
    check_size(image_shape, *[(2, 2)] * len(blocks))
    images = keras.Input(image_shape, name="images")
    x = normalized(images, augmentation, preprocessing)
    for stage, count in enumerate(blocks, start=1):
        for number in range(1, count + 1):
            name = f"convolution_{stage}_{number}"
            width = filters * min(2 ** (stage - 1), 8)
            x = convolution(x, width, 3, name, use_bias=not normalization)
            if normalization:
                x = batch_normalization(f"{name}_normalization")(x)
            x = layers.ReLU(name=f"{name}_relu")(x)
        x = layers.MaxPooling2D(2, name=f"pool_{stage}")(x)
    x = layers.Flatten(name="maps" if hidden_units else "features")(x)
    for number, units in enumerate(hidden_units, start=1):
        name = "features" if number == len(hidden_units) else f"hidden_{number}"
        x = layers.Dense(units, "relu", kernel_initializer=gaussian(), name=name)(x)
        x = layers.Dropout(dropout, name=f"dropout_{number}")(x)
    model = RecipeModel(images, classify(x, num_classes), name="vgg")
    return compile_classifier(model, learning_rate, momentum, weight_decay)


def _size(name: str, parameters: int, blocks: tuple[int, ...]):
    return variant(vgg, name, blocks=blocks, at=IMAGENET, parameters=parameters, source=SIMONYAN)


vgg11 = _size("vgg11", 132_863_336, (1, 1, 2, 2, 2))
vgg13 = _size("vgg13", 133_047_848, (2, 2, 2, 2, 2))
vgg16 = _size("vgg16", 138_357_544, (2, 2, 3, 3, 3))
vgg19 = _size("vgg19", 143_667_240, (2, 2, 4, 4, 4))
