# %% [markdown]
# # Boltzmann machines
#
# A Boltzmann machine is a model of images that can be asked: how likely is this image, what does
# the rest of it look like, draw another one. This notebook trains a restricted Boltzmann machine
# (RBM) on pictures of clothes, stacks several of them to a deep belief net (DBN), adds labels, and
# joins all layers in a deep Boltzmann machine (DBM). Every model is a `keras.Model` that plain
# `fit` trains.
#
# The data are those of Fashion-MNIST, prepared at their first use. With the environment variable
# `AMALTHEA_FAST=1` the notebook takes a minute, but has digits instead of clothes and trains too
# little for what the text says of the results.

# %%
import os
import tempfile
from dataclasses import replace
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
# Three helpers: two that show images, and one that calls an *endpoint*, a function that a recipe
# gives its models besides `predict`. Whole numbers are fixed when an endpoint is bound to a model;
# only the seed and arrays are inputs of each call.


# %%
def show_rows(rows, width=800):
    callbacks.draw_rows(rows, work / "rows.png")
    return Image(filename=work / "rows.png", width=width)


def show_grid(images, width=500):
    callbacks.draw_grid(images, work / "grid.png")
    return Image(filename=work / "grid.png", width=width)


def call(model, endpoint, seed=None, **inputs):
    fixed = {name: value for name, value in inputs.items() if isinstance(value, int)}
    given = {name: value for name, value in inputs.items() if name not in fixed}
    if seed is not None:
        given["seed"] = np.int32(seed)
    function = recipes.get_recipe(model.origin.recipe).endpoints[endpoint].bind(model, **fixed)
    (output,) = function.predict_on_batch(given).values()
    return output


# %%
DATA, SIZE = ("digits", 28) if FAST else ("fashion_mnist", None)
train, test = (data.read(DATA, split, image_size=SIZE) for split in ("train", "test"))
if FAST:
    train, test = (replace(s, images=s.images[:640], labels=s.labels[:640]) for s in (train, test))
batches = train.batches(64)
images, test_images = train.as_float(), test.as_float()
print(f"{len(train):,} images to train, {len(test):,} to test: {', '.join(train.class_names)}")

# %% [markdown]
# The machines are of binary units, so their recipes make each pixel 0 or 1 at ½. Of a garment that
# leaves little more than the outline, but the likelihood of a binary image is a plain number that
# can be compared.

# %%
firsts = [np.flatnonzero(test.labels == label)[0] for label in range(10)]
show_rows({"image": test_images[firsts], "binary": test_images[firsts] >= 0.5})

# %% [markdown]
# ## 1. The restricted Boltzmann machine
#
# An RBM joins visible units v, the pixels, to hidden units h by a kernel W. It gives each pair of
# states an energy, and makes states of low energy likely:
#
# $$E(v, h) = -v^\top W h - b^\top v - a^\top h, \qquad p(v, h) = e^{-E(v, h)} / Z.$$
#
# *Restricted* means that no two units of the same kind are joined. Given the pixels, all hidden
# units are therefore independent, and so are all pixels given the hidden units. It also means that
# the hidden units can be summed out by a formula. What remains is the *free energy* of an image:
#
# $$p(v) = e^{-F(v)} / Z, \qquad
# F(v) = -b^\top v - \sum_j \log\big(1 + e^{a_j + (v^\top W)_j}\big).$$
#
# Only Z, the sum over all 2⁷⁸⁴ images, is out of reach. Contrastive divergence (Hinton 2002) learns
# without it: it lowers the free energy of the images and raises that of what a few Gibbs steps make
# of them. One step is quick and mostly enough for features; for fantasies more are better, and we
# take ten.

# %%
rbm = recipes.rbm(hidden_units=256, gibbs_steps=10, seed=0)
history = rbm.fit(batches, epochs=1 if FAST else 5, shuffle=False, verbose=0).history
for epoch, loss in enumerate(history["loss"], start=1):
    print(f"epoch {epoch}: loss {loss:.1f}")
