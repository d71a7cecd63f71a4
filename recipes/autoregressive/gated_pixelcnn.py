"""The gated convolutional net that gives each pixel by all of those before it."""

import keras

from ..autoencoders.variational import Binarization
from ..registry import Objective, Published, recipe, variant
from ..search import ImageShape, LearningRate, Seed
from ..tasks import DENSITY_ESTIMATION
from .endpoints import ENDPOINTS, log_likelihood
from .gated import gated_stacks
from .likelihoods import Components, Levels, PixelLikelihood
from .networks import (
    Blocks,
    Features,
    HeadUnits,
    KernelSize,
    autoregressive_model_of,
)

SOURCE = "https://github.com/EugenHotaj/pytorch-generative, without masked weights"


@recipe(
    family="autoregressive",
    task=DENSITY_ESTIMATION,
    data="fashion_mnist",
    paper="van den Oord et al. 2016: https://arxiv.org/abs/1606.05328",
    objective=Objective("val_bits_per_dim", "min"),
    endpoints=ENDPOINTS,
    measures=log_likelihood,
    epochs=20,
    smoke={"image_shape": (4, 4, 1), "filters": 6, "blocks": 1, "head_units": (6,)},
    published=(Published("6 layers of 32, a last one of 32", 116_609, SOURCE),),
)
def gated_pixelcnn(
    image_shape: ImageShape = (28, 28, 1),
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
    """Gated PixelCNN: two stacks of convolutions that see all pixels before one, and no other.

    A vertical stack sees the rows above a pixel, a horizontal one, which gets what that sees, its
    row up to it. Activations are hyperbolic tangents times sigmoids. What of a kernel is masked has
    no weights.

    Deviations:
        * Keras' initial weights.
        * Sizes are those of a well-known implementation for 28×28 pixels: the paper gives its own
          for 32×32 and more.
        * The features of an image's channels take turns; the paper does not say how it groups them.

    Args:
        image_shape: Height, width and channels of the images; of any size.
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
        channels)`. Called with images it gives what it says of each of their pixels, `(batch,
        height, width, outputs, channels)`: logits of Bernoulli pixels, one output. The loss is
        minus the log-likelihood in nats for each image; it logs `bits_per_dim`, too.

    Raises:
        UserError: If an argument is not valid, or `binarization` or `levels` are of another
            likelihood.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import gated_pixelcnn
        >>> model = gated_pixelcnn((6, 6, 1), filters=8, blocks=1)
        >>> images = np.random.rand(32, 6, 6, 1)
        >>> history = model.fit(images, epochs=1, verbose=0)
        >>> tuple(model.predict(images, verbose=0).shape)
        (32, 6, 6, 1, 1)

    Reference:
        van den Oord et al. 2016, "Conditional Image Generation with PixelCNN Decoders":
        https://arxiv.org/abs/1606.05328
    """
    images = keras.Input(image_shape, name="images")
    x = gated_stacks(images, None, filters, blocks, kernel_size, first_kernel_size)
    return autoregressive_model_of(
        images,
        x,
        head_units=head_units,
        learning_rate=learning_rate,
        likelihood=likelihood,
        levels=levels,
        components=components,
        binarization=binarization,
        seed=seed,
        name="gated_pixelcnn",
    )


gated_pixelcnn_64 = variant(
    gated_pixelcnn,
    "gated_pixelcnn_64",
    parameters=717_825,
    source=SOURCE,
    filters=64,
    blocks=8,
)
