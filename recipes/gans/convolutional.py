"""The convolutional networks of the DCGAN, which others share."""

import keras
from keras import layers, ops

from ...errors import UserError
from ...layers import FusedBatchNormalization
from ...layers.input_gradient import values_and_gradient
from .arguments import with_batch_statistics


@keras.saving.register_keras_serializable("amalthea")
def leaky_relu(x):
    """The input where it is positive, and a fifth of it elsewhere.

    Its second derivative is not even computed. With Keras' own activation a penalty on gradients
    sends zeros back through all layers on TensorFlow, a sixth of a step for nothing.
    """
    return _leaky_relu(x)


@ops.custom_gradient
def _leaky_relu(x):
    outputs = ops.leaky_relu(x, 0.2)
    # They have the signs of the inputs, which are then not needed any more.
    signs = ops.stop_gradient(outputs)

    def gradient(*args, upstream=None):
        (upstream,) = args or (upstream,)
        return values_and_gradient(lambda rows: (ops.leaky_relu(rows, 0.2), ()), signs)[2](upstream)

    return outputs, gradient


def generator(
    image_shape: tuple[int, int, int],
    latent_dim: int,
    width: int,
    num_classes: int | None = None,
    *,
    kernel_size: int = 4,
) -> keras.Model:
    """From latents, and classes if there are any, to images in [0, 1].

    Args:
        image_shape: Height, width and channels of the images.
        latent_dim: Number of latents.
        width: Filters before the images; twice as many at each halving of their size.
        num_classes: Number of classes, or None.
        kernel_size: Height and width of the convolutions' kernels.

    Raises:
        UserError: If the images' sides are not numbers from 4 to 7, doubled equally often.
    """
    (height, breadth), doublings = base(image_shape)
    latents = keras.Input((latent_dim,), name="latents")
    inputs, x = latents, latents
    if num_classes:
        inputs = [latents, keras.Input((num_classes,), name="classes")]
        x = layers.Concatenate()(inputs)
    filters = width * 2 ** (doublings - 1)
    x = layers.Dense(height * breadth * filters, use_bias=False, kernel_initializer=_normal())(x)
    x = layers.Reshape((height, breadth, filters))(x)
    for level in reversed(range(doublings)):
        x = layers.ReLU()(_normalized(x))
        filters = width * 2 ** (level - 1) if level else image_shape[-1]
        x = layers.Conv2DTranspose(
            filters, kernel_size, 2, "same", use_bias=False, kernel_initializer=_normal()
        )(x)
    x = layers.Activation("tanh", dtype="float32")(x)
    images = layers.Rescaling(0.5, 0.5, dtype="float32", name="images")(x)
    return keras.Model(inputs, images, name="generator")


def discriminator(
    image_shape: tuple[int, int, int],
    width: int,
    num_classes: int | None = None,
    *,
    normalize: bool = True,
    minibatch: str | None = None,
) -> keras.Model:
    """From images in [0, 1], and classes if there are any, to scores, `(batch, 1)`.

    Args:
        image_shape: Height, width and channels of the images.
        width: Filters after the images; twice as many at each halving of their size.
        num_classes: Number of classes, or None. A class is a plane of ones beside the image.
        normalize: Whether all but the first convolution are normalised over the batch.
        minibatch: `"discrimination"` or `"stddev"`, to see how alike the images of a batch are.

    Raises:
        UserError: If the images' sides are not numbers from 4 to 7, doubled equally often.
    """
    _, doublings = base(image_shape)
    images = keras.Input(image_shape, name="images")
    inputs, x = images, layers.Rescaling(2.0, -1.0)(images)
    if num_classes:
        inputs = [images, keras.Input((num_classes,), name="classes")]
        planes = layers.RepeatVector(image_shape[0] * image_shape[1])(inputs[1])
        x = layers.Concatenate()([x, layers.Reshape((*image_shape[:2], num_classes))(planes)])
    for level in range(doublings):
        x = layers.Conv2D(
            width * 2**level, 4, 2, "same", use_bias=not normalize, kernel_initializer=_normal()
        )(x)
        if level and normalize:
            x = _normalized(x)
        x = layers.Activation(leaky_relu)(x)
    x = with_batch_statistics(layers.Flatten()(x), minibatch)
    scores = layers.Dense(
        1, use_bias=False, kernel_initializer=_normal(), dtype="float32", name="scores"
    )(x)
    return keras.Model(inputs, scores, name="discriminator")


def base(image_shape: tuple[int, int, int]) -> tuple[tuple[int, int], int]:
    """Height and width from which doublings lead to those of the images, and their number."""
    height, width, _ = image_shape
    doublings = 0
    while height % 2 == width % 2 == 0 and min(height, width) >= 8:
        height, width, doublings = height // 2, width // 2, doublings + 1
    if not doublings or max(height, width) > 7:
        raise UserError(
            "height and width must each be a number from 4 to 7, doubled equally often, such as "
            f"28, 32 or 64, got {image_shape[0]} and {image_shape[1]}"
        )
    return (height, width), doublings


def _normalized(x):
    """Normalised over the batch, as in the paper's code."""
    return FusedBatchNormalization(
        momentum=0.9, epsilon=1e-5, gamma_initializer=keras.initializers.RandomNormal(1.0, 0.02)
    )(x)


def _normal():
    """The paper's initial weights."""
    return keras.initializers.RandomNormal(0.0, 0.02)
