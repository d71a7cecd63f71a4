"""Network in network."""

from typing import Annotated

import keras
from keras import layers

from ...callbacks import steps
from ..endpoint import Part
from ..model import RecipeModel
from ..registry import Objective, Published, recipe, variant
from ..search import (
    Dropout,
    Float,
    Given,
    ImageShape,
    LearningRate,
    Momentum,
    NumClasses,
    Rank,
    Seed,
    WeightDecay,
)
from ..tasks import CLASSIFICATION
from .convolutional import (
    CIFAR,
    IMAGENET,
    Augmentation,
    check_size,
    compile_classifier,
    decay,
    gaussian,
    normalized,
)
from .explanations import EXPLAIN

# Of each form, and stage: the size and stride of the convolution, and the filters of that and of
# the 1×1 convolutions after it. In the last stage the scores come in addition.
FORMS = {
    "cifar": (((5, 1), (192, 160, 96)), ((5, 1), (192, 192, 192)), ((3, 1), (192, 192))),
    "imagenet": (
        ((11, 4), (96, 96, 96)),
        ((5, 1), (256, 256, 256)),
        ((3, 1), (384, 384, 384)),
        ((3, 1), (1024, 1024)),
    ),
}


@recipe(
    family="classifiers",
    task=CLASSIFICATION,
    data="fashion_mnist",
    paper="Lin, Chen & Yan 2013: https://arxiv.org/abs/1312.4400",
    objective=Objective("val_accuracy", "max"),
    endpoints={
        "serve": Part("images", "probabilities", activation="softmax"),
        "features": Part("images", "features", end="maps", pooled=True),
        "explain": EXPLAIN,
    },
    smoke={"image_shape": (8, 8, 1), "num_classes": 3, "width": 0.05},
    published=(Published("CIFAR", 966_986, "Lin, Chen & Yan 2013; counted", CIFAR),),
    batch_size=128,
    epochs=20,
    schedule=decay(steps(0.6, 0.8)),
)
def network_in_network(
    image_shape: ImageShape = (28, 28, 1),
    num_classes: NumClasses = 10,
    *,
    form: Annotated[str, Given(lambda v: v in FORMS, "'cifar' or 'imagenet'")] = "cifar",
    width: Annotated[float, Float(0.25, 2.0, log=True, rank=Rank.UNITS)] = 1.0,
    dropout: Dropout = 0.5,
    augmentation: Augmentation = "shift and flip",
    weight_decay: WeightDecay = 1e-4,
    momentum: Momentum = 0.9,
    learning_rate: LearningRate = 0.1,
    seed: Seed = None,
) -> keras.Model:
    """Network in network: after each convolution a small network at every place, and no dense head.

    The last layer has one map for each class, whose mean is the score. The named size
    `network_in_network_imagenet` is the one for ImageNet.

    Deviations:
        * The maps of the classes are not rectified, so that scores may be negative and all of them
          have a gradient; the authors' code rectifies them.
        * Initial weights are He's, from which it learns at this learning rate. The learning rate is
          divided by 10 after 60 and 80 % of the training, instead of where the training accuracy
          stops to rise. Biases have no weight decay.
        * Images are scaled to [-1, 1] instead of being normalised in contrast and whitened.

    Args:
        image_shape: Height, width and channels of the images.
        num_classes: Number of classes.
        form: "cifar", three stages for small images, or "imagenet", four for large ones.
        width: Factor of the filters of all layers but the last, rounded; above 0.
        dropout: Share of the outputs of all stages but the last that are left out in training;
            below 1. In the form for ImageNet after the last but one alone.
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
        UserError: If an argument is not valid, or the images are too small for the strides.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import network_in_network
        >>> images, labels = np.random.rand(32, 8, 8, 1), np.arange(32) % 3
        >>> model = network_in_network((8, 8, 1), 3, width=0.1)
        >>> history = model.fit(images, labels, verbose=0)
        >>> model.predict(images[:2], verbose=0).shape
        (2, 3)

    Reference:
        Lin, Chen & Yan 2013, "Network in Network": https://arxiv.org/abs/1312.4400
    """
    stages = FORMS[form]
    images = keras.Input(image_shape, name="images")
    x = normalized(images, augmentation)
    if form == "imagenet":
        check_size(image_shape, (11, 4))
    for stage, ((size, stride), filters) in enumerate(stages, start=1):
        for number, count in enumerate(filters, start=1):
            name = f"convolution_{stage}_{number}"
            count = max(1, round(width * count))
            if number == 1:
                padding = "same" if stride == 1 else "valid"
                layer = layers.Conv2D(
                    count, size, stride, padding, kernel_initializer=gaussian(), name=name
                )
            else:  # a 1×1 convolution
                layer = layers.Dense(count, kernel_initializer=gaussian(), name=name)
            last = stage == len(stages) and number == len(filters)
            x = layers.ReLU(name="maps" if last else f"{name}_relu")(layer(x))
        if stage < len(stages):
            pool = layers.AveragePooling2D if (form, stage) == ("cifar", 2) else layers.MaxPooling2D
            x = pool(3, 2, "same", name=f"pool_{stage}")(x)
            if form == "cifar" or stage == len(stages) - 1:
                x = layers.Dropout(dropout, name=f"dropout_{stage}")(x)
    x = layers.Dense(num_classes, dtype="float32", name="class_maps")(x)
    scores = layers.GlobalAveragePooling2D(dtype="float32", name="scores")(x)
    model = RecipeModel(images, scores, name="network_in_network")
    return compile_classifier(model, learning_rate, momentum, weight_decay)


network_in_network_imagenet = variant(
    network_in_network,
    "network_in_network_imagenet",
    form="imagenet",
    at=IMAGENET,
    parameters=7_595_176,
    source="the authors' configuration for ImageNet; counted",
)
