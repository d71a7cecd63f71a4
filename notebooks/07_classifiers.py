# %% [markdown]
# # Classifiers: a family tree
#
# Sixty years of classifiers, each of which had one idea more than those before it. This notebook
# draws their tree, trains one net for each idea with the same number of parameters, the same images
# and the same number of epochs, and asks a net where it looked.
#
# With the environment variable `AMALTHEA_FAST=1` it takes a minute or two, but has digits instead
# of clothes and trains too little for what the text says of the results.

# %%
import os
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Image

FAST = os.environ.get("AMALTHEA_FAST") == "1"

# TensorFlow's C++ part logs to the standard error of the process when it is imported.
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
standard_error = os.dup(2)
with open(os.devnull, "w") as nowhere:
    os.dup2(nowhere.fileno(), 2)
import tensorflow as tf

os.dup2(standard_error, 2)
tf.get_logger().setLevel("ERROR")

import keras

from amalthea import data, jobs, recipes

folder = tempfile.TemporaryDirectory()  # removed when the notebook ends
work = Path(folder.name)
plt.rcParams.update({"figure.dpi": 100, "axes.grid": True, "grid.alpha": 0.3})

NAME = "digits" if FAST else "fashion_mnist"
COUNT, EPOCHS, DEPTH = (64, 1, 1) if FAST else (12_000, 8, 3)


def read(split, count):
    """Images with margins up to 32×32 pixels, and their labels."""
    images = data.read(f"padded:{NAME}", split, image_size=32 if FAST else None).first(count)
    return images.as_float(), images.labels


x, y = read("train", COUNT)
x_test, y_test = read("test", 64 if FAST else 10_000)
names = data.read(NAME, "test").class_names

# %% [markdown]
# ## 1. The tree
#
# An arrow leads from a net to one that took up its idea, and says what it added.

# %%
YEARS = {
    "perceptron": 1958, "mlp": 1986, "lenet5": 1998, "alexnet": 2012, "maxout_network": 2013,
    "network_in_network": 2013, "vgg": 2014, "googlenet": 2014, "resnet": 2015, "squeezenet": 2016,
    "fractalnet": 2016, "densenet": 2016,
}  # fmt: skip
PLACES = {
    "perceptron": (0, 3), "mlp": (1.6, 3), "lenet5": (1.6, 1.5), "alexnet": (3.8, 1.5),
    "maxout_network": (3.8, 4), "network_in_network": (5.6, 2.6), "vgg": (5.6, 0.6),
    "googlenet": (7.4, 3.6), "resnet": (7.4, 1.5), "squeezenet": (9.4, 3.6),
    "fractalnet": (9.4, 0), "densenet": (9.4, 2),
}  # fmt: skip
ARROWS = [
    ("perceptron", "mlp", "a hidden\nlayer"),
    ("mlp", "lenet5", "convolutions"),
    ("mlp", "maxout_network", "learnt activations"),
    ("lenet5", "alexnet", "depth,\nrectifiers"),
    ("alexnet", "vgg", "3×3 only"),
    ("alexnet", "network_in_network", "1×1, mean of maps"),
    ("network_in_network", "googlenet", "branches"),
    ("vgg", "resnet", "shortcuts"),
    ("googlenet", "squeezenet", "few\nparameters"),
    ("resnet", "densenet", "all maps\nkept"),
    ("vgg", "fractalnet", "depth without shortcuts"),
]
figure, axes = plt.subplots(figsize=(12, 5.5))
axes.set(xlim=(-0.7, 10.2), ylim=(-0.4, 4.4))
axes.axis("off")
for parent, child, idea in ARROWS:
    (x0, y0), (x1, y1) = PLACES[parent], PLACES[child]
    style = {"arrowstyle": "->", "color": "grey", "shrinkA": 30, "shrinkB": 30}
    axes.annotate("", PLACES[child], PLACES[parent], arrowprops=style)
    axes.text((x0 + x1) / 2, (y0 + y1) / 2, idea, fontsize=8, ha="center", va="center",
              color="darkred", bbox={"color": "white", "pad": 1})  # fmt: skip
for name, place in PLACES.items():
    box = {"boxstyle": "round", "facecolor": "aliceblue", "edgecolor": "steelblue"}
    text = f"{name}\n{YEARS[name]}"
    axes.text(*place, text, ha="center", va="center", fontsize=9, bbox=box)
plt.show()

# %% [markdown]
# ## 2. What each idea brings
#
# Each net below but the first has about 100,000 parameters, sees the same images, without shifts
# and mirrors, and trains for the same number of epochs by its published rule, whose schedule is
# scaled to that. What differs is how the parameters are spent. A convolution uses each of them at
# hundreds of places, so equal parameters are not equal work: the last column tells what that costs.

