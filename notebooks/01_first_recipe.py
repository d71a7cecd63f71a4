# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     notebook_metadata_filter: -all
#     cell_metadata_filter: -all
# ---

# %% [markdown]
# # A first recipe
#
# A *recipe* is a function that builds one classic deep-learning model, complete and compiled. This
# notebook follows one recipe, an autoencoder, through everything that can be done with it: train
# it, compare it with principal components, search its hyperparameters, run it as a job, and serve
# it. At the end another recipe, LeNet-5, does its work in three lines.
#
# The data are the 8×8 digits of scikit-learn, so nothing is downloaded. With the environment
# variable `AMALTHEA_FAST=1` the notebook takes seconds, but trains too little for what the text
# says of the results.

# %%
import json
import math
import os
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Image
from scipy.special import expit
from sklearn.decomposition import PCA

FAST = os.environ.get("AMALTHEA_FAST") == "1"
EPOCHS, TRIALS = (3, 2) if FAST else (40, 8)

# TensorFlow's C++ part logs to the standard error of the process when it is imported.
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
standard_error = os.dup(2)
with open(os.devnull, "w") as nowhere:
    os.dup2(nowhere.fileno(), 2)
import tensorflow as tf

os.dup2(standard_error, 2)
tf.get_logger().setLevel("ERROR")

import keras
import keras_tuner

from amalthea import data, jobs, metrics, recipes

folder = tempfile.TemporaryDirectory()  # removed when the notebook ends
work = Path(folder.name)
plt.rcParams.update({"figure.dpi": 100, "axes.grid": True, "grid.alpha": 0.3})


# %%
def draw(rows, captions=None):
    """Draw rows of images, each with its label at the left; captions stand above the columns."""
    count = len(next(iter(rows.values())))
    size = (0.8 * count + 1.2, 0.85 * len(rows) + (0.25 if captions else 0))
    figure, axes = plt.subplots(len(rows), count, figsize=size, squeeze=False)
    for line, (label, images) in zip(axes, rows.items(), strict=True):
        for axis, image in zip(line, images, strict=True):
            axis.imshow(np.clip(image, 0, 1), cmap="gray", vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[])
        line[0].set_ylabel(label, rotation=0, ha="right", va="center")
    for axis, caption in zip(axes[0], captions or [], strict=False):
        axis.set_title(caption, fontsize=10)
    figure.tight_layout(pad=0.3)
    plt.show()


# %% [markdown]
# ## 1. What a recipe is
#
# The package knows its recipes by name:

# %%
for name in recipes.list_recipes():
    print(f"{name:38}{recipes.get_recipe(name).summary}")

# %% [markdown]
# We take the tied autoencoder (Vincent et al. 2010; Hinton & Salakhutdinov 2006). It narrows an
# image to a short code and widens the code to an image again. The call returns an ordinary
# `keras.Model`, compiled, with its weights initialised from the seed:

# %%
CODE = 10
model = recipes.tied_autoencoder((8, 8, 1), latent_dim=CODE, seed=0)

print(f"{type(model).__name__}, a keras.Model: {isinstance(model, keras.Model)}")
print(f"trained by {model.optimizer.name} on the {model.loss}")
for weight in model.weights:
    print(f"  {weight.path:28}{weight.shape}")
print(f"{model.count_params():,} parameters")

# %% [markdown]
# The model goes 64 → 100 → 10 → 100 → 64 in four steps, but has only two kernels: the decoder has
# biases of its own, and multiplies by the *same* kernels, transposed. That is what "tied" means.
# A few lines of NumPy confirm it: from exactly the weights above they compute what the model does.

# %%
kernel_1, bias_1, reverse_bias_1, kernel_2, bias_2, reverse_bias_2 = model.get_weights()
pixels = math.prod(model.input_shape[1:])
images = np.random.default_rng(0).random((5, 8, 8, 1), dtype="float32")


def relu(x):
    return np.maximum(x, 0)


codes = relu(images.reshape(5, pixels) @ kernel_1 + bias_1) @ kernel_2 + bias_2
outputs = expit(relu(codes @ kernel_2.T + reverse_bias_2) @ kernel_1.T + reverse_bias_1)

by_model = model.predict(images, verbose=0)
print("the same as the model's:", np.allclose(outputs.reshape(by_model.shape), by_model, atol=1e-6))

# %% [markdown]
# A recipe states the sizes of the networks that were published, and those that the literature has
# a name for are recipes themselves. Anyone can count:

# %%
for name in recipes.list_recipes("*autoencoder" if FAST else "*", variants=True):
    recipe = recipes.get_recipe(name)
    for published in recipe.published:
        built = recipe.build(**published.arguments)
        counted = sum(math.prod(weight.shape) for weight in built.trainable_weights)
        print(
            f"{name:38}{published.configuration:40}"
            f"stated {published.parameters:>9,}   counted {counted:>9,}"
        )

