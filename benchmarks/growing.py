"""A growing net beside the same net at full resolution from the start, and beside PyTorch's."""

import functools
import json
import sys
import time
from pathlib import Path

import keras
import numpy as np
from report import in_turn, parsed, publish_parts, ratio, run, spread, table, versions

from amalthea import data, recipes
from amalthea.callbacks import ProgressiveGrowing
from amalthea.layers.seed_stream import SeedStream
from amalthea.metrics import frechet_distance, sliced_wasserstein

HERE = Path(__file__).parent
WIDTH, BATCH = 32, 64


def steps() -> str:
    """Milliseconds a step at each resolution, and what follows for a training of equal phases."""
    largest, count = size(64, 8), size(20, 2)
    arguments = [str(value) for value in (largest, WIDTH, BATCH, count)]
    contenders = {"progan": [sys.executable, HERE / "growing_contenders.py", *arguments]}
    if options.torch:
        contenders["torch"] = [options.torch, HERE / "growing_torch.py", *arguments]
    found = {name: [] for name in contenders}

    def measure(name):
        found[name].append(json.loads(run(contenders[name])))
        return [found[name][-1][str(largest)]["seconds"][-1]]

    in_turn({name: functools.partial(measure, name) for name in contenders}, options.rounds)
    rows, spent = [], []
    for stage, resolution in enumerate(found["progan"][0]):
        times = {name: [min(r[resolution]["seconds"]) for r in found[name]] for name in found}
        mine = times["progan"]
        # One phase of the first resolution, two of each further one.
        spent = [
            (before + (2 if stage else 1) * now)
            for before, now in zip(spent or [0.0] * len(mine), mine, strict=True)
        ]
        full = [(2 * stage + 1) * now for now in mine]
        first = [r[resolution]["first"] for r in found["progan"]]
        row = [f"{resolution}×{resolution}", spread([1000 * value for value in mine])]
        row += [spread(first, 2), ratio(spent, full)]
        if "torch" in times:
            row += [spread([1000 * v for v in times["torch"]]), ratio(mine, times["torch"])]
        rows.append(row)
    header = ["resolution", "ms a step", "s to compile", "growing up to it / at it from the start"]
    if options.torch:
        header += [f"{TORCH}, ms", "recipe to PyTorch, paired"]
    return table(header, rows)


class Until(keras.callbacks.Callback):
    """Ends a training after so many seconds, or so many images."""

    def __init__(self, seconds: float = np.inf, images: float = np.inf):
        super().__init__()
        self.end, self.images = time.perf_counter() + seconds, images

    def on_train_batch_end(self, batch, logs=None):
        if time.perf_counter() >= self.end or logs["images"] >= self.images:
            self.model.stop_training = True


def learn(grown: bool, seed: int, images_per_phase: int, until: Until) -> keras.Model:
    """A `progan` for 32×32 that has learnt, growing or at full resolution from the start."""
    # The paper's average would hardly follow in so few steps.
    model = recipes.progan(width=WIDTH, latent_dim=WIDTH, average_decay=0.99, seed=seed)
    growing = [ProgressiveGrowing(model.resolutions, images_per_phase)] if grown else []
    batches = garments("train").batches(BATCH, seed=seed).repeat()
    callbacks = [*growing, until]
    model.fit(batches, steps_per_epoch=10**6, shuffle=False, callbacks=callbacks, verbose=0)
    return model


def garments(split: str) -> data.ImageSet:
    """Fashion-MNIST with margins up to 32×32, without labels."""
    images = data.read("padded:fashion_mnist", split)
    return data.ImageSet(images.name, images.images)


def whole() -> str:
    """Seconds to show as many images, compiling included."""
    images_per_phase = size(6_400, 64)

    def measure(grown):
        begin = time.perf_counter()
        learn(grown, 0, images_per_phase, Until(images=7 * images_per_phase))
        return [time.perf_counter() - begin]

    kinds = {"growing, 4×4 to 32×32": True, "32×32 from the start": False}
    measured = in_turn({k: functools.partial(measure, v) for k, v in kinds.items()}, options.rounds)
    *_, full = measured.values()
    rows = [[name, spread(seconds), ratio(seconds, full)] for name, seconds in measured.items()]
    header = [
        f"{7 * images_per_phase:,} images",
        "seconds: median (range)",
        "to the latter, paired",
    ]
    return table(header, rows)


def quality() -> str:
    """Distances from held-out images after equal time."""
    seconds, images_per_phase = size(200, 5), size(12_000, 64)
    rows = []
    for name, grown in (("growing, 4×4 to 32×32", True), ("32×32 from the start", False)):
        figures = []
        for seed in range(size(2, 1)):
            model = learn(grown, seed, images_per_phase, Until(seconds=seconds))
            real = garments("test").as_float()[: size(5_000, 100)]
            latents = np.asarray(model.latents(len(real), SeedStream(seed)))
            fake = model.sampler.predict(latents, batch_size=500, verbose=0)
            times = 32 // fake.shape[1]
            fake = np.clip(fake, 0, 1).repeat(times, axis=1).repeat(times, axis=2)
            features = [judge().predict(x, batch_size=500, verbose=0) for x in (real, fake)]
            distances = sliced_wasserstein(real[:2_000], fake[:2_000], seed=0)
            figures.append(
                [int(model.images_shown.numpy()), distances["mean"], frechet_distance(*features)]
            )
            print(name, seed, figures[-1], flush=True)
        rows.append([name, *map(spread, zip(*figures, strict=True))])
    header = [
        f"after {seconds} s",
        "images shown",
        "sliced Wasserstein",
        "Fréchet, LeNet-5 features",
    ]
    return table(header, rows)


@functools.cache
def judge() -> keras.Model:
    """A LeNet-5 that knows Fashion-MNIST with margins: the 84 units before its scores."""
    images = data.read("padded:fashion_mnist", "train")
    model = recipes.lenet5(images.image_shape, seed=0)
    model.fit(images.batches(64), epochs=size(10, 1), shuffle=False, verbose=0)
    return keras.Model(model.inputs, model.layers[-2].output)


PARTS = {"steps": steps, "whole": whole, "quality": quality}

options = parsed(__doc__, PARTS, rounds=3)
size = options.size
TORCH = versions(options.torch, "torch").get("torch")
publish_parts("growing", PARTS, options, timed=["steps", "whole"])
