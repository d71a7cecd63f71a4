"""Restricted Boltzmann machines beside scikit-learn, rbms and learnergy: speed and likelihood.

All have the same images, sizes, batches and learning rate, one Gibbs step, and neither momentum nor
weight decay. What a peer has no argument for keeps its default.
"""

import functools
import statistics
import time
from functools import partial

import keras
import numpy as np
import tensorflow as tf
from boltzmann_contenders import (
    Trained,
    by_numpy,
    by_tensorflow,
    in_torch,
    maximum_likelihood,
    ours,
    run_torch,
    scikit_learn,
)
from report import in_turn, parsed, publish_parts, ratio, spread, table, versions
from sklearn.linear_model import LogisticRegression

from amalthea import data, recipes
from amalthea.callbacks import GreedyLayerwise
from amalthea.layers import RBM
from amalthea.metrics import (
    annealed_importance_sampling,
    exact_log_partition,
    log_likelihood,
    reverse_annealed_importance_sampling,
)


def speed() -> str:
    """784×256, batches of 100: seconds an epoch."""
    x = fashion("train+validation")
    measured = epochs_in_turn(contenders_for_speed(100), x, 256, 100, 4)
    return compared(measured, "seconds an epoch: median (range)")


def small() -> str:
    """64×16, batches of 20: microseconds a step."""
    x = digits("train+validation")
    steps = len(x) // 20
    measured = epochs_in_turn(contenders_for_speed(20), x[: steps * 20], 16, 20, size(31, 4))
    microseconds = {name: [1e6 / steps * s for s in values] for name, values in measured.items()}
    return compared(microseconds, "microseconds a step: median (range)")


def scaling() -> str:
    """784 visible units, PCD-1: seconds for 6,000 images, by hidden units and by batch."""
    sizes = [(hidden, 100) for hidden in size((64, 256, 1024, 4096), (64, 256))]
    sizes += [(256, batch) for batch in size((10, 32, 320, 1000), (32, 320))]
    x = fashion("train+validation")[:6_000]
    rows = []
    for hidden, batch in sizes:
        contenders = {
            f"`recipes.rbm`, {hidden} hidden, batch {batch}": partial(
                ours, persistent_chains=batch
            ),
            f"{SKLEARN}, {hidden} hidden, batch {batch}": scikit_learn,
        }
        mine, peer = epochs_in_turn(contenders, x, hidden, batch, 3).values()
        rows.append([f"{hidden:,}", f"{batch:,}", spread(mine), spread(peer), ratio(mine, peer)])
    header = ["hidden units", "batch", "`recipes.rbm`, seconds: median (range)"]
    return table([*header, f"{SKLEARN}, seconds", "`recipes.rbm` to it, paired"], rows)


def likelihood() -> str:
    """784×256 on Fashion-MNIST: mean log-likelihood of test images by annealing."""
    x, held = fashion("train+validation"), fashion("test")
    settings = {"means": x.mean(0), "temperatures": size(10_000, 300)}
    rows = []
    for name, train in contenders_for_likelihood(100).items():
        forward, errors, backward = [], [], []
        for seed in range(size(3, 1)):
            rbm = rebuilt(train(x, 256, 100, size(5, 2), seed))
            estimate = annealed_importance_sampling(rbm, seed=seed, **settings)
            forward.append(log_likelihood(rbm, held, estimate.log_partition).mean())
            errors.append(estimate.standard_error)
            if "recipes" in name:
                # Other seeds than those that drew the samples.
                estimate = reverse_annealed_importance_sampling(
                    rbm, estimate.visible, seed=seed + 1000, **settings
                )
                backward.append(log_likelihood(rbm, held, estimate.log_partition).mean())
            print(f"{name}, seed {seed}  {forward[-1]:.2f}", flush=True)
        reverse = spread(backward, 5) if backward else "–"
        rows.append([name, spread(forward, 5), reverse, f"{max(errors):.2g}"])
    header = ["what", "nats: median (range)", "by the reverse estimate"]
    return table([*header, "standard error of log Z, at most"], rows)


