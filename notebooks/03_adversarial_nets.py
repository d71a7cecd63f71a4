# %% [markdown]
# # Generative adversarial nets
#
# A generator makes images of random numbers; a discriminator learns to tell them from real ones,
# and the generator learns from what gives it away. Nobody computes a likelihood. This notebook
# watches such a pair on points in the plane, where one can see everything, breaks it, mends it, and
# then trains the DCGAN on pictures of clothes. Every model is a `keras.Model` that plain `fit`
# trains.
#
# The images are those of Fashion-MNIST, prepared at their first use. With the environment variable
# `AMALTHEA_FAST=1` the notebook takes a minute, but has digits instead of clothes and trains too
# little for what the text says of the results.

# %%
import os
import tempfile
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

from amalthea import callbacks, data, metrics, recipes

folder = tempfile.TemporaryDirectory()  # removed when the notebook ends
work = Path(folder.name)
plt.rcParams.update({"figure.dpi": 100, "axes.grid": True, "grid.alpha": 0.3})

# %% [markdown]
# ## 1. A ring of eight modes
#
# The data set `ring8` has 25,000 points around eight centres. The recipe `toy_gan` is a pair of
# small dense networks; its generator maps two random numbers to a point.

# %%
ring = data.read("ring8", "train")
STEPS = 20 if FAST else 1000
print(f"{len(ring):,} points of {ring.features['label'].count} modes")


def train_on(points, model, steps):
    """Train for a number of the generator's steps."""
    batches = points.select("points").batches(128).repeat()
    steps = steps * model.critic_steps
    model.fit(batches, steps_per_epoch=steps, shuffle=False, verbose=0)


def draw(model, count=1000, seed=0):
    bound = recipes.get_recipe(model.origin.recipe).endpoints["sample"].bind(model, n=count)
    (drawn,) = bound.predict_on_batch({"seed": np.int32(seed)}).values()
    return drawn


def scatter(axis, points, drawn, title):
    axis.plot(*points.given("points")[:2000].T, ".", color="0.75", markersize=3)
    axis.plot(*drawn.T, ".", markersize=2)
    axis.set(title=title, xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[], aspect="equal")


# %% [markdown]
# The pair as the 2014 paper has it. We look at the samples, over the points in grey, while it
# trains:

# %%
plain = recipes.toy_gan(seed=0)
figure, axes = plt.subplots(1, 4, figsize=(12, 3.2))
for stage, axis in enumerate(axes, start=1):
    train_on(ring, plain, STEPS)
    scatter(axis, ring, draw(plain), f"{stage * STEPS:,} steps")
figure.tight_layout()

# %% [markdown]
# The generator stretches its plane of random numbers over the ring, and mostly leaves a mode out:
# nothing ever told the generator of it, as its gradient comes from its own samples alone. To leave
# out modes is *mode collapse*; in the worst case all samples are of one. `modes_covered` counts: a
# mode is covered if a sample is within three standard deviations of its centre; such samples are
# good ones. The others are on the way from one mode to the next, since the generator is continuous.


# %%
def count(model, points):
    measures = recipes.get_recipe("toy_gan").measures
    figures = measures(model, points.given("points")[:2500], points.given("label")[:2500], 500)
    return f"{figures['modes_covered']:.0f} modes, {figures['good_samples']:.0%} good samples"


print(count(plain, ring))

# %% [markdown]
# ## 2. Remedies
#
# A grid of 25 modes is harder. Four remedies are arguments of the recipes:
#
# * **Minibatch discrimination** (Salimans 2016) shows the discriminator how close each image is to
#   the others of its batch, so that a batch of equal images gives itself away.
# * **The batch's standard deviation** (Karras 2017) does the same with a single number.
# * **Replay** (Shrivastava 2017) keeps images that the generator made in the past; the
#   discriminator goes on seeing them, and the generator cannot return to what was refused before.
# * **A Wasserstein critic** (Arjovsky 2017, Gulrajani 2017) does not tell real from generated: it
#   measures how far the one must be moved to become the other. Its gradient does not vanish where
#   the two have nothing in common.

# %%
REMEDIES = {
    "none": {},
    "minibatch discrimination": {"minibatch": "discrimination"},
    "standard deviation": {"minibatch": "stddev"},
    "replay": {"replay": 1024},
    "Wasserstein": {"objective": "wasserstein", "gradient_penalty": 0.1, "critic_steps": 5},
}
grid25 = data.read("grid25", "train")
figure, axes = plt.subplots(1, len(REMEDIES), figsize=(12, 2.7))
for (name, arguments), axis in zip(REMEDIES.items(), axes, strict=True):
    model = recipes.toy_gan(seed=0, **arguments)
    train_on(grid25, model, 4 * STEPS)
    scatter(axis, grid25, draw(model), name)
    print(f"{name:25} {count(model, grid25)}")
figure.tight_layout()

# %% [markdown]
# The Wasserstein critic finds nearly all modes. The standard deviation and replay do little, and
# minibatch discrimination does harm. On images it is the other way round,
# there it helps most. One seed proves little: the project's benchmarks have a table over several
# seeds for either.
#
# A training that collapses should not go on unnoticed: the callback `CollapseMonitor` compares how
# far samples are from each other with how far the data are, and warns in words. It can also stop
# the training, or roll it back to the last good epoch. `amalthea train` has it watch every
# adversarial recipe.

