# %% [markdown]
# # Sequences: what a recurrent net remembers
#
# A recurrent net reads step after step, and all that it knows of what it has read is the vector
# that it holds. This notebook watches that vector, shows why gradients get lost on their way back
# through many steps and which cells keep them, lets nets read words and write text, and forecasts a
# series.
#
# With the environment variable `AMALTHEA_FAST=1` it takes a minute, but trains too little for what
# the text says of the results.

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

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from amalthea import callbacks, data, jobs, recipes

folder = tempfile.TemporaryDirectory()  # removed when the notebook ends
work = Path(folder.name)
plt.rcParams.update({"figure.dpi": 100, "axes.grid": True, "grid.alpha": 0.3})

# %% [markdown]
# ## 1. A picture, row by row
#
# `rows:` reads images as series of their rows. A net for any number of steps (`steps=None`) can be
# asked after each row what it takes the picture for.

# %%
NAME = "digits" if FAST else "fashion_mnist"
train, test = (data.read(f"rows:{NAME}", split) for split in ("train", "test"))
train, test = train.first(200 if FAST else 20_000), test.first(100 if FAST else 2_000)
steps, channels = test.features["series"].row
net = recipes.recurrent_classifier(None, channels, hidden_units=(64,), seed=0)
net.fit(
    train.given("series"), train.given("label"), batch_size=64, epochs=1 if FAST else 4, verbose=0
)
x, y = test.given("series"), test.given("label")
names = test.features["label"].names
read = range(2, steps + 1, 2)
probabilities = np.stack(
    [tf.nn.softmax(net.predict(x[:, :rows], batch_size=500, verbose=0)).numpy() for rows in read]
)
accuracy = (probabilities.argmax(-1) == y).mean(1)

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.2))
left.plot(read, accuracy, marker="o", ms=3)
left.set(xlabel="rows read", ylabel="accuracy on test images", ylim=(0, 1))
example = int(np.flatnonzero(probabilities[-1].argmax(-1) == y)[2])
for label in np.argsort(-probabilities[:, example].max(0))[:4]:
    right.plot(read, probabilities[:, example, label], label=names[label])
right.set(xlabel="rows read", ylabel="probability", title=f"one image: {names[y[example]]}")
right.legend(fontsize=8)
plt.show()

# %% [markdown]
# The net was trained to answer at the end alone. What it says in between is what its state is worth
# there: nothing at first, and more with each row that tells the classes apart.
#
# The state itself: the output of the layer `features`, after each row. Some units hold on to what
# they have seen, others follow the row at hand.

# %%
part = recipes.get_recipe("recurrent_classifier").endpoints["features"].bind(net)
states = np.stack(
    [
        part.predict_on_batch({"series": x[example : example + 1, :rows]})["features"][0]
        for rows in range(1, steps + 1)
    ]
)
order = np.argsort(np.abs(np.diff(states, axis=0)).mean(0))
figure, (left, right) = plt.subplots(
    1, 2, figsize=(11, 3.6), gridspec_kw={"width_ratios": [1, 3]}, layout="constrained"
)
left.imshow(x[example], cmap="gray")
left.set(title=names[y[example]], ylabel="row")
shown = right.imshow(states[:, order], cmap="coolwarm", vmin=-1, vmax=1, aspect="auto")
right.set(title="state after each row", xlabel="unit, from those that change least to most")
figure.colorbar(shown)
for axis in (left, right):
    axis.grid(False)
plt.show()

# %% [markdown]
# ## 2. Gradients that get lost
#
# The adding problem: of a series of numbers two are marked, and their sum is to be told. The first
# mark is in the first half, far from the end where the error is. Who always says 1 has a mean
# squared error of 1/6.
#
# `GradientOverTime` measures what of the gradient reaches each step. Before any training:

# %%
LENGTH, CELLS = (10, ("simple", "lstm")) if FAST else (60, ("simple", "irnn", "lstm", "gru"))
train, test = (data.read("adding", split, sequence_length=LENGTH) for split in ("train", "test"))
train = train.first(100) if FAST else train
arguments = recipes.get_recipe("forecaster").from_data(train.features)
few = test.given("series")[:200], test.given("targets")[:200]
watches, losses = {}, {}
for cell in CELLS:
    net = recipes.forecaster(**arguments, cell=cell, hidden_units=(64,), seed=0)
    watches[cell] = callbacks.GradientOverTime(*few)
    history = net.fit(
        train.given("series"),
        train.given("targets"),
        validation_data=(test.given("series"), test.given("targets")),
        batch_size=64,
        epochs=1 if FAST else 8,
        callbacks=[watches[cell]],
        verbose=0,
    ).history
    losses[cell] = history["val_loss"]

# %%
figure, axes = plt.subplots(1, 3, figsize=(12, 3.4), layout="constrained")
for axis, epoch, title in ((axes[0], 0, "before the training"), (axes[1], -1, "after it")):
    for cell, watch in watches.items():
        norms = watch.norms[epoch] + 1e-30
        axis.semilogy(np.arange(1, LENGTH + 1), norms / norms[-1], label=cell)
    axis.set(
        xlabel="step", title=f"gradient, relative to the last step,\n{title}", ylim=(1e-12, 1e3)
    )