# %% [markdown]
# The loss that Keras reports is minus the pseudo-log-likelihood: how well each pixel is predicted
# from all others. It is cheap, and unlike the reconstruction error it is related to the likelihood.
#
# ### What the hidden units see
#
# A column of the kernel has a number for each pixel. As images, with white for weights above 0 and
# black for those below, these are the features that the machine has learnt: collars, hems, the
# edges of sleeves and soles, and stripes of all widths.

# %%
layer = rbm.get_layer("rbm")
filters = np.asarray(layer.kernel).T
strongest = np.argsort(-np.linalg.norm(filters, axis=1))[:144]
scale = np.quantile(np.abs(filters[strongest]), 0.995, axis=1, keepdims=True)
show_grid((0.5 + 0.5 * filters[strongest] / scale).clip(0, 1).reshape(-1, 28, 28), width=600)

# %% [markdown]
# ### Reconstructions
#
# Up to the hidden units and down again, by their probabilities:

# %%
shown = test_images[firsts]
reconstructions = call(rbm, "reconstruct", images=shown)
show_rows({"binary": shown >= 0.5, "reconstruction": reconstructions})

# %% [markdown]
# ### Fantasies
#
# To draw an image, the machine starts at noise, each pixel on as often as its bias says, and draws
# hidden units and pixels in turn. After enough steps the chain has forgotten where it started, and
# its states are samples of the model. Shown are the probabilities from which the last pixels were
# drawn, for twelve chains at four ages:

# %%
ages = (1, 10) if FAST else (1, 10, 100, 1000)
show_rows({f"{n} step{'s' * (n > 1)}": call(rbm, "sample", n=12, steps=n, seed=1) for n in ages})

# %% [markdown]
# One step gives a blur of all garments at once, which later steps resolve. Many chains end at dark
# garments, of which the binary images have little more than a collar and the edges of sleeves: from
# noise that is the shortest way, and Gibbs chains of a restricted machine rarely leave such a place
# again. More of them, after 200 steps:

# %%
STEPS = 10 if FAST else 200
fantasies = {"RBM": call(rbm, "sample", n=36, steps=STEPS, seed=2)}
show_grid(fantasies["RBM"])

# %% [markdown]
# ### The other half of an image
#
# The same chain completes an image when the given pixels are put back after each step. Here the
# upper half is given, and the lower half drawn three times, from three seeds:

# %%
bits = (shown >= 0.5).astype("float32")
mask = np.zeros_like(bits)
mask[:, :14] = 1
rows = {"image": bits, "given": np.where(mask, bits, 0.5)}
for seed in range(3):
    rows[f"completion {seed + 1}"] = call(
        rbm, "complete", images=bits, mask=mask, steps=STEPS, seed=seed
    )
show_rows(rows)

# %% [markdown]
# ### How likely are the test images?
#
# With 15 hidden units, Z is a sum over 2¹⁵ states, and the likelihood is exact. With 256 it has to
# be estimated. Annealed importance sampling (Salakhutdinov & Murray 2008) starts chains at a model
# whose Z is known, changes it to the machine step by step, and collects a weight on the way. On
# average its log Z is too low, so that the likelihood comes out too high. Run backwards from the
# machine's own samples it errs the other way (Grosse, Ghahramani & Adams 2015), so that the truth
# lies between the two, apart from the chance that the standard error tells of.

# %%
small = recipes.rbm(hidden_units=15, gibbs_steps=10, seed=0)
small.fit(train.batches(64), epochs=1 if FAST else 3, shuffle=False, verbose=0)

test_bits = (test_images >= 0.5).astype("float32").reshape(len(test), -1)
means = (images >= 0.5).reshape(len(train), -1).mean(axis=0)
TEMPERATURES = 100 if FAST else 3000

