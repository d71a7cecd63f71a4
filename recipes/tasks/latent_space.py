"""Pictures of the codes of an autoencoder, and of what it makes of them."""

from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import numpy as np

from ...callbacks import draw_codes, draw_rows
from ..endpoint import Endpoint

# Of the traversal: dimensions of the code, values of each, and standard deviations on either side.
DIMENSIONS, VALUES, REACH = 10, 9, 3.0


def codes_and_traversal(
    endpoints: Mapping[str, Endpoint], model: keras.Model, examples, batch_size: int
) -> dict[str, Callable[[Path], None]]:
    """Pictures of the codes of images as points, and of images along the dimensions of the code.

    Args:
        endpoints: Those of the recipe; pictures are drawn of autoencoders only.
        model: The model.
        examples: Some images, with classes or without.
        batch_size: Images at a time.

    Returns:
        What draws `codes.png` and `traversal.png`, each to a path.
    """
    if not {"encode", "decode"} <= endpoints.keys() or len(examples) < 2:
        return {}
    given, labels, names = {"images": examples.given("image")}, None, ()
    if known := examples.features.get("label"):
        labels, names = examples.given("label"), known.names or range(known.count)
    if conditional := "labels" in endpoints["encode"].inputs:
        given["labels"] = labels
    codes = endpoints["encode"].bind(model).predict(given, batch_size=batch_size, verbose=0)
    codes = codes["codes"]
    fixed = {"n": given["images"].shape[1]} if "n" in endpoints["decode"].inputs else {}
    decode = endpoints["decode"].bind(model, **fixed)
    flat = codes.reshape(len(codes), -1)
    mean, deviation = flat.mean(axis=0), flat.std(axis=0)
    most = np.argsort(-deviation)[: 1 if conditional else DIMENSIONS]
    rows = {}
    for dimension in most:
        points = np.tile(mean, (VALUES, 1))
        points[:, dimension] += np.linspace(-REACH, REACH, VALUES) * deviation[dimension]
        points = points.reshape(VALUES, *codes.shape[1:])
        for label in np.unique(labels) if conditional else [None]:
            inputs = {"codes": points}
            if conditional:
                inputs["labels"] = np.full(VALUES, label, "int32")
            (made,) = decode.predict_on_batch(inputs).values()
            rows[f"code {dimension + 1}" if label is None else str(names[label])] = made
    return {
        "codes.png": lambda path: draw_codes(codes, labels, path, names),
        "traversal.png": lambda path: draw_rows(rows, path),
    }
