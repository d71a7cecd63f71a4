# %% [markdown]
# # Autoencoders
#
# An autoencoder gives back what it is given, through a code that it has to make of it. What it
# learns depends on what keeps it from copying: a code that is too small, noise on the images, a
# charge for each active unit, or a code that is a distribution. This notebook goes through the
# eight recipes on Fashion-MNIST.
#
# With the environment variable `AMALTHEA_FAST=1` it takes a minute or two, but has digits instead
# of clothes and trains too little for what the text says of the results.

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

from sklearn.metrics import roc_auc_score

from amalthea import callbacks, data, recipes
from amalthea.metrics import (
    active_units,
    importance_weighted_bound,
    pca_reconstruction_error,
    reconstruction_error,
)

folder = tempfile.TemporaryDirectory()  # removed when the notebook ends
work = Path(folder.name)
plt.rcParams.update({"figure.dpi": 100, "axes.grid": True, "grid.alpha": 0.3})

NAME = "digits" if FAST else "fashion_mnist"
train, test = (data.read(NAME, split).first(20_000) for split in ("train", "test"))
x, x_test = train.as_float(), test.as_float()
shape = train.image_shape
some = x_test[:10]


def fit(model, epochs, images=train, labels=False):
    """Train on shuffled batches, in stages if the recipe has them."""
    schedule = recipes.get_recipe(model.origin.recipe).schedule
    stages = [schedule(model.origin.arguments)] if schedule else []
    if not labels:
        images = data.ImageSet(images.name, images.images)
    model.fit(
        images.batches(128, seed=0), epochs=epochs, callbacks=stages, shuffle=False, verbose=0
    )
    return model


def call(model, name, **inputs):
    """An endpoint of a model, as a server would call it."""
    fixed = {key: inputs.pop(key) for key in ("n", "seed") if key in inputs}
    bound = recipes.get_recipe(model.origin.recipe).endpoints[name].bind(model, **fixed)
    return bound.predict(inputs, batch_size=500, verbose=0)


def show(rows, width=800):
    """Rows of images, with their labels on the left."""
    callbacks.draw_rows({k: np.clip(v, 0, 1) for k, v in rows.items()}, work / "rows.png")
    return Image(filename=work / "rows.png", width=width)


# %% [markdown]
# ## 1. A code that is too small
#
# With a linear code and no hidden layers an autoencoder does what principal component analysis
# does. Hidden layers bend the subspace; convolutions share what they learn between places;
# recurrent layers read an image row by row, remember a vector, and write the rows again. All have
# codes of 32 numbers here, the convolutional one of 4×4×2.

# %%
EPOCHS = 1 if FAST else 15
codes = {"latent_dim": 32}
nets = {
    "linear": recipes.autoencoder(shape, output_activation="linear", seed=0, **codes),
    "deep": recipes.autoencoder(shape, hidden_units=(256, 128), seed=0, **codes),
    "convolutional": recipes.convolutional_autoencoder(
        shape, filters=(32, 16, 2), loss="mean_squared_error", seed=0
    ),
    "recurrent": recipes.recurrent_autoencoder(
        shape, latent_dim=32, loss="mean_squared_error", seed=0
    ),
    "stacked": recipes.greedy_autoencoder(
        shape, hidden_units=(256, 32), pretraining_epochs=EPOCHS // 3 or 1, seed=0
    ),
}
rows, errors = {"image": some}, {}
for name, net in nets.items():
    fit(net, max(EPOCHS, 3) if name == "stacked" else EPOCHS)
    outputs = net.predict(x_test, batch_size=500, verbose=0)
    rows[name], errors[name] = outputs[:10], reconstruction_error(x_test, outputs)
errors["PCA"] = pca_reconstruction_error(x, x_test, 32)
for name, error in sorted(errors.items(), key=lambda item: item[1]):
    print(f"{name:14} squared error of a test image {error:6.2f}")
show(rows)

# %% [markdown]
# ## 2. Noise
#
# A denoising autoencoder sees a spoilt image and is to give back the clean one. Its code may be as
# large as it likes: copying would not help. Here a third of the pixels are black.

# %%
denoising = recipes.denoising_autoencoder(
    shape, hidden_units=(), latent_dim=64 if FAST else 500, noise_level=0.33, seed=0
)
fit(denoising, EPOCHS)
kept = np.random.default_rng(0).random(some.shape) > 0.33
show({"image": some, "spoilt": some * kept, "restored": denoising.predict(some * kept, verbose=0)})

# %% [markdown]
# ## 3. Sparsity
#
# In a sparse autoencoder each unit of the code is to be quiet most of the time: its mean activity
# is drawn to a target, here a tenth. A unit then stands for something that one image in ten has.
# Its weights show what: dark is below zero, light above.

