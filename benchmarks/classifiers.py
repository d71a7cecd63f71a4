"""Steps of classifiers beside the same networks in plain Keras and in PyTorch; building ResNet-152.

Fashion-MNIST with margins up to 32×32 pixels, one channel, ten classes, no augmentation. All have
the same layers, batches, optimizer, learning rate and weight decay (a regularizer in plain Keras),
log loss and accuracy, and take the images from memory; each runs in a process of its own.
"""

import functools
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
from report import in_turn, parsed, publish_parts, ratio, run, spread, table, versions
from sklearn.neural_network import MLPClassifier

from amalthea import data, recipes

HERE = Path(__file__).parent
# Of each network: the batch size, and the steps of an epoch.
NETS = {
    "lenet5": (64, 800),
    "mlp": (128, 400),
    "resnet20": (128, 20),
    "densenet_40_12": (64, 8),
    "vgg11": (128, 10),
}
EPOCHS = 2


def steps() -> str:
    """Milliseconds a step, epochs without the first, in which TensorFlow traces."""
    rows = []
    for name, (batch, count) in NETS.items():
        found = {}
        with tempfile.NamedTemporaryFile(suffix=".npz") as file:
            images = data.read("padded:fashion_mnist", "train").first(batch * size(count, 2))
            np.savez(file, x=images.as_float(), y=images.labels)
            arguments = [name, file.name, str(batch), str(size(EPOCHS, 1))]
            contenders = {
                "recipe": [sys.executable, HERE / "classifiers_contenders.py", "recipe"],
                "plain Keras": [sys.executable, HERE / "classifiers_contenders.py", "plain"],
            }
            if options.torch:
                contenders["PyTorch"] = [options.torch, HERE / "classifiers_torch.py"]

            def measure(command, name, found=found, arguments=arguments):
                found[name] = json.loads(run([*command, *arguments]))
                return [1000 * statistics.median(found[name]["step"])]

            measured = in_turn(
                {who: functools.partial(measure, c, who) for who, c in contenders.items()},
                options.rounds,
            )
        assert len({of["parameters"] for of in found.values()}) == 1, found
        ours, plain = measured["recipe"], measured["plain Keras"]
        row = [f"`{name}`, batches of {batch}", spread(ours), spread(plain), ratio(ours, plain)]
        if options.torch:
            row += [spread(measured["PyTorch"]), ratio(ours, measured["PyTorch"])]
        rows.append(row)
    header = ["what", "recipe, ms a step", "plain Keras", "recipe to it, paired"]
    return table(header + ([TORCH, "recipe to it, paired"] if options.torch else []), rows)


def building() -> str:
    """Seconds to build and compile ResNet-152 for 224 pixels and 1,000 classes."""

    def timed(build):
        keras.backend.clear_session()
        begin = time.perf_counter()
        build()
        return [time.perf_counter() - begin]

    measured = in_turn(
        {
            "`resnet152()`, compiled": functools.partial(timed, recipes.resnet152),
            "`keras.applications.ResNet152(weights=None)`": functools.partial(
                timed, functools.partial(keras.applications.ResNet152, weights=None)
            ),
        },
        options.rounds,
    )
    ours, _ = measured.values()
    rows = [[name, spread(seconds), ratio(ours, seconds)] for name, seconds in measured.items()]
    return table(["what", "seconds: median (range)", "`resnet152` to it, paired"], rows)


def perceptrons() -> str:
    """Epochs of `mlp` beside scikit-learn's, at equal settings."""
    images = data.read("fashion_mnist", "train").first(size(54_000, 500))
    held = data.read("fashion_mnist", "validation").first(size(6_000, 500))
    x, y, epochs = images.as_float(), images.labels, size(3, 1)
    errors = {}

    def ours():
        model = recipes.mlp(seed=0)
        model.fit(x, y, batch_size=128, epochs=1, verbose=0)  # TensorFlow traces
        begin = time.perf_counter()
        model.fit(x, y, batch_size=128, epochs=epochs, verbose=0)
        seconds = (time.perf_counter() - begin) / epochs
        errors["`mlp`"] = 1 - model.evaluate(held.as_float(), held.labels, verbose=0)[1]
        return [seconds]

    def theirs():
        model = MLPClassifier((128,), alpha=0, batch_size=128, max_iter=1, random_state=0)
        classes, rows = np.unique(y), x.reshape(len(x), -1)
        model.partial_fit(rows, y, classes=classes)
        begin = time.perf_counter()
        for _ in range(epochs):
            model.partial_fit(rows, y, classes=classes)
        seconds = (time.perf_counter() - begin) / epochs
        errors[SKLEARN] = 1 - model.score(held.as_float().reshape(len(held), -1), held.labels)
        return [seconds]

    measured = in_turn({"`mlp`": ours, SKLEARN: theirs}, options.rounds)
    rows = [
        [name, spread(seconds), ratio(measured["`mlp`"], seconds), f"{100 * errors[name]:.1f} %"]
        for name, seconds in measured.items()
    ]
    header = ["what", "seconds an epoch", "`mlp` to it, paired", f"error after {epochs + 1} epochs"]
    return table(header, rows)


def large() -> str:
    """VGG-16 at 224×224 pixels: steps beside `keras.applications`', and memory of a run's life."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:

        def measure(what):
            found[what] = json.loads(
                run([sys.executable, HERE / "vgg16_contenders.py", what, folder])
            )
            return [found[what]["seconds"]]

        measured = in_turn(
            {what: functools.partial(measure, what) for what in ("recipe", "plain")},
            options.rounds,
        )
        for what in ("train", "resume", "export"):
            measured[what] = measure(what)
    said = {
        "recipe": "`vgg16`, a step of 8 images",
        "plain": "`keras.applications.VGG16`, a step",
        "train": "`jobs.train`, 2 steps, with start and saving",
        "resume": "`jobs.resume`, 2 steps more",
        "export": "`jobs.export` with its check",
    }
    rows = [
        [
            said[what],
            spread(seconds) if len(seconds) > 1 else f"{seconds[0]:.0f}",
            ratio(measured["recipe"], seconds) if what == "plain" else "",
            f"{found[what]['memory']:.1f}",
        ]
        for what, seconds in measured.items()
    ]
    return table(["what", "seconds", "`vgg16` to it, paired", "peak memory, GiB"], rows)


SKLEARN = "scikit-learn's `MLPClassifier`"
PARTS = {"steps": steps, "building": building, "perceptrons": perceptrons, "large": large}

if __name__ == "__main__":
    options = parsed(__doc__, PARTS, rounds=5)
    size = options.size
    TORCH = versions(options.torch, "torch").get("torch", "")
    publish_parts(
        "classifiers",
        PARTS,
        options,
        timed=tuple(PARTS),
        distributions=("amalthea", "keras", "tensorflow", "scikit-learn"),
    )
