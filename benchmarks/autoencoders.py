"""Autoencoders beside what one would take instead: speed and bounds, PCA, and linear probes.

All but the searches learn Fashion-MNIST at 28×28.
"""

import contextlib
import functools
import json
import statistics
import sys
import tempfile
import timeit
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from report import in_turn, parsed, publish_parts, ratio, run, spread, table, versions
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from amalthea import data, jobs, recipes
from amalthea.layers import FoldConv2DTranspose
from amalthea.metrics import pca_reconstruction_error, reconstruction_error

HERE = Path(__file__).parent


def variational() -> str:
    """Milliseconds a step, and the bound of test images after equal epochs, each in a process."""
    rows = []
    defaults = {name: 0.003 if "recipes" in name else 0.001 for name in VARIATIONAL}
    with fashion_file() as file:
        for networks, epochs in EPOCHS.items():
            bounds = {name: [] for name in VARIATIONAL}

            def measure(name, networks=networks, epochs=epochs, bounds=bounds):
                seed = len(bounds[name])
                result = trained(name, file, networks, epochs, seed, defaults[name])
                bounds[name].append(result["bound"])
                return [statistics.median(result["seconds"])]

            measured = in_turn(
                {name: functools.partial(measure, name) for name in VARIATIONAL}, options.rounds
            )
            mine, *_ = measured.values()
            for name, seconds in measured.items():
                rows.append(
                    [
                        f"{networks}: {name}",
                        spread([1000 * value for value in seconds]),
                        ratio(mine, seconds),
                        f"{spread(bounds[name], 5)} after {epochs} epochs",
                    ]
                )
    header = ["what", "ms a step: median (range)", "recipe to it, paired", "minus the bound, nats"]
    return table(header, rows)


def rates() -> str:
    """The bound of test images after equal epochs, at equal learning rates, each in a process."""
    rows, tried = [], (0.001, 0.003)
    with fashion_file() as file:
        for networks, epochs in EPOCHS.items():
            for name in VARIATIONAL:
                bounds = [
                    [
                        trained(name, file, networks, epochs, seed, rate)["bound"]
                        for seed in range(size(3, 1))
                    ]
                    for rate in tried
                ]
                rows.append([f"{networks}: {name}", *(spread(values, 5) for values in bounds)])
                print(*rows[-1], sep="  ", flush=True)
    header = ["minus the bound, nats: median (range)", *(f"learning rate {r}" for r in tried)]
    return table(header, rows)


@contextlib.contextmanager
def fashion_file() -> Iterator[str]:
    """A file of Fashion-MNIST, for processes that do not import us."""
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        train, test = (data.read("fashion_mnist", s) for s in ("train+validation", "test"))
        np.savez(file, train=train.first(size(60_000, 640)).as_float(), test=test.as_float())
        yield file.name


def trained(name: str, file: str, networks: str, epochs: int, seed: int, rate: float) -> dict:
    """What a process prints that trains a variational autoencoder: seconds a step, the bound."""
    numbers = map(str, (BATCH, epochs, seed, rate))
    return json.loads(run([*VARIATIONAL[name], file, networks, *numbers]))


def fold() -> str:
    """Milliseconds of a transposed convolution forward and back, of batches of 128 images."""
    rows = []
    for inputs, filters in ((32, 1), (64, 1), (16, 1), (32, 3)):
        images = tf.random.normal((128, 28, 28, inputs))

        def measure(make, images=images, filters=filters):
            layer = make(filters, 3, padding="same")
            layer.build(images.shape)

            @tf.function
            def back():
                with tf.GradientTape() as tape:
                    tape.watch(images)
                    total = tf.reduce_sum(tf.square(layer(images)))
                return tape.gradient(total, [images, *layer.trainable_variables])

            seconds = [timeit.timeit(back, number=1) for _ in range(size(50, 3))]
            return [statistics.median(seconds)]

        layers = {"ours": FoldConv2DTranspose, "theirs": keras.layers.Conv2DTranspose}
        measured = in_turn(
            {name: functools.partial(measure, make) for name, make in layers.items()},
            options.rounds,
        )
        ours, theirs = measured.values()
        row = [f"{inputs} to {filters}"]
        row += [spread([1000 * value for value in seconds]) for seconds in (ours, theirs)]
        rows.append([*row, ratio(ours, theirs)])
    return table(["maps", "`FoldConv2DTranspose`, ms", "Keras' layer, ms", "paired"], rows)