def digits_likelihood() -> str:
    """64×16 on the digits: exact mean log-likelihood."""
    x, held = digits("train+validation"), digits("test")

    def likelihood(trained, images):
        rbm = rebuilt(trained)
        return log_likelihood(rbm, images, exact_log_partition(rbm)).mean()

    seeds, short, long = range(size(5, 1)), size(10, 2), size(100, 4)
    rows = []
    for name, train in contenders_for_likelihood(100).items():
        early, late = ([train(x, 16, 20, n, seed) for seed in seeds] for n in (short, long))
        cases = ((early, held), (late, held), (late, x))
        rows.append(
            [name, *(spread([likelihood(t, images) for t in ts], 4) for ts, images in cases)]
        )
        print(*rows[-1], sep="  ", flush=True)
    best = maximum_likelihood(x, 16, size(800, 20))
    name = "for reference: the training images' likelihood at its maximum, by exact gradients"
    rows.append([name, "–", f"{likelihood(best, held):.4g}", f"{likelihood(best, x):.4g}"])
    header = ["what", f"test, {short} epochs, nats: median (range)", f"test, {long} epochs"]
    return table([*header, f"training, {long} epochs"], rows)


def deep() -> str:
    """Fashion-MNIST: likelihoods and bounds of stacks, as the recipes train them."""
    x, held = (data.read("fashion_mnist", s).as_float() for s in ("train+validation", "test"))
    x, epochs = x[: size(None, 2_000)], size(15, 3)
    stages = {"pretraining_epochs": size(3, 1)}
    rows = []
    for name, settings in (
        ("rbm", {"hidden_units": 256}),
        ("dbn", {"hidden_units": (256, 512), **stages}),
        ("dbm", {"hidden_units": (256, 256), **stages}),
        ("dbm", {"hidden_units": (256, 256), "pretraining_epochs": 0}),
    ):
        entry, figures = recipes.get_recipe(name), []
        for seed in range(size(3, 1)):
            model = entry.build(seed=seed, **settings)
            staged = [entry.schedule(model.origin.arguments)] if entry.schedule else []
            model.fit(x, batch_size=100, epochs=epochs, callbacks=staged, verbose=0)
            figures.append(entry.measures(model, held, None, 256))
        kind, error = figures[0]
        values = spread([figure[kind] for figure in figures], 5)
        errors = max(figure[error] for figure in figures)
        shown = ", ".join(f"{key}={value}" for key, value in settings.items())
        rows.append([f"`{name}({shown})`", kind.replace("_", " "), values, f"{errors:.2g}"])
        print(*rows[-1], sep="  ", flush=True)
    header = ["recipe", "what", "nats: median (range)", "standard error of log Z, at most"]
    return table(header, rows)


def labels() -> str:
    """Fashion-MNIST with few labels: test error with pretraining on all images and without."""
    x, held = (data.read("fashion_mnist", s) for s in ("train+validation", "test"))
    images, held_images = x.as_float()[: size(None, 2_000)], held.as_float()
    pretraining, steps = size(3, 1), size(6_000, 20)
    header = [
        "labels",
        "pretrained, error in %: median (range)",
        "random weights",
        "logistic regression",
        "the same, pixels not made binary",
    ]

    def few(count, seed):
        return np.random.default_rng(seed).permutation(len(images))[:count]

    def tuned(count, seed, pretrained):
        model = recipes.dbn_classifier(
            hidden_units=(256, 256, 512), pretraining_epochs=pretraining, seed=seed
        )
        chosen = few(count, seed)
        if pretrained:
            known = np.full(len(images), -1)
            known[chosen] = x.labels[chosen]
            staged = GreedyLayerwise(["rbm_1", "rbm_2", "joint"], pretraining)
            model.fit(images, known, epochs=3 * pretraining, callbacks=[staged], verbose=0)
        else:
            # A machine's own initial weights are too small for backpropagation alone.
            for weight in model.trainable_variables:
                if len(weight.shape) == 2:
                    weight.assign(keras.initializers.GlorotUniform(seed)(weight.shape))
        batches = data.ImageSet("few", images[chosen], x.labels[chosen]).batches(32).repeat()
        staged = [GreedyLayerwise(["fine_tuning"], [])]
        model.fit(batches, steps_per_epoch=steps, callbacks=staged, shuffle=False, verbose=0)
        return model.evaluate(held_images, held.labels, verbose=0, return_dict=True)["accuracy"]

    def regressed(count, seed, threshold):
        def pixels(rows):
            rows = rows.reshape(len(rows), -1)
            return rows if threshold is None else rows > threshold

        chosen = few(count, seed)
        peer = LogisticRegression(max_iter=5000).fit(pixels(images[chosen]), x.labels[chosen])
        return peer.score(pixels(held_images), held.labels)

    rows = []
    for count in (100, 1_000):
        values = [
            [accuracy(count, seed, how) for seed in range(size(3, 1))]
            for accuracy, how in (
                (tuned, True),
                (tuned, False),
                (regressed, 0.5),
                (regressed, None),
            )
        ]
        rows.append([f"{count:,}", *(spread([100 * (1 - a) for a in some]) for some in values)])
        print(*rows[-1], sep="  ", flush=True)
    return table(header, rows)


