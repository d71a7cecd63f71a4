"""The autoencoder of convolutions."""

from typing import Annotated

import keras
from keras import layers

from ...layers import TiedConv2D
from ..registry import Objective, Published, recipe
from ..search import Activation, Choice, Flag, ImageShape, LearningRate, Rank, Seed, Widths
from ..tasks import RECONSTRUCTION
from .dense import Loss, compile_reconstruction
from .endpoints import ENDPOINTS
from .reconstruction import Reconstruction, reconstruction


@recipe(
    family="autoencoders",
    task=RECONSTRUCTION,
    data="fashion_mnist",
    paper="Masci et al. 2011: https://doi.org/10.1007/978-3-642-21735-7_7",
    objective=Objective("val_mean_squared_error", "min"),
    endpoints=ENDPOINTS,
    measures=reconstruction,
    smoke={"image_shape": (6, 5, 1), "filters": (4, 3)},
    published=(
        Published(
            "16-8-8 and 8-8-16-1",
            4_385,
            'Chollet 2016, "Building Autoencoders in Keras"',
        ),
    ),
)
def convolutional_autoencoder(
    image_shape: ImageShape = (28, 28, 1),
    *,
    filters: Annotated[tuple[int, ...], Widths(4, 128, depth=(1, 4))] = (16, 8, 8),
    kernel_size: Annotated[int, Choice(3, 5, rank=Rank.UNITS)] = 3,
    tied: Flag = False,
    activation: Activation = "relu",
    loss: Loss = "binary_crossentropy",
    learning_rate: LearningRate = 1e-3,
    seed: Seed = None,
) -> keras.Model:
    """Convolutional autoencoder: the code is a small stack of maps.

    Each convolution of the encoder is followed by a maximum over 2×2 pixels; in the decoder each
    is followed by an enlargement to the size that the encoder had there, and one more makes the
    image. Sides that are odd are rounded up. With tied weights the decoder has the encoder's
    kernels, transposed.

    Deviations:
        * The sizes are not the paper's but those of the Keras blog; there the last convolution but
          one makes 14×14 pixels of 16×16 by having no padding, here all sides are the encoder's.
        * The layers are trained together, by Adam.

    Args:
        image_shape: Height, width and channels of the images; of any size.
        filters: Filters of each convolution of the encoder, the decoder's in reverse.
        kernel_size: Height and width of the kernels.
        tied: Whether the decoder's convolutions are the transposes of the encoder's.
        activation: Activation of all convolutions but the last, which is logistic.
        loss: What compares images and reconstructions.
        learning_rate: Step size of Adam.
        seed: Makes the initial weights reproducible.

    Returns:
        A compiled model from images in [0, 1] to their reconstructions, both
        `(batch, height, width, channels)`, that logs the mean squared error for each pixel. The
        output of its layer `code` is `(batch, height / 2ⁿ, width / 2ⁿ, filters[-1])` after n
        convolutions, sides rounded up.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import convolutional_autoencoder
        >>> model = convolutional_autoencoder((9, 8, 3), filters=(4, 2))
        >>> history = model.fit(np.random.rand(32, 9, 8, 3), epochs=1, verbose=0)
        >>> model.get_layer("code").output.shape
        (None, 3, 2, 2)

    Reference:
        Masci, Meier, Cireşan & Schmidhuber 2011, "Stacked Convolutional Auto-Encoders for
        Hierarchical Feature Extraction": https://doi.org/10.1007/978-3-642-21735-7_7;
        Chollet 2016, "Building Autoencoders in Keras":
        https://blog.keras.io/building-autoencoders-in-keras.html
    """
    images = keras.Input(image_shape, name="images")
    x, sizes, stack = images, [], []
    for count in filters:
        sizes.append(x.shape[1:3])
        if tied:
            # In reverse the activation is that of the layer below; the image's is logistic.
            below = activation if stack else None
            stack.append(TiedConv2D(count, kernel_size, activation, below))
        else:
            stack.append(layers.Conv2D(count, kernel_size, padding="same", activation=activation))
        x = layers.MaxPooling2D(2, padding="same")(stack[-1](x))
    x = layers.Identity(name="code")(x)
    for layer, count, size in zip(reversed(stack), reversed(filters), reversed(sizes), strict=True):
        if not tied:
            x = layers.Conv2D(count, kernel_size, padding="same", activation=activation)(x)
        # Twice the sides, each pixel becoming four: UpSampling2D cannot be exported to LiteRT.
        doubled = [2 * side for side in x.shape[1:3]]
        x = cropped(layers.Resizing(*doubled, interpolation="nearest")(x), size)
        if tied:
            x = layer(x, reverse=True)
    if not tied:
        x = layers.Conv2D(image_shape[-1], kernel_size, padding="same")(x)
    x = layers.Activation("sigmoid", dtype="float32", name="reconstructions")(x)
    model = Reconstruction(images, x)
    compile_reconstruction(model, learning_rate, loss)
    return model


def cropped(x, size: tuple[int, int]):
    """Maps without the last rows and columns that lie beyond `size`."""
    surplus = [have - wanted for have, wanted in zip(x.shape[1:3], size, strict=True)]
    return layers.Cropping2D([(0, n) for n in surplus])(x) if any(surplus) else x
