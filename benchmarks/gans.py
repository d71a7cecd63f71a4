"""Adversarial recipes beside textbook steps in Keras and PyTorch: speed, memory, and quality.

All have the same networks, optimizers, batches and images: Fashion-MNIST at 28×28.
"""

import functools
import json
import statistics
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np
from gans_contenders import Alternating, textbook
from report import in_turn, parsed, publish_parts, ratio, run, spread, table, versions

from amalthea import data, recipes
from amalthea.metrics import frechet_distance, precision_recall
from amalthea.recipes.gans.adversarial_model import PRIORS

HERE = Path(__file__).parent


def speed() -> str:
    """Seconds a step and memory, each contender in a process of its own."""
    rows = []
    for kind, peers in (
        (
            "dcgan",
            {
                "two tapes, one network after the other": "alternating",
                "two tapes over one pass": "at once",
            },
        ),
        ("wgan_gp", {"two tapes, five steps of the critic, one of the generator": "critic"}),
    ):
        contenders = {f"`recipes.{kind}`": functools.partial(in_keras, kind)}
        for name, peer in peers.items():
            contenders[f"Keras, {name}"] = functools.partial(in_keras, peer)
        if options.torch:
            contenders[TORCH] = functools.partial(in_torch, kind)
        memory = {}

        def measure(name, run, memory=memory):
            result = run()
            memory.setdefault(name, []).append(result["memory"])
            return [statistics.median(result["seconds"])]

        measured = in_turn(
            {name: functools.partial(measure, name, run) for name, run in contenders.items()},
            options.rounds,
        )
        mine = measured[f"`recipes.{kind}`"]
        for name, seconds in measured.items():
            rows.append(
                [
                    f"{kind}: {name}",
                    spread([1000 * value for value in seconds]),
                    ratio(mine, seconds),
                    f"{statistics.median(memory[name]):,.0f}",
                ]
            )
    header = ["what", "ms a step: median (range)", "recipe to it, paired", "memory at most, MiB"]
    return table(header, rows)


def in_keras(name: str) -> dict:
    """A contender of gans_contenders.py."""
    command = [sys.executable, HERE / "gans_contenders.py", name, *map(str, LENGTHS)]
    return json.loads(run(command))


def in_torch(kind: str) -> dict:
    """A contender of gans_torch.py."""
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        np.savez(file, x=data.read("fashion_mnist", "train").as_float())
        command = [options.torch, HERE / "gans_torch.py", file.name, kind, *map(str, LENGTHS)]
        return json.loads(run(command))


def schedule() -> str:
    """Both networks at once against one after the other, at equal steps."""
    steps = size(3_000, 4)
    batches = data.read("fashion_mnist", "train").batches(64).repeat()
    builds = {
        "both at once, `recipes.dcgan`": recipes.dcgan,
        "one after the other": functools.partial(textbook, Alternating),
    }
    rows = []
    for name, build in builds.items():
        figures = []
        for seed in range(size(3, 1)):
            model = build(seed=seed, width=32)
            model.fit(
                batches.map(lambda images, _: images),
                steps_per_epoch=steps,
                shuffle=False,
                verbose=0,
            )
            figures.append(quality(model.generator, "uniform", seed))
            print(name, seed, figures[-1], flush=True)
        rows.append([name, *(spread(column) for column in zip(*figures, strict=True))])
    return table(["networks move", *QUALITY], rows)


QUALITY = ["Fréchet distance, LeNet-5 features", "precision", "recall", "rarest class, %"]


def quality(generator: keras.Model, prior: str, seed: int) -> list[float]:
    """Of 10,000 samples: Fréchet distance, precision and recall, and the rarest class' share."""
    real = data.read("fashion_mnist", "test").as_float()[: size(None, 200)]
    latents = PRIORS[prior]((len(real), generator.input_shape[-1]), seed)
    fake = generator.predict(latents, batch_size=500, verbose=0)
    (one, _), (other, classes) = (
        judge().predict(x, batch_size=500, verbose=0) for x in (real, fake)
    )
    shares = np.bincount(classes.argmax(axis=1), minlength=10) / len(fake)
    likeness = precision_recall(one[:5_000], other[:5_000])
    return [frechet_distance(one, other), *likeness, 100 * shares.min()]


@functools.cache
def judge() -> keras.Model:
    """A LeNet-5 that knows Fashion-MNIST: the 84 units before its scores, and the scores."""
    images = data.read("fashion_mnist", "train")
    model = recipes.lenet5(seed=0)
    model.fit(images.batches(64), epochs=size(10, 1), shuffle=False, verbose=0)
    return keras.Model(model.inputs, [model.layers[-2].output, model.output])


REMEDIES = {
    "none": {},
    "`minibatch='discrimination'`": {"minibatch": "discrimination"},
    "`minibatch='stddev'`": {"minibatch": "stddev"},
    "`replay=1024`": {"replay": 1024},
    "Wasserstein, penalty": {
        "objective": "wasserstein",
        "gradient_penalty": 0.1,
        "critic_steps": 5,
    },
}


def remedies() -> str:
    """Modes that are covered on the ring and the grid, with each remedy."""
    rows = []
    for remedy, arguments in REMEDIES.items():
        row = [remedy]
        for name in ("ring8", "grid25"):
            points = data.read(name, "train")
            found = []
            for seed in range(size(3, 1)):
                model = recipes.toy_gan(seed=seed, **arguments)
                learn(model, points, 128, size(4_000, 20))
                held = points.given("points")[:2_500], points.given("label")[:2_500]
                found.append(recipes.get_recipe("toy_gan").measures(model, *held, 500).values())
            covered, good = zip(*found, strict=True)
            row += [spread(list(covered)), spread(list(good), 2)]
        rows.append(row)
        print(*row, sep="  ", flush=True)
    header = ["remedy", "ring: modes of 8", "good samples", "grid: modes of 25", "good samples"]
    return table(header, rows)


def garments() -> str:
    """What each remedy does to images: classes that are covered, distance, precision, recall."""
    images = data.read("fashion_mnist", "train")
    builds = {
        remedy: functools.partial(recipes.dcgan, **arguments)
        for remedy, arguments in REMEDIES.items()
        if "objective" not in arguments
    } | {"`recipes.wgan_gp`": recipes.wgan_gp}
    rows = []
    for remedy, build in builds.items():
        figures = []
        for seed in range(size(3, 1)):
            model = build(width=32, seed=seed)
            learn(model, images, 64, size(1_000, 4))
            figures.append(quality(model.generator, model.prior, seed))
            print(remedy, seed, figures[-1], flush=True)
        columns = list(zip(*figures, strict=True))
        rows.append([remedy, *map(spread, columns)])
    return table(["remedy", *QUALITY], rows)


def learn(model: keras.Model, examples: data.Examples, batch_size: int, steps: int) -> None:
    """Train for a number of the generator's steps, on what the first column holds."""
    batches = examples.select(next(iter(examples.columns))).batches(batch_size).repeat()
    model.fit(batches, steps_per_epoch=steps * model.critic_steps, shuffle=False, verbose=0)


PARTS = {"speed": speed, "schedule": schedule, "remedies": remedies, "garments": garments}

options = parsed(__doc__, PARTS, rounds=5)
size = options.size
# Batch size, steps an epoch, and epochs, of which the first is not counted.
LENGTHS = (64, size(40, 5), size(4, 2))
TORCH = versions(options.torch, "torch").get("torch")
publish_parts("gans", PARTS, options, timed=["speed"])