for cell, loss in losses.items():
    axes[2].semilogy(range(1, len(loss) + 1), loss, marker="o", ms=3, label=cell)
axes[2].axhline(1 / 6, color="tab:gray", ls=":", label="always 1")
axes[2].set(xlabel="epoch", title="held-out mean squared error")
axes[2].legend(fontsize=8)
plt.show()
print({cell: round(loss[-1], 4) for cell, loss in losses.items()})

# %% [markdown]
# At first the gates of a GRU are half open, and half of the gradient is lost at each step. Those by
# which an LSTM forgets have a bias of 1 and let more through; the simple net has orthogonal
# recurrent weights, and loses by its saturated units alone; the identity of the IRNN loses least.
# After the training the gradient is the same at all steps for all of them: the gates have learnt to
# hold what is marked. At these 60 steps all cells find a way, those with gates the better one: what
# is lost on the way back at first need not stay lost, as long as something of it arrives.

# %% [markdown]
# ## 3. What has to be kept to the letter
#
# The copying problem: ten symbols are shown, and after a sign to be said again, one after another.
# A net that answers at each step, `recurrent_tagger`, has to hold all ten, not a sum of them. Below
# is how often each of the ten is right after two passes over the examples; who knows nothing is
# right one time in eight.

# %%
train, test = (data.read("copying", split, sequence_length=21) for split in ("train", "test"))
train, test = train.first(200 if FAST else 25_000), test.first(1_000)
arguments = recipes.get_recipe("recurrent_tagger").from_data(train.features)
arguments |= {"embedding_units": 16, "hidden_units": (128,), "bidirectional": False, "seed": 0}
figure, axis = plt.subplots(figsize=(7, 3.2))
for cell, rate in (("irnn", 1e-3), ("lstm", 1e-2), ("gru", 1e-2))[: 1 if FAST else 3]:
    net = recipes.recurrent_tagger(**arguments, cell=cell, learning_rate=rate)
    for step in (rate, rate / 10):
        net.optimizer.learning_rate = step
        net.fit(train.given("text"), train.given("token_labels"), batch_size=64, verbose=0)
    scores = net.predict(test.given("text"), batch_size=500, verbose=0)
    right = (scores.argmax(-1) == test.given("token_labels"))[:, -10:].mean(0)
    axis.plot(range(1, 11), right, marker="o", ms=3, label=cell)
axis.axhline(1 / 8, color="tab:gray", ls=":", label="at random")
axis.set(xlabel="symbol", ylabel="share that is right", ylim=(0, 1.02))
axis.legend(fontsize=8)
plt.show()

# %% [markdown]
# ## 4. Words
#
# Paragraphs of Python's own help, and which topic each is from. A net of words learns vectors for
# them from some 900 paragraphs only; a linear classifier of word counts needs less, and on so
# little text is the better choice, which is worth knowing before one trains anything larger.

# %%
run = jobs.train(
    "recurrent_text_classifier",
    "python_topics",
    out=work / "topics",
    arguments={"embedding_units": 32, "hidden_units": (32,), "dropout": 0.5, "learning_rate": 3e-3},
    epochs=1 if FAST else 15,
    verbose=0,
)
train, test = (data.read("python_topics", split) for split in ("train+validation", "test"))
counts = TfidfVectorizer()
linear = LogisticRegression(C=100, max_iter=1000)
linear.fit(counts.fit_transform(train.columns["text"]), train.columns["label"])
figures = {
    "most frequent topic": np.bincount(test.columns["label"]).max() / len(test),
    "recurrent net": jobs.evaluate(run.path)["accuracy"],
    "logistic regression of words": linear.score(
        counts.transform(test.columns["text"]), test.columns["label"]
    ),
}
for name, share in figures.items():
    print(f"{name:30}{share:.1%}")

# %% [markdown]
# The exported model takes strings: it cuts them up by the rule that the training texts were cut by.

# %%
export = jobs.export(run.path)
serve = tf.saved_model.load(export).signatures["serving_default"]
texts = [
    "Set a breakpoint and step into the function at the current line of the debugged program.",
    "The string is padded by the fill character and aligned to the left, with 3 digits.",
]
topics = run.class_names
for text, row in zip(texts, serve(texts=tf.constant(texts))["probabilities"].numpy(), strict=True):
    best = np.argsort(-row)[:2]
    print(text, "→", ", ".join(f"{topics[label]} {row[label]:.2f}" for label in best))

# %% [markdown]
# ## 5. Text, character by character
#
# A net that predicts the next character writes, if one draws from what it predicts. After each
# epoch of a training it leaves a sample:

# %%
run = jobs.train(
    "char_rnn",
    "python_docs",
    out=work / "text",
    arguments={"hidden_units": (16,) if FAST else (256,)},
    epochs=1 if FAST else 6,
    batch_size=64 if FAST else 16,
    verbose=0,
)
for path in sorted((run.path / "samples").iterdir())[::2]:
    print(f"--- {path.stem}\n{path.read_text('utf-8')[:300]}\n")
