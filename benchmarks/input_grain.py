"""What input.py times of Grain; prints JSON."""

import json
import sys
import time
from pathlib import Path

import grain
import numpy as np
from PIL import Image, ImageOps

SIDE, BATCH = 64, 64


def decoded(found):
    """A picture and its class."""
    file, label = found
    picture = Image.open(file).convert("RGB")
    return np.asarray(ImageOps.fit(picture, (SIDE, SIDE), Image.Resampling.LANCZOS)), label


def scaled(batch):
    """The same of a batch, in [0, 1]."""
    return batch[0].astype("float32") / np.float32(255), batch[1]


def main():
    """Time it."""
    workers, folder = sys.argv[1:]
    begin = time.perf_counter()
    classes = sorted(path for path in Path(folder).iterdir() if path.is_dir())
    files = [(str(f), n) for n, path in enumerate(classes) for f in sorted(path.iterdir())]
    batches = (
        grain.MapDataset.source(files)
        .shuffle(seed=0)
        .repeat(2)
        .map(decoded)
        .to_iter_dataset(grain.ReadOptions(num_threads=16, prefetch_buffer_size=500))
        .batch(BATCH)
        .map(scaled)
    )
    if int(workers):
        batches = batches.mp_prefetch(grain.MultiprocessingOptions(num_workers=int(workers)))
    next(iter(batches))
    first = time.perf_counter() - begin
    begin, count = time.perf_counter(), 0
    for images, _ in batches:
        count += len(images)
    print(json.dumps({"first": first, "a_second": count / (time.perf_counter() - begin)}))


if __name__ == "__main__":
    main()
