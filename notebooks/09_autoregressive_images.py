# %% [markdown]
# # Autoregressive images: one pixel after another
#
# The probability of an image is the product of those of its pixels, each given the pixels before
# it. A net that tells all of these at once has an exact likelihood, draws images pixel by pixel and
# completes what has begun. This notebook shows which pixels such nets see, trains them on digits,
# beside two models of other kinds, and has them draw.
#
# With the environment variable `AMALTHEA_FAST=1` it takes a minute, but trains too little for what
# the text says of the results.

# %%
import csv
import math
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

from amalthea import callbacks, data, jobs, layers, recipes
from amalthea.layers.input_gradient import input_gradient
from amalthea.layers.seed_stream import SeedStream

folder = tempfile.TemporaryDirectory()  # removed when the notebook ends
work = Path(folder.name)
plt.rcParams.update({"figure.dpi": 100, "axes.grid": True, "grid.alpha": 0.3})

train, test = (data.read("digits", split) for split in ("train", "test"))
SHAPE, DIMS = train.image_shape, math.prod(train.image_shape)


def bind(model, name, **fixed):
    """An endpoint of a model, as a server would ask it: from named arrays to named arrays."""
    return recipes.get_recipe(model.origin.recipe).endpoints[name].bind(model, **fixed)


def show(rows, width):
    """Rows of images, with their labels on the left."""
    callbacks.draw_rows(rows, work / "rows.png")
    return Image(filename=work / "rows.png", width=width)


# %% [markdown]
# ## 1. A product of conditionals
#
# With the pixels in raster order, rows downwards and each from left to right,
#
# p(x) = p(x₁) · p(x₂ | x₁) · p(x₃ | x₁, x₂) · … · p(xₙ | x₁, …, xₙ₋₁),
#
# which is true of every distribution: nothing is assumed yet. A convolutional net gives all factors
# of an image in one pass, if what it says of a pixel depends on no later one. Its kernels are
# masked for that. *Mask A*, in a first layer, hides the pixel itself, which is what is to be told;
# *mask B*, in all others, shows it, since features at a pixel know nothing of its value. The gated
# PixelCNN has two kinds of kernels instead: a vertical one over the rows above, and a horizontal
# one along the row.
#
# Below, in yellow, is what the output at the pixel with the frame depends on, by its gradient with
# respect to the image.


# %%
def gradient(network, side):
    """Mean size of the gradient of the outputs at the central pixel, by each pixel of the image."""
    images = tf.constant(np.random.default_rng(0).random((16, side, side, 1)), tf.float32)
    middle = side // 2
    slopes = input_gradient(lambda x: network(x)[:, middle, middle], images)
    return np.abs(slopes.numpy()).mean((0, 3))


GREY, RED = (0.93, 0.93, 0.93, 1), (0.9, 0.3, 0.2, 1)


def draw_seen(axis, slopes, title, unseen=GREY, least=1e-5):
    """Draw what is seen from the central pixel; earlier ones that are not in a colour."""
    side, middle = len(slopes), len(slopes) // 2
    earlier = np.arange(side**2).reshape(side, side) < middle * side + middle
    share = np.log10(np.clip(slopes / slopes.max(), least, 1)) / np.log10(least)
    picture = plt.get_cmap("viridis_r")(share)
    picture[(slopes == 0) & ~earlier] = GREY
    picture[(slopes == 0) & earlier] = unseen
    axis.imshow(picture)
    style = {"fill": False, "edgecolor": "black", "lw": 2}
    axis.add_patch(plt.Rectangle((middle - 0.5, middle - 0.5), 1, 1, **style))
    axis.set(xticks=np.arange(side) - 0.5, yticks=np.arange(side) - 0.5, title=title)
    axis.set(xticklabels=[], yticklabels=[])
    axis.tick_params(length=0)
    axis.grid(color="white", alpha=1, lw=0.5)