print(f"{'':17}{'exact':>9}{'annealed':>10}{'reverse':>10}{'± of either':>14}")
for name, model in (("15 hidden units", small), ("256 hidden units", rbm)):
    machine = model.get_layer("rbm")
    forward = metrics.annealed_importance_sampling(machine, means, temperatures=TEMPERATURES)
    reverse = metrics.reverse_annealed_importance_sampling(
        machine, forward.visible, means, temperatures=TEMPERATURES, seed=1
    )
    log_partitions = [forward.log_partition, reverse.log_partition]
    if machine.hidden <= 15:
        log_partitions.insert(0, metrics.exact_log_partition(machine))
    nats = [metrics.log_likelihood(machine, test_bits, z).mean() for z in log_partitions]
    cells = "".join(f"{value:10.2f}" for value in nats)
    errors = f"{forward.standard_error:8.2f}{reverse.standard_error:6.2f}"
    print(f"{name:16}{cells:>30}{errors}")

# %% [markdown]
# Nats for a test image, of 784 pixels. Where the exact value is known, it can be seen how good the
# estimates are. A warning goes with them: the standard error knows only what the chains have seen.
# A machine that contrastive divergence left with likely states far from all images, which no chain
# finds, gets too good a figure from either direction.
#
# ### Does it overfit?
#
# For that question Z is not needed: it cancels in the difference of two free energies. The callback
# `FreeEnergyGap` logs how much lower the free energy of training images is than that of held-out
# ones. We train the same machine on few images and on all, for equally many updates:

# %%
FEW, UPDATES = (320, 40) if FAST else (500, 2000)
held_out = data.read(DATA, "validation", image_size=SIZE).as_float()[:FEW]
gap = recipes.get_recipe("rbm").endpoints["free_energy"].bind
gaps = {}
for name, some in (
    (f"{FEW} images", replace(train, images=train.images[:FEW], labels=train.labels[:FEW])),
    (f"{len(train):,} images", train),
):
    watch = callbacks.FreeEnergyGap(gap, images[:FEW], held_out)
    model = recipes.rbm(hidden_units=256, seed=0)
    history = model.fit(
        some.batches(64).repeat(),
        steps_per_epoch=UPDATES // 20,
        epochs=20,
        shuffle=False,
        callbacks=[watch],
        verbose=0,
    ).history
    gaps[name] = history["free_energy_gap"]