# %%
SHAPE, CLASSES = x.shape[1:], len(names)
PLAIN = {"augmentation": "none", "seed": 0}
nets = {
    "softmax_regression": lambda: recipes.softmax_regression(SHAPE, CLASSES, seed=0),
    "mlp": lambda: recipes.mlp(SHAPE, CLASSES, hidden_units=(96,), seed=0),
    "maxout_network": lambda: recipes.maxout_network(
        SHAPE, CLASSES, hidden_units=(24, 24), pieces=4, seed=0
    ),
    "lenet5": lambda: recipes.lenet5(SHAPE, CLASSES, padding=2, seed=0),
    "vgg": lambda: recipes.vgg(
        SHAPE, CLASSES, blocks=(1, 1, 2), filters=20, hidden_units=(), **PLAIN
    ),
    "vgg, normalised": lambda: recipes.vgg(
        SHAPE, CLASSES, blocks=(1, 1, 2), filters=20, hidden_units=(), normalization=True, **PLAIN
    ),
    "network_in_network": lambda: recipes.network_in_network(SHAPE, CLASSES, width=0.32, **PLAIN),
    "googlenet": lambda: recipes.googlenet(SHAPE, CLASSES, width=0.12, **PLAIN),
    "resnet": lambda: recipes.resnet(SHAPE, CLASSES, blocks=(DEPTH,) * 3, filters=10, **PLAIN),
    "squeezenet": lambda: recipes.squeezenet_1_1(
        image_shape=SHAPE, num_classes=CLASSES, width=0.37, **PLAIN
    ),
    "fractalnet": lambda: recipes.fractalnet(
        SHAPE, CLASSES, filters=(10, 20, 40), columns=DEPTH, **PLAIN
    ),
    "densenet": lambda: recipes.densenet(
        SHAPE, CLASSES, blocks=(DEPTH + 2,) * 3, growth=8, **PLAIN
    ),
}


def fit(model, images, labels, epochs):
    """Train as the recipe says, its schedule of learning rates included."""
    entry = recipes.get_recipe(model.origin.recipe)
    schedule = [entry.schedule(model.origin.arguments)] if entry.schedule else []
    model.fit(images, labels, batch_size=64, epochs=epochs, callbacks=schedule, verbose=0)
    return model


def error(model, images=None, labels=None):
    """Share of images that are told wrong: of the test, or of others."""
    images, labels = (x_test, y_test) if images is None else (images, labels)
    return np.mean(model.predict(images, batch_size=500, verbose=0).argmax(-1) != labels)


errors, trained = {}, {}
print(f"{'net':20}{'parameters':>12}{'kernels':>8}{'error':>9}{'seconds':>9}")
for name, build in nets.items():
    keras.utils.set_random_seed(0)
    begin = time.perf_counter()
    model = fit(build(), x, y, EPOCHS)
    seconds = time.perf_counter() - begin
    trained[name], errors[name] = model, error(model)
    weights = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    kernels = sum(v.name == "kernel" for v in model.trainable_variables)
    print(f"{name:20}{weights:12,}{kernels:8}{100 * errors[name]:8.1f} %{seconds:8.0f}")

# %%
figure, axes = plt.subplots(figsize=(8, 3.5))
ordered = sorted(errors, key=errors.get)
axes.barh(ordered, [100 * errors[name] for name in ordered], color="steelblue")
axes.set_xlabel("test error, %")
plt.show()

# %% [markdown]
# Normalised nets that are connected densely or by shortcuts are ahead, at twenty times the work of
# `lenet5`. Those that are deep without normalisation or shortcuts do not get going in so few steps
# at the rates that were published for trainings a hundred times as long: `network_in_network` and
# `squeezenet` still guess, `maxout_network` has just begun. That is the problem which normalisation
# and shortcuts were invented for, and what a search of the learning rate mends for the others.
#
# ## 3. Depth, with and without shortcuts
#
# A plain net that grows deeper learns worse, not because it generalises worse but because gradient
# descent no longer finds good weights: the error on its own training images rises, too. Shortcuts
# mend that. Both kinds below are normalised, have stages of equal widths, and train equally long.

# %%
kinds = {
    "plain": lambda n: recipes.vgg(
        SHAPE, CLASSES, blocks=(2 * n,) * 3, filters=8, hidden_units=(), normalization=True,
        learning_rate=0.1, **PLAIN,
    ),
    "residual": lambda n: recipes.resnet(SHAPE, CLASSES, blocks=(n,) * 3, filters=8, **PLAIN),
}  # fmt: skip
depths, few = ((1,), 64) if FAST else ((1, 3, 6), 6_000)
figure, axes = plt.subplots(figsize=(6, 3))
for kind, build in kinds.items():
    found = []
    for n in depths:
        keras.utils.set_random_seed(0)
        model = fit(build(n), x[:few], y[:few], EPOCHS)
        training, test = 100 * error(model, x[:few], y[:few]), 100 * error(model)
        print(f"{kind:10}{6 * n:3} convolutions  training {training:5.1f} %  test {test:5.1f} %")
        found.append(training)
    axes.plot([6 * n for n in depths], found, "o-", label=kind)
axes.set(xlabel="convolutions in blocks", ylabel="training error, %")
axes.legend()
plt.show()

# %% [markdown]
# ## 4. Where a net looks
#
# Every classifier is exported with an endpoint `explain`. Saliency is how much each pixel would
# change the score of the class; integrated gradients add that up on the way from a black image;
# Grad-CAM says which region of the last maps spoke for the class. At the shell it is
# `amalthea explain RUN PICTURE… --out FOLDER`.

# %%
run = jobs.train(
    "resnet", (x, y), out=work / "resnet", epochs=EPOCHS, batch_size=64, verbose=0,
    arguments={"blocks": (2, 2, 2), "filters": 10},
)  # fmt: skip
first = [np.flatnonzero(y_test == label)[0] for label in range(min(8, CLASSES))]
jobs.explain(run.path, x_test[first], out=work / "why")
Image(filename=work / "why" / "explanations.png", width=800)
