"""The error of every classifier on Fashion-MNIST after ten CPU minutes, beside three baselines.

Each learns on one thread from the 54,000 training images, by its published settings (batch size,
optimizer, schedule of learning rates scaled to what the time allows, augmentation), and is then
tested on the 10,000 test images. As many run side by side as there are cores. What has been found
is kept in a file, and not found again: the command can be interrupted and repeated.
"""

import argparse
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from accuracy_contenders import BASELINES
from report import machine, publish, run, table

HERE = Path(__file__).parent
# By the side of their images: of 28 pixels, with margins up to 32, or resized to what it takes.
SIDES = {
    28: ["perceptron", "softmax_regression", "mlp_128", "mlp_512", "mlp_800", "maxout_network"],
    32: [
        "lenet5", "network_in_network", "resnet20", "resnet32", "preactivation_resnet18",
        "densenet_40_12", "fractalnet", "vgg11", "googlenet", "squeezenet_1_1",
    ],
    67: ["alexnet_one_tower"],
}  # fmt: skip


def contenders():
    """Name to the data and the side of the images."""
    found = dict.fromkeys(BASELINES, ("fashion_mnist", 28))
    for side, names in SIDES.items():
        source = "padded:fashion_mnist" if side == 32 else "fashion_mnist"
        found |= dict.fromkeys(names, (source, side))
    return found


def rows(results):
    """Baselines, then recipes from the largest error to the smallest."""
    for name in sorted(results, key=lambda name: (name not in BASELINES, -results[name]["error"])):
        found = results[name]
        learnt = found["parameters"]
        yield [
            name if name in BASELINES else f"`{name}`",
            f"{contenders()[name][1]}",
            "" if learnt is None else f"{learnt:,}",
            f"{100 * found['error']:.1f} %",
            f"{found['epochs']:.3g}" if "epochs" in found else "",
            f"{found['epoch']:.3g}" if "epoch" in found else "",
        ]


def main():
    """Find what is not found yet, and publish the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="CPU minutes for each")
    parser.add_argument("--at-once", type=int, default=os.cpu_count(), metavar="N")
    parser.add_argument("--only", nargs="+", choices=contenders(), default=list(contenders()))
    parser.add_argument("--results", type=Path, default=HERE / "accuracy.json")
    options = parser.parse_args()
    results = json.loads(options.results.read_text()) if options.results.exists() else {}

    def measure(name):
        source, side = contenders()[name]
        script = HERE / "accuracy_contenders.py"
        words = [script, name, source, str(side), str(60 * options.minutes)]
        return name, json.loads(run([sys.executable, *words])) | {"minutes": options.minutes}

    todo = [n for n in options.only if results.get(n, {}).get("minutes") != options.minutes]
    with ThreadPoolExecutor(options.at_once) as pool:
        for done in as_completed([pool.submit(measure, name) for name in todo]):
            name, found = done.result()
            results[name] = found
            options.results.write_text(json.dumps(results, indent=1) + "\n")
            print(f"{name}: {found}", flush=True)
    header = ["what", "side", "parameters", "test error", "epochs", "CPU seconds an epoch"]
    text = machine("amalthea", "keras", "tensorflow", "scikit-learn")
    publish("accuracy", f"{text}; one thread each.\n\n{table(header, list(rows(results)))}")


if __name__ == "__main__":
    main()
