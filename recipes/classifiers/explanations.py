"""What in an image a classifier goes by, and what it takes a class to look like."""

import functools
from collections.abc import Callable

import keras
from keras import ops, random

from ...checks import check_count
from ...errors import UserError
from ...layers.input_gradient import input_gradient
from ..endpoint import Function, Images, PerRow

# Points between black and an image at which integrated gradients are taken.
STEPS = 32


def class_score(scores, labels):
    """The score of its class in each row.

    Args:
        scores: `(batch, classes)`.
        labels: `(batch,)`, the numbers of the classes.
    """
    return ops.sum(scores * ops.one_hot(labels, scores.shape[-1], dtype=scores.dtype), axis=-1)


def saliency(classifier: Callable, images, labels):
    """How much a pixel changes the score of a class: the largest derivative by a channel.

    Args:
        classifier: From images to scores, `(batch, classes)`, without a softmax.
        images: `(batch, height, width, channels)`.
        labels: `(batch,)`, the numbers of the classes.

    Returns:
        `(batch, height, width)`, at least 0.

    Reference:
        Simonyan, Vedaldi & Zisserman 2013, "Deep Inside Convolutional Networks", section 3:
        https://arxiv.org/abs/1312.6034
    """
    gradient = input_gradient(lambda x: class_score(classifier(x), labels), images)
    return ops.max(ops.abs(gradient), axis=-1)


def integrated_gradients(classifier: Callable, images, labels, steps: int = STEPS):
    """What each number of an image adds to the score of a class, from a black image on.

    All of them add up to the difference of the two scores, but for what `steps` are too few for.

    Args:
        classifier: From images to scores, `(batch, classes)`, without a softmax.
        images: `(batch, height, width, channels)`.
        labels: `(batch,)`, the numbers of the classes.
        steps: Points at which gradients are taken, in the middle of equal parts of the way.

    Returns:
        The shape of `images`.

    Reference:
        Sundararajan, Taly & Yan 2017, "Axiomatic Attribution for Deep Networks":
        https://arxiv.org/abs/1703.01365
    """

    def add(step, total):
        share = (ops.cast(step, images.dtype) + 0.5) / steps
        gradient = input_gradient(lambda x: class_score(classifier(x), labels), share * images)
        return total + gradient

    return images * ops.fori_loop(0, steps, add, ops.zeros_like(images)) / steps


def grad_cam(trunk: Callable, head: Callable, images, labels):
    """Where the feature maps of a classifier speak for a class.

    Args:
        trunk: From images to feature maps, `(batch, rows, columns, maps)`.
        head: From feature maps to scores, `(batch, classes)`, without a softmax.
        images: `(batch, height, width, channels)`.
        labels: `(batch,)`, the numbers of the classes.

    Returns:
        `(batch, height, width)` from 0 to 1, the largest of an image being 1; 0 where nothing does.

    Reference:
        Selvaraju et al. 2017, "Grad-CAM": https://arxiv.org/abs/1610.02391
    """
    maps = trunk(images)
    gradient = input_gradient(lambda m: class_score(head(m), labels), maps)
    weights = ops.mean(gradient, axis=(1, 2), keepdims=True)
    seen = ops.relu(ops.sum(weights * maps, axis=-1, keepdims=True))
    seen = ops.cast(seen, "float32")
    seen = seen / ops.maximum(ops.max(seen, axis=(1, 2), keepdims=True), 1e-12)
    return ops.image.resize(seen, images.shape[1:3], interpolation="bilinear")[..., 0]


def feature_maps(classifier: keras.Model) -> str | None:
    """Name of the last layer with feature maps that all later ones go by; None if there is none.

    Of maps of one pixel, which say nothing of where, those before them are taken if there are any.
    """
    last = None
    for layer in reversed(classifier.layers[1:]):
        shape = layer.output.shape
        if len(shape) != 4 or not _cuts(classifier, layer):
            continue
        if shape[1] * shape[2] > 1:
            return layer.name
        last = last or layer.name
    return last


def _cuts(classifier: keras.Model, layer: keras.layers.Layer) -> bool:
    """Whether the scores depend on the images through the output of a layer alone."""
    try:
        return bool(keras.Model(layer.output, classifier.outputs[0]))
    except ValueError:
        return False


def _explain(model, images: Images, labels: PerRow):
    classifier = functools.partial(model, training=False)
    images = ops.convert_to_tensor(images)
    chosen = ops.cast(ops.argmax(classifier(images), axis=-1), "int32")
    labels = ops.where(labels < 0, chosen, labels)
    found = {
        "labels": labels,
        "saliency": saliency(classifier, images, labels),
        "integrated_gradients": integrated_gradients(classifier, images, labels),
    }
    if name := feature_maps(model):
        maps = model.get_layer(name).output
        trunk = functools.partial(keras.Model(model.inputs[0], maps), training=False)
        head = functools.partial(keras.Model(maps, model.outputs[0]), training=False)
        found["grad_cam"] = grad_cam(trunk, head, images, labels)
    return found