# %% [markdown]
# ## 2. Data
#
# `data.read` gives a split as arrays, `data.load` gives it as batches to train with: a
# `tf.data.Dataset` of images in [0, 1] and labels. Splits to train with are shuffled, in an order
# that the seed determines.

# %%
train, validation, test = (data.read("digits", s) for s in ("train", "validation", "test"))
print(f"{len(train)} images to train, {len(validation)} to validate, {len(test)} to test")

train_batches = data.load("digits", "train", batch_size=64)
validation_batches = data.load("digits", "validation", batch_size=64)
images, labels = next(iter(train_batches))
print(f"a batch: images {images.shape} {images.dtype.name}, labels {labels.shape}")

# %%
draw({"": images[:12]}, captions=[f"{label}" for label in labels[:12]])

# %% [markdown]
# ## 3. Training, with plain Keras
#
# A recipe's model is trained like any other. An autoencoder learns to give back its input, so the
# labels in the batches are ignored. (`data.load` has shuffled already; without `shuffle=False`
# Keras warns that it cannot shuffle a `tf.data.Dataset`.)

# %%
history = model.fit(
    train_batches,
    validation_data=validation_batches,
    epochs=EPOCHS,
    shuffle=False,
    verbose=0,
).history

# %% [markdown]
# What is a good error? Principal component analysis (PCA) with as many components as the code has
# numbers is the best that a *linear* code can do on the training images, so it is the line to
# beat. `metrics` measures both alike: the squared error of an image, summed over its pixels. (Keras
# logs the mean over the pixels, so the curves are scaled by their number.)

# %%
by_pca = metrics.pca_reconstruction_error(train.as_float(), validation.as_float(), CODE)

figure, axis = plt.subplots(figsize=(6.5, 3.4))
epochs = np.arange(1, EPOCHS + 1)
for key, label in (
    ("mean_squared_error", "training"),
    ("val_mean_squared_error", "validation"),
):
    axis.plot(epochs, pixels * np.array(history[key]), label=label)
axis.axhline(by_pca, color="black", linestyle="--", label=f"PCA, {CODE} components, validation")
axis.set(xlabel="epoch", ylabel="squared error of a digit", title="Tied autoencoder of the digits")
axis.set(yscale="log", yticks=(1, 2, 5, 10), yticklabels=(1, 2, 5, 10))
axis.legend()
plt.show()

# %%
test_images = test.as_float()
reconstructions = model.predict(test_images, verbose=0)
errors = {
    "PCA": metrics.pca_reconstruction_error(train.as_float(), test_images, CODE),
    "tied autoencoder, defaults": metrics.reconstruction_error(test_images, reconstructions),
}
print(f"squared error of a test digit, code of size {CODE}")
for name, error in errors.items():
    print(f"  {name:28}{error:.3f}")

# %% [markdown]
# The autoencoder passes below the dashed line, and keeps its lead on the test images, which neither
# of the two has seen. This is what such an error looks like:

# %%
train_vectors, test_vectors = (s.as_float().reshape(len(s), -1) for s in (train, test))
pca = PCA(CODE).fit(train_vectors)
by_components = pca.inverse_transform(pca.transform(test_vectors))
draw(
    {
        "digit": test_images[:12],
        "autoencoder": reconstructions[:12],
        "PCA": by_components[:12].reshape(-1, 8, 8),
    }
)

# %% [markdown]
# ### A code of two numbers
#
# With a code of size two, every image is a point on a map. The model is the same recipe with other
# arguments. The labels play no part in the training; they only choose the colours.

# %%
mapper = recipes.tied_autoencoder(
    (8, 8, 1), hidden_units=(200, 50), latent_dim=2, learning_rate=3e-3, seed=0
)
mapper.fit(train_batches, epochs=EPOCHS, shuffle=False, verbose=0)

encode = recipes.get_recipe("tied_autoencoder").endpoints["encode"].bind(mapper)
maps = {
    "PCA": PCA(2).fit(train_vectors).transform(test_vectors),
    "tied autoencoder": encode.predict({"images": test_images}, verbose=0)["codes"],
}
map_errors = {
    "PCA": metrics.pca_reconstruction_error(train.as_float(), test_images, 2),
    "tied autoencoder": metrics.reconstruction_error(
        test_images, mapper.predict(test_images, verbose=0)
    ),
}

figure, axes = plt.subplots(1, 2, figsize=(11, 5))
for axis, (name, points) in zip(axes, maps.items(), strict=True):
    for digit in range(10):
        here = points[test.labels == digit]
        axis.scatter(*here.T, marker=f"${digit}$", s=45, color=f"C{digit}", linewidths=0.3)
    axis.set(xlabel="first number of the code", ylabel="second number of the code")
    axis.set_title(f"{name}: squared error of a digit {map_errors[name]:.2f}")