def annealing() -> str:
    """Annealed importance sampling: its time at 784×500, its error at 784×15."""
    chains, temperatures = 100, size(10_000, 300)
    x = fashion("train+validation")
    means = x.mean(0)

    def our_estimate(trained, seed=0):
        rbm = rebuilt(trained)
        begin = time.perf_counter()
        estimate = annealed_importance_sampling(
            rbm, means, chains=chains, temperatures=temperatures, seed=seed
        )
        return time.perf_counter() - begin, estimate

    def peer_estimate(trained, seed=0):
        weights = {name: array for name, array in trained._asdict().items() if name != "seconds"}
        settings = {"chains": chains, "temperatures": temperatures, "seed": seed}
        return run_torch(options.torch, "rbms_annealed", weights, **settings)[0]

    large = ours(x, 500, 100, 1)
    contenders = {"`annealed_importance_sampling`": lambda: [our_estimate(large)[0]]}
    if options.torch:
        contenders[PEERS["rbms"]] = lambda: [peer_estimate(large)[0]]
    seconds = in_turn(contenders, options.rounds)

    narrow = ours(x, 15, 100, size(5, 2))
    rbm, seeds = rebuilt(narrow), range(size(5, 2))
    exact = exact_log_partition(rbm)
    forward = [our_estimate(narrow, seed)[1] for seed in seeds]
    reverse = [
        reverse_annealed_importance_sampling(
            rbm, estimate.visible, means, temperatures=temperatures, seed=seed + 1000
        )
        for seed, estimate in zip(seeds, forward, strict=True)
    ]
    rows = []
    for name, estimates in (
        ("`annealed_importance_sampling`", forward),
        ("`reverse_annealed_importance_sampling`", reverse),
    ):
        taken = spread(seconds[name]) if name in seconds else "–"
        errors = spread([estimate.log_partition - exact for estimate in estimates], 2)
        stated = spread([estimate.standard_error for estimate in estimates], 2)
        rows.append([name, taken, errors, stated])
    if options.torch:
        errors = spread([peer_estimate(narrow, seed)[1] - exact for seed in seeds], 2)
        rows.append([PEERS["rbms"], spread(seconds[PEERS["rbms"]]), errors, "–"])
    header = ["what", "784×500, seconds: median (range)", "784×15, error of log Z, nats"]
    return table([*header, "standard error it states"], rows)


def contenders_for_speed(chains: int) -> dict:
    """All that train, and what is by hand."""
    return {
        "`recipes.rbm`, CD-1": ours,
        "`recipes.rbm`, PCD-1": partial(ours, persistent_chains=chains),
        f"{SKLEARN}, PCD-1": scikit_learn,
        **peers(
            {
                "{rbms}, CD-1": ("rbms", {}),
                "{rbms}, PCD-1": ("rbms", {"chains": chains}),
                "{learnergy}, CD-1, its `fit`": ("learnergy", {}),
                "{learnergy}, CD-1, its parts on a tensor": ("learnergy_in_memory", {}),
            }
        ),
        "TensorFlow by hand, CD-1, a call a step": by_tensorflow,
        "TensorFlow by hand, CD-1, a call an epoch": partial(by_tensorflow, loop=True),
        "NumPy by hand, CD-1": by_numpy,
    }


