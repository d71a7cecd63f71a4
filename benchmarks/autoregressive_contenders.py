"""What autoregressive.py measures of the recipes and of plain Keras; prints JSON."""

import json
import math
import os
import sys
import time

os.environ |= {
    "OMP_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}

import keras
import numpy as np
from accuracy_contenders import Budget
from clock import Clock
from keras import layers, ops

from amalthea import data, recipes
from amalthea.layers.seed_stream import SeedStream
from amalthea.recipes.autoregressive.likelihoods import LARGEST, SMALLEST

HELD_OUT = 2000  # images
if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


class Masked(layers.Layer):
    """A convolution whose kernel is masked in each call."""

    def __init__(self, filters, side, center, activation="relu"):
        super().__init__()
        self.convolution = layers.Conv2D(filters, side, padding="same", activation=activation)
        self.center = center

    def build(self, shape):
        self.convolution.build(shape)
        side = self.convolution.kernel_size[0]
        self.seen = np.zeros(self.convolution.kernel.shape, "float32")
        self.seen[: side // 2] = 1
        self.seen[side // 2, : side // 2 + self.center] = 1

    def call(self, x):
        kernel = self.convolution.kernel * self.seen
        x = ops.conv(x, kernel, padding="same") + self.convolution.bias
        return self.convolution.activation(x)


def plain(filters, blocks, bottleneck, heads):
    """The net of keras.io's example."""
    images = keras.Input((28, 28, 1))
    x = Masked(filters, 7, center=False)(images)
    for _ in range(blocks):
        y = layers.Conv2D(bottleneck, 1, activation="relu")(x)
        y = Masked(filters // 2, 3, center=True)(y)
        y = layers.Conv2D(filters, 1, activation="relu")(y)
        x = layers.Add()([x, y])
    for units in heads:
        x = Masked(units, 1, center=True)(x)
    x = layers.Conv2D(1, 1, activation="sigmoid")(x)
    return keras.Model(images, x)


def started(file, sizes):
    """The recipe, or the net of plain Keras, with the kernels of a file."""
    filters, blocks, bottleneck, heads = sizes
    if who == "plain":
        model = plain(*sizes)
        model.compile(keras.optimizers.RMSprop(1e-3), "binary_crossentropy")
    else:
        model = recipes.pixelcnn(
            filters=filters, blocks=blocks, bottleneck_filters=bottleneck, head_units=heads,
            binarization="threshold", seed=0,
        )  # fmt: skip
    with np.load(file) as arrays:
        for i, variable in enumerate(v for v in model.trainable_variables if len(v.shape) > 1):
            variable.assign(ops.reshape(arrays[f"kernel_{i}"], variable.shape))
    return model


class Losses(keras.callbacks.Callback):
    """The loss of each step."""

    def on_train_begin(self, logs=None):
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        # That of an epoch so far is the mean of its steps.
        earlier = sum(self.seen[len(self.seen) - batch :])
        self.seen.append((batch + 1) * logs["loss"] - earlier)


def train(file, sizes, batch, epochs):
    """CPU seconds a step, and nats of an image in each step."""
    sizes, batch, epochs = json.loads(sizes), int(batch), int(epochs)
    model, clock, losses = started(file, sizes), Clock(time.process_time), Losses()
    with np.load(file) as arrays:
        images = arrays["images"]
    model.fit(
        *((images,) if who == "recipe" else (images, images)),
        batch_size=batch, epochs=epochs + 1, shuffle=False, verbose=0, callbacks=[clock, losses],
    )  # fmt: skip
    step = [seconds * batch / len(images) for seconds in clock.seconds[1:]]
    per_image = 1 if who == "recipe" else images[0].size
    loss = [per_image * value for value in losses.seen]
    return {"step": step, "loss": loss, "parameters": model.count_params()}


def timed(once):
    """CPU seconds, and seconds, of a function that gives an array."""
    begin, cpu = time.perf_counter(), time.process_time()
    made = once()
    return time.process_time() - cpu, time.perf_counter() - begin, made


def sampler(model, count):
    """A function that gives samples, by the recipe's endpoint."""
    bound = recipes.get_recipe("pixelcnn").endpoints["sample"].bind(model, n=count)
    given = {"seed": 0, "temperature": 1.0}
    given = {k: ops.convert_to_tensor(v, bound.input[k].dtype) for k, v in given.items()}
    return lambda: bound.predict_on_batch(given)["images"]


def sample(file, sizes, count, share):
    """CPU seconds, and seconds, for samples; by a whole pass a pixel those of a share of them."""
    model, count, share = started(file, json.loads(sizes)), int(count), int(share)
    if who == "recipe":
        once = sampler(model, count)
        once()
        cpu, wall, _ = min(timed(once) for _ in range(5))
        return {"cpu": cpu, "wall": wall}
    height, width = model.inputs[0].shape[1:3]
    if who == "plain":
        whole = tf.function(lambda images: model(images, training=False))
        with np.load(file) as arrays:
            chance = arrays["uniforms"]
        drawn = np.zeros((count, height, width, 1), "float32")
    else:
        whole = tf.function(lambda images: model.network(images, training=False))
        drawn = sampler(model, count)()
        rows = [
            keras.random.uniform((width, count), SMALLEST, LARGEST, seed=SeedStream(0, row))
            for row in range(height)
        ]
        uniforms = ops.transpose(ops.stack(rows), (2, 0, 1))
        # It draws 1 where the logit and this have a sum above 0.
        chance = -ops.convert_to_numpy(ops.log(uniforms) - ops.log1p(-uniforms))
    pixels, found = range(0, height * width, share), {}

    def draw():
        images = drawn.copy() if who == "naive" else drawn
        for pixel in reversed(pixels) if who == "naive" else pixels:
            row, column = divmod(pixel, width)
            images.reshape(count, -1)[:, pixel:] = 0
            outputs = whole(images).numpy()[:, row, column, 0]
            found[pixel] = (outputs > chance[:, row, column]).astype("float32")
            images[:, row, column, 0] = found[pixel]

    whole(drawn)
    cpu, wall, _ = timed(draw)
    per = height * width / len(pixels)
    result = {"cpu": per * cpu, "wall": per * wall}
    if who == "naive":
        flat = drawn.reshape(count, -1)
        result["pixels"] = len(pixels) * count
        result["differ"] = int(sum((flat[:, p] != values).sum() for p, values in found.items()))
        result["once"] = int(((whole(drawn).numpy()[..., 0] > chance) != drawn[..., 0]).sum())
    return result


def cost(cases, count, rounds):
    """CPU seconds for samples of each side and number of blocks, in turn."""
    samplers = []
    for side, blocks in json.loads(cases):
        model = recipes.pixelcnn_keras((side, side, 1), blocks=blocks, seed=0)
        samplers.append(sampler(model, int(count)))
        samplers[-1]()
    turns = [
        [min(timed(once)[0] for _ in range(3)) for once in samplers] for _ in range(int(rounds))
    ]
    return list(zip(*turns, strict=True))


def likelihood(name, arguments, seconds):
    """Nats of a held-out image after so many CPU seconds of learning, tracing included."""
    entry = recipes.get_recipe(name)
    train, held = (
        (data.read("fashion_mnist", part).as_float() >= 0.5).astype("float32")
        for part in ("train", "test")
    )
    model = entry.build(**json.loads(arguments), seed=0)
    schedule = [entry.schedule(model.origin.arguments)] if entry.schedule else []
    model.fit(
        train, batch_size=entry.batch_size, epochs=10_000, verbose=0,
        callbacks=[*schedule, Budget(float(seconds))],
    )  # fmt: skip
    measured = entry.measures(model, held[:HELD_OUT], None, 100)
    nats = -next(value for key, value in measured.items() if key.startswith("log_likelihood"))
    return {
        "nats": nats,
        "bits": nats / (held[0].size * math.log(2)),
        "epochs": int(model.optimizer.iterations) * entry.batch_size / len(train),
        "parameters": sum(math.prod(v.shape) for v in model.trainable_variables),
    }


PARTS = {"train": train, "sample": sample, "cost": cost, "likelihood": likelihood}
who, part, *words = sys.argv[1:]
print(json.dumps(PARTS[part](*words)))
