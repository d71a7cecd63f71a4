"""Pictures that are decoded as a model learns, beside Keras', PyTorch's and Grain's ways.

Pictures are cuttings of two photographs of scikit-learn, 200×160 pixels, as JPEG files in class
folders. All but Keras bring them to 64×64 by Pillow's Lanczos filter; Keras' loader has
none, and interpolates between four pixels. Each contender runs in a process of its own, with all
processors, and gives shuffled batches of 64 of float32 in [0, 1].
"""

import functools
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from report import in_turn, parsed, publish_parts, ratio, run, spread, table, versions
from sklearn.datasets import load_sample_images

HERE = Path(__file__).parent
OURS = [sys.executable, HERE / "input_contenders.py"]
HEIGHT, WIDTH, CLASSES = 160, 200, 4


def make(folder: Path, count: int, different: int) -> Path:
    """So many pictures, of which some are different and the others further names of these."""
    photographs = load_sample_images().images
    random = np.random.default_rng(0)
    files = []
    for number in range(count):
        file = folder / f"class_{number % CLASSES}" / f"{number}.jpg"
        if number < CLASSES:
            file.parent.mkdir(parents=True)
        if number < different:
            photograph = photographs[number % len(photographs)]
            top, left = (
                random.integers(0, whole - part)
                for whole, part in zip(photograph.shape, (HEIGHT, WIDTH), strict=False)
            )
            Image.fromarray(photograph[top : top + HEIGHT, left : left + WIDTH]).save(
                file, quality=90
            )
            files.append(file)
        else:
            os.link(files[number % different], file)
    return folder


def pictures() -> str:
    """Pictures a second, of two epochs, and seconds to the first batch."""
    contenders = {"ours": [*OURS, "ours"], "Keras": [*OURS, "keras"]}
    if options.peers:
        contenders |= {
            f"{peers['torch']}, {workers} workers": [
                options.peers, HERE / "input_torch.py", str(workers)
            ]
            for workers in (1, 2)
        } | {
            f"{peers['grain']}, {workers or 'no'} workers": [
                options.peers, HERE / "input_grain.py", str(workers)
            ]
            for workers in (0, 2)
        }  # fmt: skip
    found = {who: [] for who in contenders}
    with tempfile.TemporaryDirectory() as folder:
        count = options.size(6000, 200)
        make(Path(folder), count, count)

        def measure(command, who):
            found[who].append(json.loads(run([*command, folder])))
            return [found[who][-1]["a_second"]]

        measured = in_turn(
            {who: functools.partial(measure, c, who) for who, c in contenders.items()},
            options.rounds,
        )
    fastest = max(measured, key=lambda who: statistics.median(measured[who]))
    rows = [
        [
            who,
            spread(values),
            ratio(values, measured[fastest]),
            spread([f["first"] for f in found[who]]),
        ]
        for who, values in measured.items()
    ]
    return table(
        ["by", "pictures a second", "of the fastest, paired", "s to the first batch"], rows
    )


def first() -> str:
    """Seconds from a folder's name to the first batch, and the memory that is needed more."""
    rows = []
    for count in options.size((2_000, 20_000, 100_000), (100, 1000)):
        with tempfile.TemporaryDirectory() as folder:
            make(Path(folder), count, min(count, 500))
            found = [json.loads(run([*OURS, "first", folder])) for _ in range(options.rounds)]
        seconds, memory = ([each[key] for each in found] for key in ("first", "memory"))
        rows.append([f"{count:,}", spread(seconds), spread(memory)])
    return table(["pictures", "s to the first batch", "MiB more"], rows)


def memory() -> str:
    """MiB at most, of 50 steps of `dcgan` on pictures of 64×64, 16 a batch."""
    rows = []
    for count in options.size((2_000, 200_000), (100, 1000)):
        with tempfile.TemporaryDirectory() as folder:
            make(Path(folder), count, min(count, 500))
            found = [json.loads(run([*OURS, "memory", folder])) for _ in range(options.rounds)]
        rows.append([f"{count:,}", spread([each["memory"] for each in found], 4)])
    return table(["pictures", "MiB at most"], rows)


PARTS = {"pictures": pictures, "first": first, "memory": memory}

if __name__ == "__main__":
    options = parsed(__doc__, PARTS, rounds=5, peer="peers")
    peers = versions(options.peers, "torch", "grain", "pillow")
    publish_parts(
        "input",
        PARTS,
        options,
        timed=("pictures", "first"),
        distributions=("amalthea", "keras", "tensorflow", "pillow"),
        beside=f"; beside {', '.join(peers.values())}" if peers else "",
    )