_OUTPUTS = ("labels", "saliency", "integrated_gradients")
_explaining = functools.partial(Function, _explain, dtypes={"labels": "int32"}, differentiates=True)
# The endpoint of a classifier: of the class that is most probable where the label is below 0.
EXPLAIN_PIXELS = _explaining(_OUTPUTS)
EXPLAIN = _explaining((*_OUTPUTS, "grad_cam"))


def maximize_class(
    classifier: keras.Model,
    label: int,
    *,
    penalty: float = 1e-3,
    steps: int = 200,
    step_size: float = 0.5,
    seed: int = 0,
):
    """The image that a classifier takes for the best of a class: gradient ascent on its score.

    What rises is S − penalty · ‖2x − 1‖², with S the score of the class and x the image, by steps
    of one length along the gradient from a nearly grey image on.

    Args:
        classifier: From images in [0, 1] to scores, without a softmax.
        label: The number of the class.
        penalty: The paper's λ, at least 0.
        steps: How often the image is changed.
        step_size: The length of a step.
        seed: Seed of the image at first.

    Returns:
        The image, `(1, height, width, channels)` in [0, 1].

    Raises:
        UserError: If there is no such class, or `steps` is no number of at least 1.

    Reference:
        Simonyan, Vedaldi & Zisserman 2013, "Deep Inside Convolutional Networks", section 2:
        https://arxiv.org/abs/1312.6034
    """
    count = classifier.output_shape[-1]
    if not 0 <= label < count:
        raise UserError(f"label must be from 0 to {count - 1}, got {label!r}")
    labels = ops.full((1,), label, dtype="int32")

    def rising(x):
        size = ops.sum(ops.square(2 * x - 1), axis=(1, 2, 3))
        return class_score(classifier(x, training=False), labels) - penalty * size

    def step(_, x):
        gradient = input_gradient(rising, x)
        length = ops.sqrt(ops.sum(ops.square(gradient)))
        return ops.clip(x + step_size * gradient / ops.maximum(length, 1e-12), 0.0, 1.0)

    noise = random.normal((1, *classifier.input_shape[1:]), stddev=0.01, seed=seed)
    return ops.fori_loop(0, check_count("steps", steps), step, 0.5 + noise)


def invert_features(
    features: Callable,
    code,
    image_shape: tuple[int, int, int],
    *,
    alpha: float = 6.0,
    norm_weight: float = 1e-4,
    variation_weight: float = 1e-3,
    steps: int = 500,
    learning_rate: float = 0.02,
    seed: int = 0,
):
    """An image whose features are those that are given, from noise by gradient descent.

    What falls is ‖Φ(x) − Φ₀‖² / ‖Φ₀‖², and beside it the mean of |2x − 1|^alpha and the mean square
    of the differences of neighbouring pixels, which keep to images that look natural. Steps are
    Adam's.

    Args:
        features: From images in [0, 1] to features, `(batch, …)`.
        code: The features Φ₀ of one image, `(1, …)`.
        image_shape: Height, width and channels of the image.
        alpha: The exponent, above 0.
        norm_weight: Weight of that mean.
        variation_weight: Weight of the mean square of differences.
        steps: How often the image is changed.
        learning_rate: Adam's.
        seed: Seed of the image at first.

    Returns:
        The image, `(1, height, width, channels)` in [0, 1].

    Raises:
        UserError: If `steps` is no number of at least 1.

    Reference:
        Mahendran & Vedaldi 2014, "Understanding Deep Image Representations by Inverting Them":
        https://arxiv.org/abs/1412.0035
    """
    code = ops.convert_to_tensor(code)
    size = ops.maximum(ops.sum(ops.square(code)), 1e-12)

    def falling(x):
        distance = ops.sum(ops.square(features(x) - code)) / size
        norm = ops.mean(ops.abs(2 * x - 1) ** alpha)
        down, right = x[:, 1:] - x[:, :-1], x[:, :, 1:] - x[:, :, :-1]
        variation = ops.mean(ops.square(down)) + ops.mean(ops.square(right))
        return ops.reshape(distance + norm_weight * norm + variation_weight * variation, (1,))

    def step(number, state):
        x, mean, square = state
        gradient = input_gradient(falling, x)
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * ops.square(gradient)
        done = ops.cast(number + 1, x.dtype)
        rate = learning_rate * ops.sqrt(1 - 0.999**done) / (1 - 0.9**done)
        return ops.clip(x - rate * mean / (ops.sqrt(square) + 1e-8), 0.0, 1.0), mean, square

    start = random.uniform((1, *image_shape), 0.4, 0.6, seed=seed)
    zeros = ops.zeros_like(start)
    count = check_count("steps", steps)
    return ops.fori_loop(0, count, step, (start, zeros, zeros))[0]
