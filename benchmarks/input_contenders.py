"""What input.py times of this package and of Keras; prints JSON."""

import json
import os
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
from report import peak_memory

from amalthea import data, recipes

who, folder = sys.argv[1:]
SIDE, BATCH = 64, 64
name = f"images:{folder}"


def ours():
    """This package's batches."""
    return data.load(name, "train", BATCH, image_size=SIDE, in_memory=False)


def keras_way():
    """Those of Keras' loader."""
    pictures = keras.utils.image_dataset_from_directory(
        folder, image_size=(SIDE, SIDE), batch_size=BATCH, crop_to_aspect_ratio=True,
        seed=0, verbose=False,
    )  # fmt: skip
    return pictures.map(lambda images, labels: (images / 255, labels)).prefetch(4)


def timed(make):
    """Seconds to the first batch, and pictures a second of two epochs."""
    begin = time.perf_counter()
    batches = make()
    next(iter(batches))
    first = time.perf_counter() - begin
    begin, count = time.perf_counter(), 0
    for _ in range(2):
        for images, _labels in batches:
            count += len(images)
    return {"first": first, "a_second": count / (time.perf_counter() - begin)}


if who == "memory":
    model = recipes.dcgan((SIDE, SIDE, 3), width=16)
    model.fit(
        data.load(name, batch_size=16, image_size=SIDE, in_memory=False),
        steps_per_epoch=50, shuffle=False, verbose=0,
    )  # fmt: skip
    result = {"memory": peak_memory()}
elif who == "first":
    import tensorflow  # noqa: F401

    before, begin = peak_memory(), time.perf_counter()
    next(iter(ours()))
    result = {"first": time.perf_counter() - begin, "memory": peak_memory() - before}
else:
    # TensorFlow is loaded, and its first pipeline made.
    import tensorflow as tf

    list(tf.data.Dataset.range(3))
    result = timed(ours if who == "ours" else keras_way)
print(json.dumps(result))
