"""The gated convolutional net that is told the class of an image."""

import keras

from ..autoencoders.variational import Binarization
from ..registry import Objective, recipe
from ..search import ImageShape, LearningRate, NumClasses, Seed
from ..tasks import CONDITIONAL_DENSITY_ESTIMATION
from .endpoints import CONDITIONAL_ENDPOINTS, log_likelihood
from .gated import gated_stacks
from .likelihoods import Components, Levels, PixelLikelihood
from .networks import (
    Blocks,
    Features,
    HeadUnits,
    KernelSize,
    autoregressive_model_of,
)


@recipe(
    family="autoregressive",
    task=CONDITIONAL_DENSITY_ESTIMATION,
    data="fashion_mnist",
    paper="van den Oord et al. 2016: https://arxiv.org/abs/1606.05328",
    objective=Objective("val_bits_per_dim", "min"),
    endpoints=CONDITIONAL_ENDPOINTS,
    measures=log_likelihood,
    epochs=20,
    smoke={
        "image_shape": (4, 4, 1),
        "num_classes": 3,
        "filters": 6,
        "blocks": 1,
        "head_units": (6,),
    },
)
def conditional_gated_pixelcnn(
    image_shape: ImageShape = (28, 28, 1),
    num_classes: NumClasses = 10,
    *,
    filters: Features = 32,
    blocks: Blocks = 5,
    kernel_size: KernelSize = 3,
    first_kernel_size: KernelSize = 7,
    head_units: HeadUnits = (32,),
    likelihood: PixelLikelihood = "bernoulli",
    levels: Levels = None,
    components: Components = 10,
    binarization: Binarization = None,
    learning_rate: LearningRate = 1e-3,
    seed: Seed = None,
) -> keras.Model:
    """Conditional gated PixelCNN: told the class, it draws images of it.

    As in `gated_pixelcnn` a vertical and a horizontal stack see all pixels before one; each of
    their gates is told the class, too.

    Deviations:
        * Keras' initial weights.
        * Sizes are those of a well-known implementation for 28×28 pixels: the paper gives its own
          for 32×32 and more.
        * The features of an image's channels take turns; the paper does not say how it groups them.

    Args:
        image_shape: Height, width and channels of the images; of any size.
        num_classes: Number of classes.
        filters: Features of either stack.
        blocks: Number of residual layers after the first.
        kernel_size: Side of their kernels, odd.
        first_kernel_size: Side of the first layer's, odd.
        head_units: Features of the 1×1 convolutions before the outputs.
        likelihood: `"bernoulli"` of pixels of 0 and 1, `"categorical"` of all levels by their
            logits, `"logistic_mixture"` of all levels by a mixture of discretized logistic
            distributions.
        levels: How many values a pixel has, evenly from 0 to 1, where it is not binary; 256 where
            not given.
        components: Distributions of a mixture.
        binarization: What makes pixels binary under `"bernoulli"`: `"stochastic"` draws them anew
            in each step, their values being the probabilities; `"threshold"` at ½. The former where
            not given.
        learning_rate: Step size of RMSprop.
        seed: Makes initial weights and binarization reproducible.

    Returns:
        A compiled `AutoregressiveModel` that trains on images in [0, 1], `(batch, height, width,
        channels)`, and their classes, `(batch,)`. Called with images alone it gives what it says of
        each of their pixels, `(batch, height, width, outputs, channels)`, under the class that
        makes an image most probable: logits of Bernoulli pixels, one output. The loss is
        minus the log-likelihood in nats for each image; it logs `bits_per_dim`, too.

    Raises:
        UserError: If an argument is not valid, or `binarization` or `levels` are of another
            likelihood.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import conditional_gated_pixelcnn
        >>> model = conditional_gated_pixelcnn((6, 6, 1), 2, filters=8, blocks=1)
        >>> images, labels = np.random.rand(32, 6, 6, 1), np.arange(32) % 2
        >>> history = model.fit(images, labels, epochs=1, verbose=0)
        >>> tuple(model.predict(images, verbose=0).shape)
        (32, 6, 6, 1, 1)

    Reference:
        van den Oord et al. 2016, "Conditional Image Generation with PixelCNN Decoders":
        https://arxiv.org/abs/1606.05328
    """
    images = keras.Input(image_shape, name="images")
    classes = keras.Input((num_classes,), name="classes")
    x = gated_stacks(images, classes, filters, blocks, kernel_size, first_kernel_size)
    return autoregressive_model_of(
        images,
        x,
        classes=classes,
        head_units=head_units,
        learning_rate=learning_rate,
        likelihood=likelihood,
        levels=levels,
        components=components,
        binarization=binarization,
        seed=seed,
        name="conditional_gated_pixelcnn",
    )