def principal() -> str:
    """Squared error of a test image: nets beside principal components of the same code size."""
    x, x_test = images("train+validation"), images("test")
    squared = {"loss": "mean_squared_error"}
    pretraining = {"hidden_units": (512, 256), "pretraining_epochs": 1}
    contenders = {
        30: {
            "logistic PCA: `recipes.autoencoder(loss='binary_crossentropy')`": (
                functools.partial(recipes.autoencoder, latent_dim=30, loss="binary_crossentropy")
            ),
            "`recipes.autoencoder(hidden_units=(512, 256))`": (
                functools.partial(recipes.autoencoder, latent_dim=30, hidden_units=(512, 256))
            ),
            "`recipes.deep_autoencoder(hidden_units=(512, 256))`, cross-entropy": (
                functools.partial(recipes.deep_autoencoder, latent_dim=30, **pretraining)
            ),
            "`recipes.recurrent_autoencoder()`": (
                functools.partial(recipes.recurrent_autoencoder, **squared)
            ),
        },
        128: {
            "`recipes.autoencoder()`": functools.partial(recipes.autoencoder, latent_dim=128),
            "`recipes.convolutional_autoencoder(filters=(32, 16, 8))`": (
                functools.partial(recipes.convolutional_autoencoder, filters=(32, 16, 8), **squared)
            ),
        },
    }
    rows = []
    for latent_dim, builds in contenders.items():
        error = pca_reconstruction_error(x, x_test, latent_dim)
        rows.append(["PCA", f"{latent_dim}", f"{error:.2f}", "1.00"])
        for name, build in builds.items():
            errors = []
            for seed in range(size(2, 1)):
                model = build(seed=seed)
                fitted(model, seed, size(10, 4))
                outputs = model.predict(x_test, batch_size=500, verbose=0)
                errors.append(reconstruction_error(x_test, outputs))
                print(name, seed, errors[-1], flush=True)
            share = statistics.median(errors) / error
            rows.append([name, f"{latent_dim}", spread(errors), f"{share:.2f}"])
    return table(["what", "code", "squared error of an image", "to PCA's"], rows)


PROBED = {
    "autoencoder": {"latent_dim": 64},
    "tied_autoencoder": {"latent_dim": 64},
    "deep_autoencoder": {"latent_dim": 64, "pretraining_epochs": 1},
    "greedy_autoencoder": {"hidden_units": (500, 64), "pretraining_epochs": 3},
    "convolutional_autoencoder": {"filters": (32, 16, 4)},
    "recurrent_autoencoder": {"latent_dim": 64},
    "denoising_autoencoder": {"hidden_units": (), "latent_dim": 64},
    "sparse_autoencoder": {"latent_dim": 64},
    "variational_autoencoder": {"latent_dim": 64},
}


def probes() -> str:
    """Accuracy of a linear classifier of codes of 64 numbers that were learnt without labels."""
    train, test = (
        data.read("fashion_mnist", s).first(size(20_000, 300)) for s in ("train", "test")
    )

    def probe(codes, codes_test):
        codes, codes_test = (c.reshape(len(c), -1) for c in (codes, codes_test))
        judge = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
        accuracy = judge.fit(codes, train.labels).score(codes_test, test.labels)
        return [f"{codes.shape[1]}", f"{100 * accuracy:.1f}"]

    rows = [["pixels", *probe(train.as_float(), test.as_float())]]
    for name, arguments in PROBED.items():
        entry = recipes.get_recipe(name)
        model = entry.build(**arguments, seed=0)
        fitted(model, 0, size(10, 3))
        encode = entry.endpoints["encode"].bind(model)
        codes = (
            encode.predict({"images": s.as_float()}, batch_size=500, verbose=0)["codes"]
            for s in (train, test)
        )
        rows.append([f"`{name}`", *probe(*codes)])
        print(rows[-1], flush=True)
    return table(["code of", "numbers", "test accuracy of logistic regression, %"], rows)