print({name: round(value, 2) for name, value in jobs.evaluate(run.path).items()})

# %% [markdown]
# How it is drawn from: at temperature 0 always the most probable character, which soon repeats
# itself; at 1 by the probabilities, unlikely characters included; with `top_p` the unlikely ones
# are left out.

# %%
for how in ({"temperature": 0}, {"temperature": 1}, {"temperature": 1, "top_p": 0.7}):
    (text,) = jobs.sample(run.path, prompt="The function ", length=200, seed=2, **how)
    print(f"--- {how}\n{text}\n")

# %% [markdown]
# ## 6. Vectors of words, and marks put back
#
# Words that stand among the same words get vectors that lie near each other, if there is enough
# text. Some 50,000 words of Python's own help are too few: below, not many of the neighbours make
# sense, and a larger text is what they need.

# %%
run = jobs.train(
    "skip_gram", "plain:python_docs", out=work / "vectors", epochs=1 if FAST else 30, verbose=0
)
nearest = tf.saved_model.load(jobs.export(run.path)).signatures["nearest"]
asked = ["class", "string", "loop", "three"]
found = nearest(words=tf.constant(asked), n=tf.constant(6))["words"].numpy()
for word, row in zip(asked, found, strict=True):
    print(f"{word:8}", ", ".join(each.decode() for each in row))

# %% [markdown]
# A net that answers at each word can say how it is written: with a capital letter, and with which
# mark behind it. It reads in both directions, as a capital letter follows from the word before, and
# a full stop from the word after. Most words are written in small letters without a mark, so that
# the accuracy says little; `macro_f1` says how the rare ways to write fare.

# %%
run = jobs.train(
    "recurrent_tagger",
    "written:python_docs",
    out=work / "written",
    arguments={"dropout": 0.5},
    epochs=1 if FAST else 12,
    verbose=0,
)
print({name: round(value, 3) for name, value in jobs.evaluate(run.path).items()})
tag = tf.saved_model.load(jobs.export(run.path)).signatures["tag"]
text = (
    "if the object is empty an exception is raised note that the python interpreter does not "
    "evaluate the expression see also the section on class definitions for more information"
)
print(tag(texts=tf.constant([text]))["texts"].numpy()[0].decode())

# %% [markdown]
# ## 7. From line to line
#
# Dates as people write them, to be written as ISO 8601 does. One net reads the line, another one
# writes, and at each character it looks back: the weights below say at what. Nobody told it where
# the day is.

# %%
run = jobs.train(
    "translator",
    "dates",
    out=work / "dates",
    arguments={"hidden_units": (16,) if FAST else (128,)},
    epochs=1 if FAST else 4,
    verbose=0,
)
for path in sorted((run.path / "samples").glob("*.txt")):
    print(f"--- {path.stem}: {path.read_text('utf-8').splitlines()[:2]}")
print({name: round(value, 3) for name, value in jobs.evaluate(run.path).items()})
Image(run.path / "attention.png", width=700)

# %%
for row in jobs.predict(run.path, ["Sunday, 1 March 2026", "the 3rd of May 1999"], beam=3).rows():
    print(row)

# %% [markdown]
# ## 8. What comes next
#
# The equation of Mackey and Glass is chaotic: near beginnings part. From 100 values the next 50 are
# to be told. `skill` is how much smaller the error is than that of the better of two simple
# forecasts, the last value again and the last 50 values again.

# %%
run = jobs.train(
    "forecaster",
    "mackey_glass",
    out=work / "mackey_glass",
    sequence_length=100,
    horizon=50,
    epochs=1 if FAST else 10,
    verbose=0,
)
print({name: round(value, 3) for name, value in jobs.evaluate(run.path).items()})
Image(run.path / "forecasts.png", width=700)

# %% [markdown]
# All weights of the forecaster are learnt. An *echo state network* learns none of those within: a
# thousand units at random read the series, and a linear function of what they hold is solved for in
# one pass. It tells the next value, reads that, tells the next one, and so goes on by itself.

# %%
run = jobs.train(
    "echo_state",
    "mackey_glass",
    out=work / "echo_state",
    horizon=1,
    arguments={"units": 50 if FAST else 1000},
    verbose=0,
)
print({name: float(f"{value:.2g}") for name, value in jobs.evaluate(run.path).items()})
AHEAD = 20 if FAST else 300
far = data.read("mackey_glass", "test", horizon=AHEAD).first(1)
go_on = recipes.get_recipe("echo_state").endpoints["continue"].bind(run.load_model(), n=AHEAD)
told = go_on.predict_on_batch({"series": far.given("series")})["continued"][0, :, 0]
true = far.given("targets")[0]
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3))
left.plot(true, label="the equation")
left.plot(told, ls="--", label="the network, by itself")
left.set(xlabel="steps ahead")
left.legend(fontsize=8)
right.semilogy(np.abs(told - true) + 1e-12)
right.set(xlabel="steps ahead", title="difference")
plt.show()

# %% [markdown]
# The difference grows by about the same factor in equal times, as that of any two beginnings does
# here. No model of this series can do more than begin close.
