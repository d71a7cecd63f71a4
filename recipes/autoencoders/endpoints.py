"""What autoencoders offer to servers."""

import keras
from keras import ops

from ..endpoint import Function, Images, Part


def squared_errors(images, reconstructions):
    """Squared error of each image, summed over its pixels: `(batch,)`."""
    squares = ops.square(ops.cast(images, "float32") - ops.cast(reconstructions, "float32"))
    return ops.sum(squares, axis=range(1, len(squares.shape)))


def _score(model: keras.Model, images: Images):
    return {"scores": squared_errors(images, model(images, training=False))}


SERVE = Part("images", "reconstructions")
ENCODE = Part("images", "codes", end="code")
# How odd an image is: what is unlike the images of the training is not given back well.
SCORE = Function(_score, ("scores",))
ENDPOINTS = {
    "serve": SERVE,
    "encode": ENCODE,
    "decode": Part("codes", "reconstructions", start="code"),
    "score": SCORE,
}