# Of each recipe what has to be equal for figures to be compared: codes, noise, sparsity, bounds.
FIXED = {
    "autoencoder": {"latent_dim": 10, "loss": "mean_squared_error", "tied": False},
    "greedy_autoencoder": {"hidden_units": (100, 10), "pretraining_epochs": 3, "corruption": 0.0},
    "convolutional_autoencoder": {"filters": (16, 8)},
    "recurrent_autoencoder": {"latent_dim": 10, "hidden_units": (50,)},
    "denoising_autoencoder": {"noise": "masking", "noise_level": 0.25, "latent_dim": 100},
    "sparse_autoencoder": {
        "latent_dim": 64,
        "penalty": "kl",
        "target": 0.1,
        "sparsity_weight": 3.0,
        "weight_decay": 3e-3,
    },
    "variational_autoencoder": {"filters": (), "beta": 1.0},
    "conditional_variational_autoencoder": {"filters": (), "beta": 1.0},
}


def tuned() -> str:
    """The digits: the best of 20 trials beside the defaults, trained alike, on test images."""
    rows = []
    for name, fixed in FIXED.items():
        entry = recipes.get_recipe(name)
        objective = entry.objective.name.removeprefix("val_")
        # Of these nets, which are a paper's, only step size and batch size are searched. What is
        # best after 15 epochs, as many as other trials have, is not so after 60.
        epochs, top = (60, 2) if "variational" in name else (15, None)
        with tempfile.TemporaryDirectory() as folder:
            search = jobs.tune(
                name,
                "digits",
                out=Path(folder, "search"),
                trials=size(20, 2),
                strategy="bayesian",
                epochs=size(epochs, 8),
                top=top,
                fixed=fixed,
            )
            figures = {}
            for kind, settings in (
                ("default", {"arguments": fixed}),
                ("tuned", {"best": search.path}),
            ):
                out = Path(folder, kind)
                epochs = size(60, 8)
                run = jobs.train(name, "digits", out=out, epochs=epochs, verbose=0, **settings)
                figures[kind] = jobs.evaluate(run.path)[objective]
            best = search.settings["arguments"] | {"batch_size": search.settings["batch_size"]}
        defaults = {p.name: p.default for p in entry.parameters if p.tunable}
        defaults = {**defaults, "batch_size": entry.batch_size}
        changed = ", ".join(
            f"{key}={value:.3g}" if isinstance(value, float) else f"{key}={value}"
            for key, value in best.items()
            if key in defaults.keys() - fixed.keys() and value != defaults[key]
        )
        row = [f"`{name}`", objective, *(f"{figures[kind]:.4g}" for kind in figures), changed]
        rows.append(row)
        print(row, flush=True)
    return table(["recipe", "figure", "default", "tuned", "what the search changed"], rows)


def fitted(model, seed: int, epochs: int) -> None:
    """Train a model, in stages if its recipe has them."""
    entry = recipes.get_recipe(model.origin.recipe)
    stages = [entry.schedule(model.origin.arguments)] if entry.schedule else []
    batches = data.read("fashion_mnist", "train+validation").first(size(60_000, 640))
    model.fit(
        batches.batches(BATCH, seed=seed),
        epochs=epochs,
        callbacks=stages,
        shuffle=False,
        verbose=0,
    )


def images(split: str) -> np.ndarray:
    """Fashion-MNIST, `(count, 28, 28, 1)`."""
    return data.read("fashion_mnist", split).first(size(60_000, 640)).as_float()


BATCH = 128
PARTS = {
    "variational": variational,
    "rates": rates,
    "fold": fold,
    "principal": principal,
    "probes": probes,
    "tuned": tuned,
}

options = parsed(__doc__, PARTS, rounds=3)
size = options.size
TORCH = versions(options.torch, "torch").get("torch")
IN_KERAS = [sys.executable, HERE / "autoencoders_contenders.py"]
VARIATIONAL = {
    "`recipes.variational_autoencoder`": [*IN_KERAS, "recipe"],
    "keras.io's, by a tape": [*IN_KERAS, "tape"],
}
if options.torch:
    VARIATIONAL[f"pythae's, in {TORCH}"] = [options.torch, HERE / "autoencoders_torch.py"]
EPOCHS = {"dense": size(10, 2), "convolutional": size(4, 2)}
publish_parts("autoencoders", PARTS, options, timed=["variational", "fold"])