figure.tight_layout()
plt.show()

# %% [markdown]
# PCA can only project, and many digits fall on top of each other. The autoencoder, which is not
# linear, spreads them out more, and tells more about an image in the same two numbers: its error is
# smaller.

# %% [markdown]
# ## 4. The search space is in the signature
#
# Which hidden layers are best, and which learning rate? Every argument of a recipe says, in its
# annotation, in which range a search should try it. Where the order of magnitude is what counts,
# the range is logarithmic. Arguments without a range are given, never tuned:

# %%
recipe = recipes.get_recipe("tied_autoencoder")
for parameter in recipe.parameters:
    range_ = str(parameter.domain) if parameter.tunable else "–"
    print(f"{parameter.name:18}{parameter.default!s:20}{range_}")

# %% [markdown]
# Each range has a rank, the order in which tuning matters. The number of hidden layers is a
# hyperparameter of its own, and so is the batch size, which is an argument of `fit`:

# %%
for name, rank in recipe.hyperparameters().items():
    print(f"{rank:3}  {name}")

# %% [markdown]
# `space` draws the arguments from a `keras_tuner.HyperParameters`. A fresh one gives its defaults,
# and those are the defaults of the signature:

# %%
recipe.space(keras_tuner.HyperParameters())

# %% [markdown]
# A recipe makes a *hypermodel* for any tuner of KerasTuner. We fix what the comparison needs fixed,
# the size of the code and the loss, and leave the rest to the tuner. Since the batch size is tuned,
# too, the data are given as a function from a batch size to batches.

