"""Autoregressive models of images beside keras.io's PixelCNN, PyTorch's and naive samplers.

Each contender runs on one thread in a process of its own. Images are those of Fashion-MNIST, made
binary at a threshold. What `likelihood` has found is kept in a file, and not found again: the
command can be interrupted and repeated.
"""

import functools
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
from report import in_turn, parsed, publish_parts, ratio, run, spread, table, versions

from amalthea import data

HERE = Path(__file__).parent
OURS = [sys.executable, HERE / "autoregressive_contenders.py"]
TORCH = HERE / "autoregressive_torch.py"
# Filters, blocks, those of a block's first convolution, and of the last ones; steps of an epoch.
KERAS, GENERATIVE = (128, 5, 128, (128, 128)), (256, 15, 128, (32,))
NETS = {"keras.io's size": (KERAS, "plain", 4), "pytorch-generative's": (GENERATIVE, "torch", 2)}
BATCH, SHARE = 16, 40
# The sides of images and the numbers of blocks whose samples are timed.
SIDES, BLOCKS = (8, 16, 28, 32), (2, 5, 10, 20)
MINUTES = 6
# What learns for so long: the recipe, its arguments, and what its figure is.
THRESHOLD = {"binarization": "threshold"}
MODELS = {
    "`pixelcnn_keras`": ("pixelcnn_keras", THRESHOLD, "exact"),
    "`gated_pixelcnn`": ("gated_pixelcnn", THRESHOLD, "exact"),
    "`pixelrnn(layer='row_lstm')`": ("pixelrnn", THRESHOLD | {"layer": "row_lstm"}, "exact"),
    "`pixelrnn()`, diagonal": ("pixelrnn", THRESHOLD, "exact"),
    "`variational_autoencoder`": ("variational_autoencoder", THRESHOLD, "bound of 50 samples"),
    "`rbm`": ("rbm", {}, "annealed importance sampling"),
}


def kernels(filters, blocks, bottleneck, heads):
    """Initial kernels, by Glorot's rule, which all contenders begin with."""
    inside, random = filters // 2, np.random.default_rng(0)
    shapes = [(7, 1, filters)]
    for _ in range(blocks):
        shapes += [(1, filters, bottleneck), (3, bottleneck, inside), (1, inside, filters)]
    shapes += [(1, *ends) for ends in zip((filters, *heads), (*heads, 1), strict=True)]
    for side, inputs, outputs in shapes:
        limit = (6 / (side**2 * (inputs + outputs))) ** 0.5
        yield random.uniform(-limit, limit, (side, side, inputs, outputs)).astype("float32")


def steps() -> str:
    """Milliseconds of CPU time a step, an epoch without the first, in which TensorFlow traces."""
    rows, images = [], data.read("fashion_mnist").as_float()
    for net, (sizes, peer, count) in NETS.items():
        if peer == "torch" and not options.torch:
            continue
        count = options.size(count, 1)
        contenders = {
            "recipe": [*OURS, "recipe"],
            "peer": [*OURS, "plain"] if peer == "plain" else [options.torch, TORCH],
        }
        with tempfile.NamedTemporaryFile(suffix=".npz") as file:
            first = {f"kernel_{i}": kernel for i, kernel in enumerate(kernels(*sizes))}
            given = (images[: count * BATCH] >= 0.5).astype("float32")
            np.savez(file, images=given, **first)
            words = ["train", file.name, json.dumps(sizes), str(BATCH), "1"]
            found = {}

            def measure(command, who, found=found, words=words):
                found[who] = json.loads(run([*command, *words]))
                return [1000 * statistics.median(found[who]["step"])]

            measured = in_turn(
                {who: functools.partial(measure, c, who) for who, c in contenders.items()},
                options.rounds,
            )
        name = PEERS["torch"] if peer == "torch" else "plain Keras"
        rows.append(
            [
                f"{net}, {found['recipe']['parameters']:,} parameters",
                spread(measured["recipe"]),
                f"{name}: {spread(measured['peer'])}",
                ratio(measured["recipe"], measured["peer"]),
                *(
                    " → ".join(f"{found[who]['loss'][step]:.1f}" for step in (0, -1))
                    for who in contenders
                ),
            ]
        )
    header = ["net", "recipe, ms a step", "peer, ms a step", "recipe to it, paired"]
    header += ["recipe's loss, first → last step", "the peer's"]
    return table(header, rows)