ONES = {"kernel_initializer": "ones"}
kernels = {
    "mask A": layers.MaskedConv2D(1, 5, mask_center=True, **ONES),
    "mask B": layers.MaskedConv2D(1, 5, **ONES),
    "vertical, first layer": layers.VerticalConv2D(1, 5, strict=True, **ONES),
    "vertical": layers.VerticalConv2D(1, 5, **ONES),
    "horizontal, first layer": layers.HorizontalConv2D(1, 5, mask_center=True, **ONES),
    "horizontal": layers.HorizontalConv2D(1, 5, **ONES),
}
figure, axes = plt.subplots(1, 6, figsize=(12, 2.3), layout="constrained")
for axis, (name, layer) in zip(axes, kernels.items(), strict=True):
    draw_seen(axis, gradient(layer, 5), name)
    axis.title.set_fontsize(10)
plt.show()

# %% [markdown]
# The vertical kernel may look at the pixel's own row, and past the pixel, because its inputs know
# of the rows above alone: its first layer has left the own row out.
#
# ## 2. What a net sees
#
# Layer upon layer, a net sees more. Here are four nets with random weights, whose first kernels
# have 3×3 pixels, and what they see from the centre of 15×15. The gradient is large where it is
# yellow, and 100,000 times smaller where it is darkest. Grey pixels come later and must not be
# seen; red ones come earlier, and are not seen all the same.