# %%
hypermodel = recipe.hypermodel(
    image_shape=(8, 8, 1), latent_dim=CODE, loss="mean_squared_error", seed=0
)
tuner = keras_tuner.RandomSearch(
    hypermodel,
    objective=keras_tuner.Objective(recipe.objective.name, recipe.objective.direction),
    max_trials=TRIALS,
    seed=1,
    directory=work,
    project_name="search",
)
tuner.search(
    train.batches, validation_data=validation.batches, epochs=max(1, EPOCHS // 4), verbose=0
)

# %%
trials = tuner.oracle.get_best_trials(TRIALS)
print(f"{'error':>7}  {'learning rate':>13}  {'batch':>5}  {'activation':10}  hidden units")
for trial in trials:
    drawn = trial.hyperparameters
    arguments = hypermodel.arguments(drawn)
    print(
        f"{pixels * trial.score:7.3f}  {arguments['learning_rate']:13.2g}  "
        f"{hypermodel.batch_size(drawn):5}  {arguments['activation']:10}  "
        f"{', '.join(map(str, arguments['hidden_units'])) or 'none'}"
    )

# %%
figure, axis = plt.subplots(figsize=(6.5, 3.6))
for trial in trials:
    arguments = hypermodel.arguments(trial.hyperparameters)
    point = (arguments["learning_rate"], pixels * trial.score)
    depth = len(arguments["hidden_units"])
    axis.plot(*point, "o", markersize=14, color=f"C{depth}")
    axis.annotate(depth, point, color="white", ha="center", va="center")
axis.axhline(by_pca, color="black", linestyle="--", label=f"PCA, {CODE} components", zorder=0)
axis.set(xlabel="learning rate", ylabel="squared error of a digit")
axis.set_title("Trials, each with its number of hidden layers")
axis.set(xscale="log", yscale="log", yticks=(1, 2, 5, 10), yticklabels=(1, 2, 5, 10))
axis.legend()
plt.show()

# %% [markdown]
# The best trial lies below the line of PCA after a quarter of the epochs. The worst is the largest
# network of all: with its learning rate it does not learn.
#
# Now a model with the best arguments, trained for as many epochs as the defaults were. The search
# chose by the validation images, so the comparison is made on the test images:

# %%
best = trials[0].hyperparameters
best_arguments = hypermodel.arguments(best)
tuned = recipes.tied_autoencoder(**best_arguments)
tuned.fit(train.batches(hypermodel.batch_size(best)), epochs=EPOCHS, shuffle=False, verbose=0)
errors["tied autoencoder, tuned"] = metrics.reconstruction_error(
    test_images, tuned.predict(test_images, verbose=0)
)

figure, axis = plt.subplots(figsize=(6.5, 1.9))
bars = axis.barh(list(errors), list(errors.values()), color=["0.6", "C0", "C2"])
axis.bar_label(bars, fmt="%.3f", padding=3)
axis.margins(x=0.12)
axis.set(xlabel=f"squared error of a test digit, code of size {CODE}")
axis.invert_yaxis()
axis.grid(axis="y", visible=False)
plt.show()

# %% [markdown]
# ## 5. The same as a job
#
# A job does what the cells above did and keeps everything it did in a *run folder*, from which an
# interrupted training goes on exactly where it was. Jobs are functions, and commands of the same
# name for a shell: `amalthea train tied_autoencoder --data digits --out run`. This one takes the
# best arguments, for half as many epochs:

# %%
run = jobs.train(
    "tied_autoencoder",
    "digits",
    out=work / "run",
    arguments={k: v for k, v in best_arguments.items() if k not in ("image_shape", "seed")},
    batch_size=hypermodel.batch_size(best),
    epochs=max(2, EPOCHS // 2),
    verbose=0,
)
for name, value in jobs.evaluate(run.path).items():
    print(f"{name:22}{value:.4f}")

# %%
for path in sorted(run.path.iterdir()):
    print(path.name + ("/" if path.is_dir() else ""))

# %% [markdown]
# `run.json` says what was asked for: recipe, arguments, data, seed, versions. `log.csv` has every
# metric of every epoch, drawn in `curves.png`; `samples/` shows the validation images as the model
# learned; `backup/` is the state to resume from. `evaluate` added `evaluation.json` and
# `reconstructions.png`. Two of the samples, after the first epoch and after the last:

# %%
samples = sorted((run.path / "samples").iterdir())
Image(filename=samples[0], width=800)

# %%
Image(filename=samples[-1], width=800)

# %% [markdown]
# ## 6. Export, and a walk between digits
#
# A recipe names the parts of its model that are of use to others: its *endpoints*. `export` writes
# them to one SavedModel, and checks each against the live model.

# %%
export = jobs.export(run.path)
for name, ends in json.loads((export / "endpoints.json").read_text()).items():
    inputs, outputs = (
        ", ".join(f"{key} {end['shape']}" for key, end in ends[side].items())
        for side in ("inputs", "outputs")
    )
    print(f"{name:8}{inputs}  →  {outputs}")

# %% [markdown]
# TensorFlow alone loads it; the recipe, its layers and this package are not needed any more.
# We encode two digits, walk from one code to the other in equal steps, and decode each step. For
# comparison, the lower row mixes the two pictures instead of their codes, and shows both digits at
# once, each of them faded. The decoder draws figures of its own: halfway from 0 to 1, one rather
# like a 9.

# %%
served = tf.saved_model.load(export)
encode, decode = served.signatures["encode"], served.signatures["decode"]
steps = np.linspace(0, 1, 11, dtype="float32")[:, np.newaxis]


def walk(start, end):
    pair = np.stack([test_images[test.labels == digit][0] for digit in (start, end)])
    first, last = encode(images=tf.constant(pair))["codes"].numpy()
    by_code = decode(codes=tf.constant((1 - steps) * first + steps * last))["reconstructions"]
    by_pixel = (1 - steps[:, None, None]) * pair[0] + steps[:, None, None] * pair[1]
    return {"codes mixed": by_code.numpy(), "pixels mixed": by_pixel}


percent = [f"{step:.0%}" for step in steps[:, 0]]
draw(walk(0, 1), percent)

# %%
draw(walk(2, 3), percent)

# %% [markdown]
# ## 7. A classifier in three lines
#
# Other recipes are used alike. LeNet-5 (LeCun et al. 1998) was made for larger images, so the
# digits are read at 28×28 pixels:

# %%
large = [data.load("digits", split, image_size=28) for split in ("train", "test")]
classifier = recipes.lenet5((28, 28, 1), num_classes=10, seed=0)
classifier.fit(large[0], epochs=1 if FAST else 10, shuffle=False, verbose=0)

figures = classifier.evaluate(large[1], verbose=0, return_dict=True)
print(f"accuracy on {len(test)} test images: {figures['accuracy']:.1%}")

# %% [markdown]
# These are the digits to whose right class it gives the least probability, the hardest first. Each
# caption says what the digit is and what it was read as:

# %%
hardest_images = data.read("digits", "test", image_size=28).as_float()
probabilities = keras.ops.softmax(classifier.predict(hardest_images, verbose=0))
probabilities = keras.ops.convert_to_numpy(probabilities)
hardest = probabilities[np.arange(len(test)), test.labels].argsort()[:10]
draw(
    {"": hardest_images[hardest]},
    captions=[f"{test.labels[i]} as {probabilities[i].argmax()}" for i in hardest],
)

# %% [markdown]
# ## What to try next
#
# * Build the autoencoder with `hidden_units=()` and `output_activation="linear"`: it becomes
#   linear, and its error should approach that of PCA. Does it?
# * Replace `RandomSearch` by `keras_tuner.BayesianOptimization`, or run the whole search as a job
#   with `jobs.tune`, which survives an interruption.
# * Use `"fashion_mnist"`, which is prepared at its first use, and images of shape (28, 28, 1).
# * Build LeNet-5 as it was published, with `recipes.lenet5(original=True)`.
