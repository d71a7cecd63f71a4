"""Steps of a classifier for classifiers.py, by the recipe or in plain Keras; prints JSON."""

import json
import sys
import time

import keras
import numpy as np
from clock import Clock
from keras import layers

from amalthea import recipes

SHAPE, CLASSES = (32, 32, 1), 10
# Published settings without augmentation, so that all contenders do the same.
DECAY = {"resnet20": 1e-4, "densenet_40_12": 1e-4, "vgg11": 5e-4}
RATE = {"resnet20": 0.1, "densenet_40_12": 0.1, "vgg11": 0.01}
RECIPES = {
    "lenet5": lambda: recipes.lenet5(SHAPE, CLASSES, padding=0),
    "mlp": lambda: recipes.mlp(SHAPE, CLASSES),
    "resnet20": lambda: recipes.resnet20(
        image_shape=SHAPE, num_classes=CLASSES, augmentation="none"
    ),
    "densenet_40_12": lambda: recipes.densenet_40_12(
        image_shape=SHAPE, num_classes=CLASSES, augmentation="none"
    ),
    "vgg11": lambda: recipes.vgg11(
        image_shape=SHAPE, num_classes=CLASSES, hidden_units=(512, 512), augmentation="none"
    ),
}


def lenet5(x):
    """The modern form."""
    x = layers.Rescaling(1.275, -0.1)(x)
    x = layers.Conv2D(6, 5, activation="tanh")(x)
    x = layers.AveragePooling2D(2)(x)
    x = layers.Conv2D(16, 5, activation="tanh")(x)
    x = layers.AveragePooling2D(2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(120, "tanh")(x)
    return layers.Dense(84, "tanh")(x)


def mlp(x):
    """A hidden layer of 128 units."""
    return layers.Dense(128, "relu")(layers.Flatten()(x))


def convolution(x, filters, size=3, strides=1, bias=False):
    """A convolution whose kernel decays."""
    return layers.Conv2D(
        filters,
        size,
        strides,
        "same",
        use_bias=bias,
        kernel_initializer="he_normal",
        kernel_regularizer=keras.regularizers.L2(DECAY[name] / 2),
    )(x)


def normalized(x):
    """Batch normalisation with the settings of Torch."""
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)


def activated(x):
    """Normalised and rectified."""
    return layers.ReLU()(normalized(x))


def resnet20(x):
    """Three stages of three blocks."""
    x = activated(convolution(layers.Rescaling(2.0, -1.0)(x), 16))
    for stage in range(3):
        for block in range(3):
            strides = 2 if stage and not block else 1
            around, filters = x, 16 * 2**stage
            if strides > 1:
                around = x[:, ::2, ::2]
                widths = ((0, 0), (0, 0), (0, 0), (0, filters // 2))
                around = keras.ops.pad(around, widths)
            x = activated(convolution(x, filters, strides=strides))
            x = layers.ReLU()(around + normalized(convolution(x, filters)))
    return layers.GlobalAveragePooling2D()(x)


def densenet_40_12(x):
    """Three blocks of twelve layers."""
    x = convolution(layers.Rescaling(2.0, -1.0)(x), 16)
    for block in range(3):
        for _ in range(12):
            x = layers.Concatenate()([x, convolution(activated(x), 12)])
        if block < 2:
            x = convolution(activated(x), x.shape[-1], 1)
            x = layers.AveragePooling2D(2)(x)
    return layers.GlobalAveragePooling2D()(activated(x))


def vgg11(x):
    """Eight convolutions and two dense layers."""
    x = layers.Rescaling(2.0, -1.0)(x)
    for filters, count in ((64, 1), (128, 1), (256, 2), (512, 2), (512, 2)):
        for _ in range(count):
            x = layers.ReLU()(convolution(x, filters, bias=True))
        x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    for _ in range(2):
        penalty = keras.regularizers.L2(DECAY[name] / 2)
        x = layers.Dropout(0.5)(layers.Dense(512, "relu", kernel_regularizer=penalty)(x))
    return x


def plain():
    """The same network by hand, as one would write it with Keras alone."""
    images = keras.Input(SHAPE)
    penalty = keras.regularizers.L2(DECAY[name] / 2) if name in DECAY else None
    scores = layers.Dense(CLASSES, kernel_regularizer=penalty)(globals()[name](images))
    model = keras.Model(images, scores)
    optimizer = keras.optimizers.Adam(1e-3)
    if name in RATE:
        nesterov = name.startswith("densenet")
        optimizer = keras.optimizers.SGD(RATE[name], 0.9, nesterov)
    model.compile(
        optimizer,
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        steps_per_execution=8 if name in ("lenet5", "mlp") else 1,  # as the recipe has it
    )
    return model


who, name, file, batch, epochs = sys.argv[1:]
with np.load(file) as arrays:
    x, y = arrays["x"], arrays["y"]
begin = time.perf_counter()
model = RECIPES[name]() if who == "recipe" else plain()
built = time.perf_counter() - begin
clock = Clock()
history = model.fit(
    x, y, batch_size=int(batch), epochs=int(epochs) + 1, callbacks=[clock], verbose=0
)
steps = len(x) // int(batch)
print(
    json.dumps(
        {
            "step": [seconds / steps for seconds in clock.seconds[1:]],
            "parameters": sum(int(np.prod(v.shape)) for v in model.trainable_variables),
            "loss": history.history["loss"][-1],
            "built": built,
        }
    )
)