# %%
SIDE = 9 if FAST else 15
BIG = (SIDE, SIDE, 1)
depth = {"blocks": SIDE // 2, "first_kernel_size": 3, "seed": 0}
nets = {
    "pixelcnn": recipes.pixelcnn(BIG, filters=32, **depth),
    "gated_pixelcnn": recipes.gated_pixelcnn(BIG, filters=32, **depth),
    "pixelrnn, one row LSTM": recipes.pixelrnn(BIG, layer="row_lstm", **depth | {"blocks": 1}),
    "pixelrnn, one diagonal BiLSTM": recipes.pixelrnn(BIG, **depth | {"blocks": 1}),
}
figure, axes = plt.subplots(1, 4, figsize=(12, 3.3), layout="constrained")
for axis, (name, net) in zip(axes, nets.items(), strict=True):
    draw_seen(axis, gradient(net.network, SIDE), name, RED)
plt.show()

# %% [markdown]
# The PixelCNN has a *blind spot*. To see a pixel above and to the right, it has to go there by
# steps of its kernels, and none of these goes to the right without going up: each step up allows
# one to the right. What lies flatter than the diagonal stays unseen, however many layers there are.
# The vertical stack of the gated PixelCNN moves freely to both sides in the rows above, and the
# spot is gone. One row LSTM sees a triangle above, and a little of its row.
#
# Diagonal LSTMs, one from either upper corner, see all but a single pixel, the last one of the row
# above: features at a pixel do not know its own value, those to the right in the row of the centre
# may not be asked, so nobody tells of it who is not within reach of the first convolution. That is
# so as published, too.
#
# ## 3. Digits
#
# The 8×8 digits, each pixel black or white (white from ½ on). All models below see the same binary
# pixels of the same 1,257 images, and each has its weights of the epoch in which the validation
# images were the most probable. *Bits per dimension* is minus the binary logarithm of an image's
# probability, divided by its 64 pixels: what a pixel costs who writes images down by the model.
#
# Of autoregressive models it is exact. Of the variational autoencoder it is an upper bound, by 50
# samples of the code (in the curves by one); of the restricted Boltzmann machine an estimate, by
# annealed importance sampling. The simplest model, each pixel by itself, is there for comparison.

# %%
SIZE = {"filters": 8, "blocks": 1} if FAST else {"filters": 32, "blocks": 3}
SIZE["first_kernel_size"] = 5
BINARY, BATCH = {"binarization": "threshold"}, 128 if FAST else 16
plans = {
    "gated_pixelcnn": (SIZE | BINARY, 30),
    "pixelcnn": (SIZE | BINARY, 30),
    "pixelrnn": (BINARY | {"units": 16, "blocks": 2, "first_kernel_size": 5}, 20),
    "variational_autoencoder": (BINARY | {"latent_dim": 16, "activation": "relu"}, 100),
    "rbm": ({"hidden_units": 200}, 100),
}
if FAST:
    del plans["pixelcnn"], plans["pixelrnn"]
runs, curves = {}, {}
for name, (arguments, epochs) in plans.items():
    runs[name] = run = jobs.train(
        name,
        "digits",
        out=work / name,
        arguments=arguments,
        epochs=1 if FAST else epochs,
        batch_size=BATCH,
        early_stopping=10,
        verbose=0,
    )
    with (run.path / "log.csv").open() as file:
        log = list(csv.DictReader(file))
    if "val_bits_per_dim" in log[0]:
        curves[name] = [float(row["val_bits_per_dim"]) for row in log]
    else:
        column, sign = ("val_log_likelihood", -1) if name == "rbm" else ("val_negative_bound", 1)
        curves[name] = [sign * float(row[column]) / DIMS / math.log(2) for row in log]

# %%
figures = {}
for name, run in runs.items():
    found = jobs.evaluate(run.path)
    nats = found.get("log_likelihood", found.get("log_likelihood_bound"))
    figures[name] = -nats / DIMS / math.log(2)
ones = (train.as_float() >= 0.5).mean(0)
ones = (ones * len(train.images) + 1) / (len(train.images) + 2)  # no pixel is certain
is_one = test.as_float() >= 0.5
figures["each pixel by itself"] = -np.log2(np.where(is_one, ones, 1 - ones)).mean()
SAID = {"variational_autoencoder": "at most", "rbm": "about"}
for name, bits in figures.items():
    print(f"{name:25} {SAID.get(name, ''):8}{bits:.3f} bits per dimension of test images")

figure, axis = plt.subplots(figsize=(7, 3.6))
for name, bits in curves.items():
    axis.plot(range(1, len(bits) + 1), bits, label=name, marker="." if len(bits) < 3 else "")
axis.axhline(figures["each pixel by itself"], color="tab:gray", ls=":", label="by itself")
axis.set(xlabel="epoch", ylabel="bits per dimension", title="validation images", xscale="log")
axis.legend(fontsize=8)
plt.show()

# %% [markdown]
# Images this small and this few are not where such nets are at their best: the autoencoder and the
# Boltzmann machine, which explain an image by features of all of it, find the test images more
# probable than any net that goes from pixel to pixel. Of these the gated one is ahead of the first
# PixelCNN; the PixelRNN, whose epochs cost the most, was still getting better when its twenty were
# over.
#
# After each epoch a training draws samples into the folder `samples` of its run, always from the
# same random numbers. Sixteen of the gated PixelCNN's:

# %%
pictures = sorted((runs["gated_pixelcnn"].path / "samples").glob("*.png"))
chosen = sorted({0, min(2, len(pictures) - 1), (len(pictures) - 1) // 3, len(pictures) - 1})
figure, axes = plt.subplots(1, len(chosen), figsize=(3 * len(chosen), 3.2), squeeze=False)
for axis, index in zip(axes[0], chosen, strict=True):
    picture = plt.imread(pictures[index])
    axis.imshow(picture[: len(picture) // 2, : len(picture) // 2])
    axis.set(title=f"epoch {index + 1}")
    axis.axis("off")
plt.show()

# %% [markdown]
# What it says of test images, pixel by pixel: how probable white is, by the pixels before, and what
# each pixel costs under that. Most is paid at the edges of strokes, where they begin, bend or end
# otherwise than those before; the black around is almost free.

# %%
model = runs["gated_pixelcnn"].load_model()
some = np.asarray(model.observed(test.as_float()[:10]))
white = tf.sigmoid(model.predict(some, verbose=0)[..., 0, :]).numpy()
bits = -np.log2(np.where(some == 1, white, 1 - white))
show({"image": some, "white": white, "bits": bits / bits.max()}, 700)

# %% [markdown]
# ## 4. Completions
#
# What is known of an image stays as it is, and the rest is drawn, each pixel by what the known and
# the drawn ones before it say. Different seeds go on differently from the same upper half:

# %%
complete = bind(model, "complete")
top = np.zeros_like(some)
top[:, :4] = 1
given = {"images": some, "mask": top}
drawn = {
    f"seed {seed}": complete.predict_on_batch(given | {"seed": np.int32(seed)})["completions"]
    for seed in range(5)
}
kept = all((images[:, :4] == some[:, :4]).all() for images in drawn.values())
print("the known pixels are as they were:", kept)
show({"image": some, "known": some * top + 0.5 * (1 - top)} | drawn, 700)

# %% [markdown]
# What is known must come first in raster order. Of known pixels after unknown ones the net could
# not tell what they say of those: the endpoint answers −1 steps and no image. A Boltzmann machine,
# which has no order, completes any part, by Gibbs sampling.

# %%
masks = np.zeros((3, *SHAPE), "float32")
masks[0, :4], masks[1, 4:], masks[2, :, :4] = 1, 1, 1
answer = complete.predict_on_batch({"images": some[:3], "mask": masks, "seed": np.int32(0)})
for half, steps in zip(("upper", "lower", "left"), answer["steps"], strict=True):
    print(f"known {half} half: {steps} steps")
machine = bind(runs["rbm"].load_model(), "complete")
numbers = {"steps": np.int32(10 if FAST else 1000), "seed": np.int32(0)}
left = np.repeat(masks[2:], 10, axis=0)
found = machine.predict_on_batch({"images": some, "mask": left} | numbers)["completions"]
show({"known": some * left + 0.5 * (1 - left), "rbm": found}, 700)

# %% [markdown]
# ## 5. Told the class
#
# In `conditional_gated_pixelcnn` the class goes into every gate. Below each column is a class, and
# the number on the left the temperature of the rows from there on: at 1 pixels are drawn by their
# probabilities; below that likely values become likelier, and images more alike; at 0 each pixel
# has its most probable value, and there is one image a class.

# %%
run = jobs.train(
    "conditional_gated_pixelcnn",
    "digits",
    out=work / "conditional",
    arguments=SIZE | BINARY,
    epochs=1 if FAST else 30,
    batch_size=BATCH,
    early_stopping=10,
    verbose=0,
)
told = run.load_model()
labels = np.arange(10, dtype="int32")
sample = bind(told, "sample")
rows = {}
for temperature in (0, 0.5, 1):
    for seed in range(3 if temperature else 1):
        numbers = {"seed": np.int32(seed), "temperature": np.float32(temperature)}
        images = sample.predict_on_batch({"labels": labels} | numbers)["images"]
        rows[" " * len(rows) if seed else str(temperature)] = images
show(rows, 700)

# %% [markdown]
# By Bayes' theorem such a model is a classifier, too: of the ten classes that one under which the
# image is the most probable. It was never trained to tell them apart.

# %%
measure = bind(told, "log_likelihood")
x = test.as_float()
by_class = [
    measure.predict({"images": x, "labels": np.full(len(x), label, "int32")}, verbose=0)
    for label in range(10)
]
under = np.stack([each["log_likelihoods"] for each in by_class])
print(f"right of the test images: {(under.argmax(0) == test.labels).mean():.1%}")
for name, nats in (
    ("told the class", under[test.labels, np.arange(len(x))]),
    ("any of the ten", np.logaddexp.reduce(under, axis=0) - math.log(10)),
):
    print(f"{name}: {-nats.mean() / DIMS / math.log(2):.3f} bits per dimension")

# %% [markdown]
# Even where the class is not told, the mean over the ten makes test images more probable than the
# same net did that learnt without classes: the labels have taught it something of the images.
#
# ## 6. Grey levels
#
# The digits' pixels have 17 levels. A *categorical* likelihood has an output for each of them, and
# does not know that 7 lies between 6 and 8. A *mixture of discretized logistic distributions* does:
# its outputs are places and widths on the scale of grey. A level gets that part of the distribution
# which is nearest to it; white and black get all that is beyond them, too.

# %%
grey, greys = {}, {"test images": test.as_float()[:16]}
for likelihood in ("logistic_mixture",) if FAST else ("categorical", "logistic_mixture"):
    run = jobs.train(
        "gated_pixelcnn",
        "digits",
        out=work / likelihood,
        arguments=SIZE | {"likelihood": likelihood, "levels": 17, "components": 5},
        epochs=1 if FAST else 20,
        batch_size=BATCH,
        early_stopping=10,
        verbose=0,
    )
    grey[likelihood] = jobs.evaluate(run.path)["bits_per_dim"]
    greys[likelihood.replace("_", "\n")] = jobs.sample(run.path, 16, seed=1)
counts = np.stack([(np.round(train.as_float() * 16) == level).sum(0) for level in range(17)])
shares = (counts + 1) / (counts + 1).sum(0)
levels = np.round(test.as_float() * 16).astype(int)
grey["each pixel by itself"] = -np.log2(np.take_along_axis(shares, levels, 0)).mean()
for name, bits in grey.items():
    print(f"{name:25}{bits:.3f} bits per dimension of test images")
show(greys, 900)

# %% [markdown]
# With 17 levels their order is learnt from the data, and the categorical likelihood is the better
# one. With 256 it would have fifteen times as many outputs to learn, the mixture as many as here.
#
# ## 7. What a sample costs
#
# The obvious way to draw an image calls the net on all of it for each pixel and throws away all but
# one output: as many passes as there are pixels. The package's sampler keeps what layers have
# computed of the pixels before, and computes the rest once for each pixel: all its steps together
# are one pass. Below are both, with the same uniform numbers, on images of 28×28 pixels; the net's
# weights are random, and do not matter to the time.

# %%
side, count = 8 if FAST else 28, 16
large = recipes.gated_pixelcnn((side, side, 1), **SIZE, seed=0)


@tf.function
def logits_of(images):
    return large.network(images)[..., 0]


def obvious(seed):
    """Images, one pixel after another, by a whole pass for each."""
    images = np.zeros((count, side, side, 1), "float32")
    for row in range(side):
        shape = (side, count, 1, 1)
        uniforms = keras.random.uniform(
            shape, 2**-24, 1 - 2**-24, seed=SeedStream(seed, row)
        ).numpy()
        for column in range(side):
            logits = logits_of(tf.constant(images)).numpy()[:, row, column]
            noise = np.log(uniforms[column, :, 0, 0]) - np.log1p(-uniforms[column, :, 0, 0])
            images[:, row, column, 0] = logits + noise > 0
    return images


fast = bind(large, "sample", n=count, temperature=1.0)


def sampler(seed):
    """The same by the endpoint."""
    return fast.predict_on_batch({"seed": np.int32(seed)})["images"]


logits_of(tf.zeros((count, side, side, 1)))  # compiled by this
sampler(0)
took, made = {}, {}
for way in (obvious, sampler):
    begin = time.perf_counter()
    made[way] = way(1)
    took[way] = time.perf_counter() - begin
print("pixels that differ:", int((made[obvious] != made[sampler]).sum()), "of", count * side**2)
print(f"the sampler took 1/{took[obvious] / took[sampler]:.0f} of the time")

# %% [markdown]
# The same from the shell:
#
# ```sh
# amalthea train gated_pixelcnn --data digits --binarization threshold --batch-size 16 --out runs/p
# amalthea evaluate runs/p         # log-likelihood, bits per dimension
# amalthea sample runs/p --grid samples.png --temperature 0.8
# amalthea export runs/p           # log_likelihood, sample, complete
# ```

# %%
folder.cleanup()
