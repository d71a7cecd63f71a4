# %% [markdown]
# # Nets that grow, and styles
#
# Large images are hard to begin with: a generator that knows nothing is given away by every pixel.
# Karras and others (2017) begin with 4×4 pixels, which are learnt in no time, and let both networks
# grow, block by block, while they train. A year later they gave the generator a *style* in each of
# its layers. This notebook watches a growing net stage by stage, then takes styles apart: mixing,
# truncation, interpolation, and the search for the latents of a real image.
#
# The images are those of Fashion-MNIST with black margins, so that 28×28 become 32×32. With the
# environment variable `AMALTHEA_FAST=1` the notebook takes a minute or two, but has digits instead
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

import keras

from amalthea import callbacks, data, recipes

folder = tempfile.TemporaryDirectory()  # removed when the notebook ends
work = Path(folder.name)
plt.rcParams.update({"figure.dpi": 100, "axes.grid": True, "grid.alpha": 0.3})

# %% [markdown]
# ## 1. One model, all resolutions
#
# `recipes.progan` holds the blocks of all resolutions, and uses those of its *stage*. At the
# published width of 512 filters the generator and the discriminator for 1024×1024 have 23 million
# parameters each; here there are 32 filters, so that two cores train it in minutes. Samples come
# from a moving average of the generator, which has to follow faster in so short a training.

# %%
images = data.read("digits" if FAST else "padded:fashion_mnist", "train")
images = data.ImageSet(images.name, images.images)  # without labels
WIDTH, PER_PHASE = (4, 256) if FAST else (32, 30_000)
SETTINGS = {"width": WIDTH, "latent_dim": WIDTH, "average_decay": 0.99, "seed": 0}

progan = recipes.progan(images.image_shape, **SETTINGS)
for stage, resolution in enumerate(progan.resolutions):
    progan.enter(stage)
    counts = [
        progan.active(network).count_params()
        for network in (progan.generator, progan.discriminator)
    ]
    print(f"{resolution:3}×{resolution:<3} generator {counts[0]:7,}  discriminator {counts[1]:7,}")

# %% [markdown]
# The callback `ProgressiveGrowing` leads the model through its stages, under plain `fit`. A phase
# of so many images at a resolution is followed by one in which the next block fades in: the share
# `alpha` of its images grows from 0 to 1, and the real images fade in the same way. Where a phase
# ends follows from the number of images shown alone, so that a training that is killed in the
# middle of a fade and resumed goes on to the last bit as if it had not been.
#
# `SampleGrid` draws the same latents after each epoch. An epoch has half a phase here.

# %%
growing = callbacks.ProgressiveGrowing(progan.resolutions, PER_PHASE)
phases = 2 * len(progan.resolutions) - 1
sampler = recipes.get_recipe("progan").endpoints["sample"].bind
grid = callbacks.SampleGrid(sampler, work / "progan", n=36, seed=0)
history = progan.fit(
    images.batches(64).repeat(),
    steps_per_epoch=PER_PHASE // 128,
    epochs=2 * phases,
    callbacks=[growing, grid],
    shuffle=False,
    verbose=0,
).history
figure, axis = plt.subplots(figsize=(6, 3))
axis.plot(history["images"], history["alpha"], ".-", label="alpha")
axis.plot(
    history["images"],
    np.array(history["resolution"]) / progan.resolutions[-1],
    drawstyle="steps",
    label=f"resolution / {progan.resolutions[-1]}",
)
axis.set(xlabel="images shown")
axis.legend()
figure.tight_layout()

# %% [markdown]
# The samples at the end of each resolution's phase, and how they came to be:

# %%
epochs = [2 * phase for phase in range(1, phases + 1, 2)]
figure, axes = plt.subplots(1, len(epochs), figsize=(12, 3.2))
for epoch, resolution, axis in zip(epochs, progan.resolutions, axes, strict=True):
    axis.imshow(plt.imread(work / "progan" / f"epoch-{epoch:05d}.png"))
    axis.set(title=f"{resolution}×{resolution}")
    axis.axis("off")
figure.tight_layout()

# %%
Image(filename=work / "progan" / "training.gif", width=350)

# %% [markdown]
# Growing does not disturb what is there: with `alpha` at 0 the larger net makes the images of the
# smaller one, each pixel doubled, to the last bit.

# %%
latents = np.random.default_rng(0).standard_normal((4, WIDTH)).astype("float32")
last = len(progan.resolutions) - 1
progan.enter(last - 1)
small = np.asarray(progan.generate(latents))
progan.enter(last, fade_images=1_000)
large = np.asarray(progan.generate(latents))
print("equal:", np.array_equal(large, small.repeat(2, axis=1).repeat(2, axis=2)))
progan.enter(last)

# %% [markdown]
# ## 2. Styles
#
# In `recipes.stylegan` the latents do not enter the first layer. A mapping network makes a *style*
# of them, and each layer of the synthesis network normalises its features and gives them the means
# and deviations that the style asks for. What is random in an image, such as the folds of a coat,
# comes from noise that is added in each layer. The penalty on the discriminator's slope, R1, is
# 10 in the paper, for images of a million pixels; small ones need less.

