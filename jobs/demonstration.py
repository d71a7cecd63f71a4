"""The main job on real data, from search to served model, in one call."""

import os
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import data as data_package
from ..errors import UserError
from ..metrics import pca_reconstruction_error, reconstruction_error
from .evaluation import evaluate
from .exporting import export
from .training import train
from .tuning import tune

LATENT_DIM = 10

# What a server does: it has the folder and TensorFlow, and nothing of ours.
SERVER = """
import json, sys
import numpy as np
import tensorflow as tf

folder, images, outputs = sys.argv[1:]
served = tf.saved_model.load(folder)
given = {"images": np.load(images)}
for name, endpoint in json.load(open(folder + "/endpoints.json")).items():
    inputs = {key: tf.constant(given[key]) for key in endpoint["inputs"]}
    given |= {key: value.numpy() for key, value in served.signatures[name](**inputs).items()}
    print(name, *(f"{key}{given[key].shape}" for key in endpoint["outputs"]))
assert not [module for module in sys.modules if module.partition(".")[0] == "amalthea"]
np.save(outputs, given["reconstructions"])
"""


@dataclass(frozen=True)
class Demonstration:
    """What the demonstration measured.

    Attributes:
        errors: Reconstruction error of a held-out image for each contender.
        served: What a separate process said of each endpoint it called.
        out: The folder with everything.
    """

    errors: dict[str, float]
    served: list[str]
    out: Path


def demo(out: str | Path = "runs/demo", *, trials: int = 8, epochs: int = 60) -> Demonstration:
    """Search, train, compare, export and serve a tied autoencoder of the embedded digits.

    Args:
        out: Folder to make, with the runs `search`, `tuned` and `untuned`.
        trials: Models that the search trains.
        epochs: Passes over the data for the two models compared; a quarter of them for a trial.

    Returns:
        The figures. The best model found and the recipe with its defaults are trained alike, and
        both are compared on held-out images with principal components of the same code size.

    Raises:
        UserError: If `out` exists.
        RuntimeError: If the exported model gives something else in a process of its own.
    """
    out = Path(out)
    if out.exists():
        raise UserError(f"{out} exists: remove it, or choose another place with --out")
    search = tune(
        "tied_autoencoder",
        "digits",
        out=out / "search",
        trials=trials,
        strategy="bayesian",
        epochs=max(1, epochs // 4),
        # Only codes of one size can be compared; the squared error is what they are compared by.
        fixed={"latent_dim": LATENT_DIM, "loss": "mean_squared_error"},
    )
    contenders = {
        "tuned": {"best": search.path},
        "untuned": {"arguments": {"latent_dim": LATENT_DIM}},
    }
    errors = {}
    for name, settings in contenders.items():
        run = train(
            "tied_autoencoder",
            "digits",
            out=out / name,
            epochs=epochs,
            verbose=0,
            **settings,
        )
        errors[name] = evaluate(run.path)["reconstruction_error"]
    images = {split: data_package.read("digits", split).as_float() for split in ("train", "test")}
    errors["PCA"] = pca_reconstruction_error(images["train"], images["test"], LATENT_DIM)
    served = _serve(export(out / "tuned"), images["test"], errors["tuned"])
    return Demonstration(errors, served, out)


def _serve(folder: Path, images: np.ndarray, expected: float) -> list[str]:
    """Call every endpoint from a process of its own; what it printed of them."""
    with tempfile.TemporaryDirectory() as scratch:
        given, got = Path(scratch, "images.npy"), Path(scratch, "outputs.npy")
        np.save(given, images)
        command = [sys.executable, "-c", textwrap.dedent(SERVER), folder.absolute(), given, got]
        server = subprocess.run(command, capture_output=True, text=True, cwd=scratch)
        if server.returncode:
            raise RuntimeError(f"the exported model cannot be served:{os.linesep}{server.stderr}")
        error = reconstruction_error(images, np.load(got))
    if not np.isclose(error, expected, rtol=1e-4):
        raise RuntimeError(
            f"the served model reconstructs with an error of {error}, the live one with {expected}"
        )
    return server.stdout.splitlines()