# %%
monitor = callbacks.CollapseMonitor(
    recipes.get_recipe("toy_gan").endpoints["sample"].bind, ring.given("points")[:500], seed=0
)
batches = ring.select("points").batches(128).repeat()
history = plain.fit(
    batches, steps_per_epoch=STEPS, epochs=3, callbacks=[monitor], shuffle=False, verbose=0
).history
print("spread of the samples:", ", ".join(f"{value:.2f}" for value in history["sample_spread"]))
print("margin of the scores: ", ", ".join(f"{value:.2f}" for value in history["score_margin"]))

# %% [markdown]
# ## 3. The DCGAN
#
# Radford, Metz and Chintala (2015) found convolutional networks that train: convolutions of stride
# 2 instead of pooling, batch normalisation, and a set of numbers, such as Adam's 0.0002 and 0.5,
# that is still in use. The recipe builds it for any size that is 4 to 7 pixels, doubled a few
# times; 28 is 7 doubled twice. Here it has half of the published filters, so that the notebook
# takes minutes.

# %%
DATA, SIZE = ("digits", 8) if FAST else ("fashion_mnist", None)
train, test = (data.read(DATA, split, image_size=SIZE) for split in ("train", "test"))
WIDTH, EPOCHS = (8, 1) if FAST else (32, 5)

dcgan = recipes.dcgan(train.image_shape, width=WIDTH, seed=0)
grid = callbacks.SampleGrid(
    recipes.get_recipe("dcgan").endpoints["sample"].bind, work / "dcgan", n=64, seed=0
)
history = dcgan.fit(
    train.batches(64), epochs=EPOCHS, callbacks=[grid], shuffle=False, verbose=0
).history
callbacks.draw_grid(draw(dcgan, 64), work / "samples.png")
Image(filename=work / "samples.png", width=450)

# %% [markdown]
# `SampleGrid` has drawn the same 64 latents after each epoch, and made a moving picture of them at
# the end:

# %%
Image(filename=work / "dcgan" / "training.gif", width=350)

# %% [markdown]
# The losses do not say how good the images are: they are those of a game, and a loss that stays
# where it is may mean that both improve.

# %%
figure, axis = plt.subplots(figsize=(5, 3))
for name in ("discriminator_loss", "generator_loss"):
    axis.plot(range(1, EPOCHS + 1), history[name], ".-", label=name.replace("_", " "))
axis.set(xlabel="epoch")
axis.legend()
figure.tight_layout()

# %% [markdown]
# A distance between samples and held-out images does say it. The *sliced Wasserstein distance*
# compares small patches at several scales; it needs no other network, and it is what
# `amalthea tune dcgan` makes small. The *Fréchet distance* compares features of a network that
# knows the images. With the Inception net of that name it is the FID; here we take a LeNet-5, and
# its numbers can be compared only with each other.

# %%
lenet5 = recipes.lenet5(train.image_shape, seed=0) if not FAST else None
if lenet5:
    lenet5.fit(train.batches(64), epochs=3, shuffle=False, verbose=0)
held = test.as_float()[: 100 if FAST else 2000]
other_half = test.as_float()[-len(held) :]
noise = np.random.default_rng(0).random(held.shape, dtype="float32")
candidates = {"DCGAN": draw(dcgan, len(held)), "other test images": other_half, "noise": noise}


def features(images):
    if lenet5 is None:
        return images.reshape(len(images), -1)
    return lenet5.predict(images, verbose=0)


for name, images in candidates.items():
    sliced = metrics.sliced_wasserstein(held, images)["mean"]
    frechet = metrics.frechet_distance(features(held), features(images))
    print(f"{name:18} sliced Wasserstein {sliced:6.1f}, Fréchet, LeNet-5 {frechet:8.1f}")

# %% [markdown]
# ## 4. Images of a class
#
# A conditional net (Mirza & Osindero 2014) gives the class to both networks: to the generator
# beside its latents, to the discriminator beside the image. The same latent then has an image in
# each class.

# %%
conditional = recipes.conditional_dcgan(train.image_shape, train.num_classes, width=WIDTH, seed=0)
conditional.fit(train.batches(64), epochs=EPOCHS, shuffle=False, verbose=0)
decode = recipes.get_recipe("conditional_dcgan").endpoints["decode"].bind(conditional)
latents = np.random.default_rng(1).uniform(-1, 1, (10, 100)).astype("float32")
rows = {}
for label, name in enumerate(train.class_names):
    given = {"latents": latents, "labels": np.full(10, label, "int32")}
    rows[name] = decode.predict_on_batch(given)["images"]
callbacks.draw_rows(rows, work / "classes.png")
Image(filename=work / "classes.png", width=700)

# %% [markdown]
# Each column is one latent. The exported model has the same functions as endpoints: `decode`,
# `sample` by labels and a seed, and `discriminate`.
#
# What a job does with all this from the shell:
#
# ```sh
# amalthea train dcgan --epochs 10 --out runs/dcgan          # samples/*.png and training.gif
# amalthea evaluate runs/dcgan                               # distances from the test images
# amalthea sample runs/dcgan -n 64 --grid samples.png
# amalthea tune toy_gan --trials 20 --out runs/search        # for the most modes covered
# amalthea export runs/dcgan
# ```

# %%
folder.cleanup()