# %%
SMALL = {"mapping_layers": 2} if FAST else {}
stylegan = recipes.stylegan(images.image_shape, r1=0.2, **SETTINGS, **SMALL)
growing = callbacks.ProgressiveGrowing(stylegan.resolutions[0 if FAST else 1 :], PER_PHASE)
steps = (2 * len(growing.resolutions) - 1) * PER_PHASE // 64
history = stylegan.fit(
    images.batches(64).repeat(),
    steps_per_epoch=steps,
    callbacks=[growing],
    shuffle=False,
    verbose=0,
).history
print({name: round(values[-1], 2) for name, values in history.items()})


def call(name, **inputs):
    """An endpoint of the model, as a server would call it."""
    bound = recipes.get_recipe("stylegan").endpoints[name].bind(stylegan)
    given = {
        key: keras.ops.convert_to_tensor(v, bound.input[key].dtype) for key, v in inputs.items()
    }
    return bound.predict_on_batch(given)


callbacks.draw_grid(
    np.clip(call("sample", n=36, seed=0, truncation=1.0)["images"], 0, 1), work / "styles.png"
)
Image(filename=work / "styles.png", width=350)

# %% [markdown]
# **Truncation** draws styles towards their mean, of which the model keeps a running value. Samples
# become better and more alike, and at 0 they are all one image, up to noise:

# %%
rows = {
    f"{truncation:.2f}": np.clip(
        call("sample", n=10, seed=1, truncation=truncation)["images"], 0, 1
    )
    for truncation in (1.0, 0.7, 0.4, 0.0)
}
callbacks.draw_rows(rows, work / "truncation.png", "truncation")
Image(filename=work / "truncation.png", width=700)

# %% [markdown]
# **Style mixing.** The coarse layers take the style of one latent, the fine ones that of another.
# In training that is done with nine of ten images, so that the layers learn not to rely on each
# other. Each row has the coarse style of its first image, each column the fine style of the one on
# top.

# %%
coarse, fine = (
    np.random.default_rng(seed).standard_normal((count, WIDTH)).astype("float32")
    for seed, count in ((2, 4), (3, 8))
)
crossovers = np.full(len(fine), 4)  # layers 0 to 3 make the 4×4 and 8×8 features
tops = np.clip(call("decode", latents=fine)["images"], 0, 1)
rows = {"fine": np.concatenate([np.ones_like(tops[:1]), tops])}
for index, latent in enumerate(coarse):
    pair = {"coarse": np.repeat(latent[None], len(fine), axis=0), "fine": fine}
    mixed = call("style_mix", **pair, crossovers=crossovers)["images"]
    own = call("decode", latents=latent[None])["images"]
    rows[f"coarse {index + 1}"] = np.clip(np.concatenate([own, mixed]), 0, 1)
callbacks.draw_rows(rows, work / "mixing.png")
Image(filename=work / "mixing.png", width=700)

# %% [markdown]
# **Interpolation** goes in a straight line from one style to another:

# %%
paths = call("interpolate", start=coarse, end=fine[:4], n=10)["images"]
callbacks.draw_rows(
    {str(row + 1): np.clip(path, 0, 1) for row, path in enumerate(paths)}, work / "paths.png"
)
Image(filename=work / "paths.png", width=700)

# %% [markdown]
# **Projection** goes the other way: it looks, by gradient descent, for the style whose image comes
# nearest to a real one. How near it comes says something of what the generator can make. The search
# is part of the exported model, too.

# %%
real = images.first(10).as_float()
found = call("project", images=real, steps=20 if FAST else 300, seed=0)
callbacks.draw_rows({"real": real, "found": np.clip(found["images"], 0, 1)}, work / "found.png")
Image(filename=work / "found.png", width=700)

# %% [markdown]
# ## 3. Colour
#
# Colour images need nothing but three channels. Here each garment has a colour of its own, any one;
# the sides are halved, for time. From the shell they are a folder of pictures,
# `--data images:FOLDER`, or arrays, `--data arrays:FILE.npz`.

# %%
random = np.random.default_rng(0)
gray = images.first(20_000).as_float()
if not FAST:
    gray = gray.reshape(-1, 16, 2, 16, 2, 1).mean(axis=(2, 4))
colors = random.uniform(0.1, 1.0, (len(gray), 1, 1, 3))
colored = data.ImageSet("colored", np.float32(gray * colors))

progan = recipes.progan(colored.image_shape, **SETTINGS)
growing = callbacks.ProgressiveGrowing(progan.resolutions, PER_PHASE)
steps = (2 * len(progan.resolutions) - 1) * PER_PHASE // 64
progan.fit(
    colored.batches(64).repeat(),
    steps_per_epoch=steps,
    callbacks=[growing],
    shuffle=False,
    verbose=0,
)
drawn = sampler(progan, n=20).predict_on_batch({"seed": keras.ops.convert_to_tensor(0, "int32")})
rows = {"real": colored.first(10).as_float()}
rows |= {"drawn": drawn["images"][:10], "": drawn["images"][10:]}
callbacks.draw_rows({k: np.clip(v, 0, 1) for k, v in rows.items()}, work / "colored.png")
Image(filename=work / "colored.png", width=700)

# %% [markdown]
# The same from the shell:
#
# ```sh
# amalthea train stylegan --data padded:fashion_mnist --width 32 --latent-dim 32 --r1 0.2 \
#     --average-decay 0.99 --images-per-phase 40000 --epochs 6 --out runs/stylegan
# amalthea sample runs/stylegan --truncation 0.7 --grid samples.png
# amalthea export runs/stylegan                        # sample, decode, style_mix, project, …
# ```

# %%
folder.cleanup()