def contenders_for_likelihood(chains: int) -> dict:
    """All that train, each algorithm once."""
    plain = {"chains": chains, "normalized": False}
    return {
        "`recipes.rbm`, CD-1": ours,
        "`recipes.rbm`, PCD-1": partial(ours, persistent_chains=chains),
        "`recipes.rbm`, CD-1, `centered=False`": partial(ours, centered=False),
        "`recipes.rbm`, PCD-1, `centered=False`": partial(
            ours, persistent_chains=chains, centered=False
        ),
        f"{SKLEARN}, PCD-1": scikit_learn,
        **peers(
            {
                "{rbms}, PCD-1, its normalised gradient": ("rbms", {"chains": chains}),
                "{rbms}, PCD-1, plain gradient": ("rbms", plain),
                "{learnergy}, CD-1": ("learnergy", {}),
            }
        ),
    }


def peers(functions: dict) -> dict:
    """Functions of boltzmann_torch.py with their settings, by name; none without PyTorch."""
    if not options.torch:
        return {}
    return {
        name.format(**PEERS): partial(in_torch, options.torch, function, **settings)
        for name, (function, settings) in functions.items()
    }


def epochs_in_turn(contenders: dict, x, hidden: int, batch: int, epochs: int) -> dict:
    """Each round's median of the seconds of an epoch."""

    def measure(train):
        return [statistics.median(train(x, hidden, batch, epochs).seconds)]

    measures = {name: partial(measure, train) for name, train in contenders.items()}
    return in_turn(measures, options.rounds)


def compared(measured: dict, header: str) -> str:
    """A table of measurements; the ratio is to ours by the same algorithm."""
    rows = []
    for name, values in measured.items():
        mine = measured[f"`recipes.rbm`, {'PCD-1' if 'PCD-1' in name else 'CD-1'}"]
        rows.append([name, spread(values), ratio(mine, values)])
    return table(["what", header, "`recipes.rbm` of the same kind to it, paired"], rows)


def rebuilt(trained: Trained) -> RBM:
    """Anybody's weights in our layer."""
    visible, hidden = trained.kernel.shape
    rbm = RBM(hidden)
    rbm.build((None, visible))
    for name in ("kernel", "visible_bias", "hidden_bias"):
        getattr(rbm, name).assign(getattr(trained, name))
    return rbm


@functools.cache
def fashion(split: str) -> np.ndarray:
    """Fashion-MNIST as rows of zeros and ones."""
    return rows_of(data.read("fashion_mnist", split))[: size(None, 2_000)]


@functools.cache
def digits(split: str) -> np.ndarray:
    """The embedded digits as rows of zeros and ones."""
    return rows_of(data.read("digits", split))


def rows_of(images: data.ImageSet) -> np.ndarray:
    """Pixels that are at least ½."""
    return (images.as_float().reshape(len(images), -1) >= 0.5).astype("float32")


PARTS = {
    "speed": speed,
    "small": small,
    "scaling": scaling,
    "likelihood": likelihood,
    "digits": digits_likelihood,
    "ais": annealing,
    "deep": deep,
    "labels": labels,
}

options = parsed(__doc__, PARTS, rounds=5)
size = options.size
tf.get_logger().setLevel("ERROR")  # each model traces anew, and TensorFlow would warn of it
SKLEARN = "scikit-learn"
PEERS = versions(options.torch, "rbms", "learnergy", "torch")
publish_parts(
    "boltzmann",
    PARTS,
    options,
    timed=["speed", "small", "scaling", "ais"],
    distributions=("amalthea", "keras", "tensorflow", "scikit-learn", "numpy"),
    beside=f"; beside them {PEERS['torch']}" if PEERS else "",
)