def sampling() -> str:
    """Seconds for 16 samples, of naive samplers by a share of the pixels."""
    share = options.size(SHARE, 200)
    sizes, rows, found = json.dumps(KERAS), [], {}
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        random = np.random.default_rng(0)
        first = {f"kernel_{i}": kernel for i, kernel in enumerate(kernels(*KERAS))}
        np.savez(file, uniforms=random.random((BATCH, 28, 28), "float32"), **first)
        contenders = {
            "recipe, TensorFlow": ("tensorflow", [*OURS, "recipe"]),
            "recipe, JAX": ("jax", [*OURS, "recipe"]),
            "a whole pass a pixel, recipe": ("tensorflow", [*OURS, "naive"]),
            "a whole pass a pixel, plain Keras": ("tensorflow", [*OURS, "plain"]),
        }
        if options.torch:
            name = f"a whole pass a pixel, {PEERS['torch']}"
            contenders[name] = ("tensorflow", [options.torch, TORCH])

        def measure(who):
            backend, command = contenders[who]
            os.environ["KERAS_BACKEND"] = backend
            made = json.loads(run([*command, "sample", file.name, sizes, str(BATCH), str(share)]))
            found.setdefault(who, []).append(made)
            return [made["cpu"]]

        measured = in_turn(
            {who: functools.partial(measure, who) for who in contenders}, options.rounds
        )
    os.environ["KERAS_BACKEND"] = "tensorflow"
    ours = measured["recipe, TensorFlow"]
    for who, cpu in measured.items():
        wall = spread([made["wall"] for made in found[who]])
        percent = statistics.median(100 * a / b for a, b in zip(ours, cpu, strict=True))
        naive = "pass" in who
        rows.append([who, spread(cpu), wall, f"{percent:.2g} %" if naive else ""])
    header = ["16 samples by", "CPU seconds", "seconds", "recipe, TensorFlow, to it, paired"]
    checked = found["a whole pass a pixel, recipe"][-1]
    return (
        f"{table(header, rows)}\n\nOf {checked['pixels']:,} values that whole passes have drawn by"
        f" the same uniform numbers, each after the sampler's earlier ones, {checked['differ']}"
        f" are others than the sampler's; by one pass over its images, {checked['once']} of all."
    )


def cost() -> str:
    """CPU time of a sample's pixel, and of each of its layers, by the size of images and nets."""
    cases = [(side, 5) for side in SIDES] + [(16, blocks) for blocks in BLOCKS]
    cases = options.size(cases, cases[:1])
    words = ["cost", json.dumps(cases), str(BATCH), str(options.rounds)]
    rows = []
    for (side, blocks), seconds in zip(
        cases, json.loads(run([*OURS, "recipe", *words])), strict=True
    ):
        layers = 4 + 3 * blocks
        a_pixel = [1e6 * each / side**2 for each in seconds]
        rows.append(
            [
                f"{side}×{side}",
                f"{blocks}",
                spread(seconds),
                spread(a_pixel),
                f"{statistics.median(a_pixel) / layers:.3g}",
            ]
        )
    header = ["image", "blocks", "CPU seconds", "µs a pixel", "µs a pixel and layer"]
    return table(header, rows)


def likelihood() -> str:
    """Bits of a held-out value after equal CPU minutes."""
    kept = HERE / "autoregressive.json"
    found = json.loads(kept.read_text()) if kept.exists() and not options.fast else {}
    minutes = options.size(MINUTES, 0.1)
    for model, (recipe, arguments, _) in MODELS.items():
        if found.get(model, {}).get("minutes") == minutes:
            continue
        words = ["likelihood", recipe, json.dumps(arguments), str(60 * minutes)]
        found[model] = json.loads(run([*OURS, "recipe", *words])) | {"minutes": minutes}
        print(f"{model}: {found[model]}", flush=True)
        if not options.fast:
            kept.write_text(json.dumps(found, indent=1) + "\n")
    rows = [
        [
            model,
            f"{found[model]['parameters']:,}",
            f"{found[model]['epochs']:.2f}",
            f"{found[model]['nats']:.1f}",
            f"{found[model]['bits']:.4f}",
            how,
        ]
        for model, (*_, how) in sorted(MODELS.items(), key=lambda it: found[it[0]]["bits"])
    ]
    header = ["recipe", "parameters", "epochs", "nats of an image", "bits of a pixel", "by"]
    return table(header, rows)


PARTS = {"steps": steps, "sampling": sampling, "cost": cost, "likelihood": likelihood}

if __name__ == "__main__":
    options = parsed(__doc__, PARTS, rounds=3)
    PEERS = versions(options.torch, "torch")
    publish_parts("autoregressive", PARTS, options, timed=("steps", "sampling", "cost"))