figure, axis = plt.subplots(figsize=(6.5, 3.4))
for name, values in gaps.items():
    axis.plot(UPDATES // 20 * np.arange(1, 21), values, label=f"trained on {name}")
axis.set(xlabel="updates", ylabel="free-energy gap, nats", title="Held-out minus training images")
axis.legend()
plt.show()

# %% [markdown]
# The machine that saw few images comes to know them by heart; the other finds images that it has
# seen no more likely than those it has not.
#
# ### An ancestor
#
# In a Hopfield net (1982) there are no hidden units and no chance: pixels of −1 and 1 are joined to
# each other, and each in turn takes the side that lowers the energy. One pass of `fit` stores
# images by Hebb's rule, and what is given of an image makes it settle in the rest, if the images
# are few and not too much alike.

# %%
stored = test_images[[firsts[label] for label in (1, 2, 6, 8)]] >= 0.5
stored = stored.astype("float32")
net = recipes.hopfield((28, 28, 1), seed=0)
net.fit(stored, batch_size=len(stored), epochs=1, verbose=0)

mask = np.zeros_like(stored)
mask[:, :14] = 1
noise = np.random.default_rng(0).random(stored.shape) < 0.2
show_rows(
    {
        "stored": stored,
        "upper half": np.where(mask, stored, 0.5),
        "completed": call(net, "complete", images=stored, mask=mask),
        "with noise": np.abs(stored - noise),
        "recalled": net.predict(np.abs(stored - noise), verbose=0),
    },
    width=360,
)

# %% [markdown]
# ## 2. The deep belief net
#
# The hidden states of one RBM are binary data, too, of which another can learn. In a deep belief
# net (Hinton, Osindero & Teh 2006) the top machine is an RBM of the features below it, and the
# machines below turn a state of the features to an image in one pass down.
#
# Learning is greedy: the first machine learns from the images, then rests; the second learns from
# what the first makes of them. A recipe whose training has stages says so in its *schedule*, which
# gives a callback for `fit`. It only says which layer learns in which epoch, so `fit` stays as it
# is. `model.origin` holds the arguments that the model was built from.

# %%
dbn = recipes.dbn(
    hidden_units=(256, 256), pretraining_epochs=1 if FAST else 3, gibbs_steps=5, seed=0
)
schedule = recipes.get_recipe("dbn").schedule(dbn.origin.arguments)
history = dbn.fit(
    batches, epochs=2 if FAST else 6, shuffle=False, callbacks=[schedule], verbose=0
).history
for epoch, (stage, loss) in enumerate(zip(history["stage"], history["loss"], strict=True), start=1):
    print(f"epoch {epoch}: machine {stage} learns, loss {loss:.1f}")

# %% [markdown]
# The losses of the two stages cannot be compared: the first is of pixels, the second of features.
# The pictures can:

# %%
fantasies["DBN"] = call(dbn, "sample", n=36, steps=STEPS, seed=2)
show_grid(fantasies["DBN"])

# %% [markdown]
# The likelihood of a DBN is known by a lower bound: what the way up loses is not in it. A recipe
# that can measure its models beyond their metrics has `measures`, the figures that
# `amalthea evaluate` prints as well. These are of the test images, in nats:

# %%
MEASURED = test_images[: 64 if FAST else 2000]


def measure(model):
    return recipes.get_recipe(model.origin.recipe).measures(model, MEASURED, None, 64)


measured = {"RBM, 256": measure(rbm), "DBN, 256-256": measure(dbn)}
for name, figures in measured.items():
    print(f"{name:15}" + ", ".join(f"{key} {value:.2f}" for key, value in figures.items()))

# %% [markdown]
# ## 3. A deep belief net with labels
#
# The net of the 2006 paper puts ten more units beside the features that its top machine sees, one
# for each class. So the machine learns features *together with* labels. It classifies an image by
# the exact probability of each label given the features, and it draws an image of a class when that
# label is held on while the chain runs.
#
# Labels may be missing: rows with the label −1 teach the machines, too, the top one with labels
# that it draws itself. Here one image in four has lost its label.

# %%
labels = np.where(np.random.default_rng(0).random(len(train)) < 0.75, train.labels, -1)
print(f"{(labels >= 0).sum():,} of {len(labels):,} images have a label")

classifier = recipes.dbn_classifier(
    hidden_units=(256, 256, 512),
    pretraining_epochs=1 if FAST else 3,
    gibbs_steps=5,
    fine_tuning_learning_rate=0.1,
    seed=0,
)
schedule = recipes.get_recipe("dbn_classifier").schedule(classifier.origin.arguments)
begin = schedule.starts[-1]  # of the last stage, the fine-tuning
settings = {"batch_size": 64, "callbacks": [schedule], "verbose": 0}
classifier.fit(images, labels, epochs=begin, **settings)


def accuracy():
    return classifier.evaluate(test_images, test.labels, verbose=0, return_dict=True)["accuracy"]


accuracies = {"machines alone": accuracy()}
print(f"accuracy on {len(test):,} test images: {accuracies['machines alone']:.1%}")

# %% [markdown]
# No error has been propagated back so far: each machine has learnt what its units do together.
# Now we name a class, and let the net dream of it. Each row is one label held on. Classes that have
# a shape of their own, such as trousers, bags and boots, come out best; what is worn above the
# waist comes in dark and bright, as in the data:

# %%
generate = recipes.get_recipe("dbn_classifier").endpoints["generate"]


def dream(count):
    draw = generate.bind(classifier, n=count, steps=5 * STEPS).predict_on_batch
    return {
        name: draw({"label": np.int32(label), "seed": np.int32(label)})["images"]
        for label, name in enumerate(train.class_names)
    }


show_rows(dream(10))

# %% [markdown]
# The last stage lowers the cross-entropy of the labels by backpropagation through all machines.
# `fit` goes on where it was:

# %%
classifier.fit(images, labels, initial_epoch=begin, epochs=begin + (1 if FAST else 2), **settings)
accuracies["fine-tuned"] = accuracy()
for name, value in accuracies.items():
    print(f"{name:16}{value:.1%}")

# %% [markdown]
# The net classifies better, and dreams worse: backpropagation keeps of the features only what tells
# classes apart. Who wants both keeps both models, or builds with `fine_tuning=False`. The same
# labels and seeds after the fine-tuning:

# %%
show_rows(dream(10))

# %% [markdown]
# ## 4. The deep Boltzmann machine
#
# In a DBN only the top two layers are joined in both directions. In a deep Boltzmann machine
# (Salakhutdinov & Hinton 2009) all neighbours are: what is seen above changes what is seen below.
# Inference is no single pass up any more, but adjusts the layers to each other until they agree
# (mean field); and the model's statistics come from chains that persist. Its schedule pretrains
# each layer, halves the weights that come to count twice, and trains all together.

# %%
dbm = recipes.dbm(
    hidden_units=(256, 256), pretraining_epochs=1, mean_field_steps=5, gibbs_steps=5, seed=0
)
schedule = recipes.get_recipe("dbm").schedule(dbm.origin.arguments)
history = dbm.fit(
    batches, epochs=3 if FAST else 7, shuffle=False, callbacks=[schedule], verbose=0
).history
for epoch, (stage, loss) in enumerate(zip(history["stage"], history["loss"], strict=True), start=1):
    what = f"layer {stage} learns" if stage < 3 else "all learn together"
    print(f"epoch {epoch}: {what}, loss {loss:.1f}")

# %%
fantasies["DBM"] = call(dbm, "sample", n=36, steps=STEPS, seed=2)
show_grid(fantasies["DBM"])

# %% [markdown]
# A DBM folds: its even layers on one side and its odd ones on the other are an RBM, whose Z is
# estimated as before. With it the variational bound of the likelihood is known. All three models on
# the same test images:

# %%
measured["DBM, 256-256"] = measure(dbm)
print(f"{'model':14}{'nats':>9}{'±':>7}   what")
for name, figures in measured.items():
    (kind, nats), (_, error) = figures.items()
    print(f"{name:14}{nats:9.2f}{error:7.2f}   {kind.replace('_', ' ')}")

# %% [markdown]
# A bound is no likelihood: a model with a lower bound may still be the better one. Nor do chains of
# a few hundred steps show all that a model knows. Twelve fantasies of each, for the eye:

# %%
show_rows({name: drawn[:12] for name, drawn in fantasies.items()})

# %% [markdown]
# ## From a shell
#
# The command line does the same, stages included, and keeps each training in a folder from which it
# can be resumed:
#
# ```
# amalthea train dbn_classifier --data fashion_mnist --out run
# amalthea evaluate run
# amalthea sample run --label 8 --grid bags.png
# amalthea train dbm --data fashion_mnist --out another
# amalthea sample another --steps 2000 --grid dreams.png
# ```
#
# ## What to try next
#
# * `recipes.gaussian_rbm` takes pixels as they are, not made binary.
# * `recipes.deep_autoencoder` trains a stack of these machines, and unrolls it to an autoencoder
#   for fine-tuning (Hinton & Salakhutdinov 2006).
# * `recipes.multimodal_dbn` learns images together with captions, and completes either.
# * `recipes.boltzmann_machine` is the general machine of 1985, in which all units are joined: try
#   it on the digits.
# * Give `recipes.rbm` more Gibbs steps, `gibbs_steps=5`. Which of likelihood, pseudo-likelihood and
#   fantasies change, and for which of them was it worth the time?