# %%
sparse = fit(
    recipes.sparse_autoencoder(shape, latent_dim=25 if FAST else 64, target=0.1, seed=0), 2 * EPOCHS
)
kernel = next(w for w in sparse.get_weights() if w.ndim == 2).T.reshape(-1, *shape)
largest = np.abs(kernel).max(axis=(1, 2, 3), keepdims=True)
callbacks.draw_grid(0.5 + 0.5 * kernel / largest, work / "filters.png")
activity = call(sparse, "encode", images=x_test)["codes"]
print(f"mean activity {activity.mean():.3f}")
Image(filename=work / "filters.png", width=400)

# %% [markdown]
# ## 4. A code that is a distribution
#
# In a variational autoencoder the code of an image is a Gaussian, which is drawn to the standard
# one; so a standard normal draw is the code of a new image. With two dimensions all of it can be
# seen: where the codes of the classes lie, and what the decoder makes of the points of the plane.

# %%
plane = recipes.variational_autoencoder(
    shape, hidden_units=(256, 64), latent_dim=2, activation="relu", seed=0
)
fit(plane, 2 * EPOCHS)
callbacks.draw_codes(
    call(plane, "encode", images=x_test)["codes"],
    test.labels,
    work / "codes.png",
    test.class_names,
)
Image(filename=work / "codes.png", width=600)

# %%
steps = np.linspace(-2, 2, 12, dtype="float32")
points = np.stack(np.meshgrid(steps, steps[::-1]), axis=-1).reshape(-1, 2)
callbacks.draw_grid(call(plane, "decode", codes=points)["images"], work / "plane.png")
Image(filename=work / "plane.png", width=500)

# %% [markdown]
# More dimensions say more, but not all of them come to be used: the divergence from the prior is a
# charge for each. The bound of the likelihood is in nats; more samples of the code for each image
# make it tighter.

# %%
vae = recipes.variational_autoencoder(shape, activation="relu", warm_up_epochs=2, seed=0)
fit(vae, 2 * EPOCHS)
print(f"active units: {active_units(call(vae, 'encode', images=x_test)['codes'])} of 50")
for samples in (1, 10) if FAST else (1, 10, 100, 1_000):
    bound = importance_weighted_bound(vae, x_test[:500], samples=samples).mean()
    print(f"bound by {samples:5,} samples: {bound:8.2f} nats")
draws = np.random.default_rng(0).standard_normal((36, 50)).astype("float32")
callbacks.draw_grid(call(vae, "decode", codes=draws)["images"], work / "samples.png")
Image(filename=work / "samples.png", width=350)

# %% [markdown]
# Between the codes of two images lie those of images in between:

# %%
paths = call(vae, "interpolate", a=x_test[:4], b=x_test[4:8], n=10)["images"]
show({str(row + 1): path for row, path in enumerate(paths)})

# %% [markdown]
# ## 5. Told the class
#
# A conditional variational autoencoder is told the class, so the code is left with the style. Each
# row is a class, each column one code:

# %%
conditional = recipes.conditional_variational_autoencoder(
    shape, train.num_classes, latent_dim=16, activation="relu", seed=0
)
fit(conditional, 2 * EPOCHS, labels=True)
styles = np.random.default_rng(1).standard_normal((10, 16)).astype("float32")
show(
    {
        str(name): call(conditional, "decode", codes=styles, labels=np.full(10, label, "int32"))[
            "images"
        ]
        for label, name in enumerate(test.class_names or range(test.num_classes))
    }
)

# %% [markdown]
# ## 6. Anomalies
#
# What is unlike all that a model has seen has a low likelihood under it. This one has never seen a
# bag (with digits: an eight). The endpoint `score` gives minus the bound of each image; those of
# the test images with the highest scores come first:

# %%
known = train.labels != 8
without = data.ImageSet(train.name, train.images[known])
watch = fit(recipes.variational_autoencoder(shape, latent_dim=16, seed=0), 2 * EPOCHS, without)
scores = call(watch, "score", images=x_test, seed=0)["scores"]
print(f"area under the ROC curve: {roc_auc_score(test.labels == 8, scores):.3f}")
oddest = np.argsort(-scores)
show({"oddest": x_test[oddest[:10]], "": x_test[oddest[10:20]], "most usual": x_test[oddest[-10:]]})

# %% [markdown]
# The same from the shell:
#
# ```sh
# amalthea train variational_autoencoder --activation relu --warm-up-epochs 2 --out runs/vae
# amalthea evaluate runs/vae       # the bound; codes.png, traversal.png, reconstructions.png
# amalthea sample runs/vae --grid samples.png
# amalthea export runs/vae         # serve, encode, decode, sample, interpolate, score
# ```

# %%
folder.cleanup()
