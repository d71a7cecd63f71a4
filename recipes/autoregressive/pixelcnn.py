"""The convolutional net that gives each pixel by those before it."""

from typing import Annotated

import keras
from keras import layers

from ...layers import MaskedConv2D, MaskedDense
from ..autoencoders.variational import Binarization
from ..registry import Objective, Published, recipe, variant
from ..search import Given, ImageShape, LearningRate, Seed, at_least
from ..tasks import DENSITY_ESTIMATION
from .endpoints import ENDPOINTS, log_likelihood
from .likelihoods import Components, Levels, PixelLikelihood
from .networks import (
    Blocks,
    Features,
    HeadUnits,
    KernelSize,
    autoregressive_model_of,
)

SMALL = Given(lambda v: v is None or at_least(1).is_valid(v), f"{at_least(1).expected}, or None")


@recipe(
    family="autoregressive",
    task=DENSITY_ESTIMATION,
    data="fashion_mnist",
    paper="van den Oord, Kalchbrenner & Kavukcuoglu 2016: https://arxiv.org/abs/1601.06759",
    objective=Objective("val_bits_per_dim", "min"),
    endpoints=ENDPOINTS,
    measures=log_likelihood,
    batch_size=16,
    epochs=20,
    smoke={"image_shape": (4, 4, 1), "filters": 8, "blocks": 1, "head_units": (6,)},
    published=(
        Published(
            "15 blocks of 256, 128 inside, a last layer of 32",
            3_223_617,
            "https://github.com/EugenHotaj/pytorch-generative",
        ),
        Published(
            "5 blocks of 128, 64 inside, last layers of 128",
            307_073,
            "the paper's block, by its formula",
            {"filters": 128, "blocks": 5, "head_units": (128, 128)},
        ),
    ),
)
def pixelcnn(
    image_shape: ImageShape = (28, 28, 1),
    *,
    filters: Features = 256,
    blocks: Blocks = 15,
    bottleneck_filters: Annotated[int | None, SMALL] = None,
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
    """PixelCNN: masked convolutions that give each pixel's distribution by the pixels before it.

    A masked convolution that leaves the pixel itself out is followed by residual blocks: 1×1 to
    half of the filters, a masked convolution, 1×1 back, with a rectifier before each.

    Pixels to the right in the rows above are seen in part only: see `gated_pixelcnn`.

    Deviations:
        * Keras' initial weights.
        * The features of an image's channels take turns; the paper does not say how it groups them.

    Args:
        image_shape: Height, width and channels of the images; of any size.
        filters: Features between the blocks, twice those inside of them as published.
        blocks: Number of residual blocks.
        bottleneck_filters: Features of the first 1×1 convolution of a block; half of `filters`
            where not given, as published.
        kernel_size: Side of the masked convolution of a block, odd.
        first_kernel_size: Side of the first masked convolution, odd.
        head_units: Features of the 1×1 convolutions before the outputs; the paper's are 32 for
            binary pixels, and twice 1,024 for those of 256 levels.
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
        >>> from amalthea.recipes import pixelcnn
        >>> model = pixelcnn((6, 6, 1), filters=16, blocks=1)
        >>> images = np.random.rand(32, 6, 6, 1)
        >>> history = model.fit(images, epochs=1, verbose=0)
        >>> tuple(model.predict(images, verbose=0).shape)
        (32, 6, 6, 1, 1)

    Reference:
        van den Oord, Kalchbrenner & Kavukcuoglu 2016, "Pixel Recurrent Neural Networks":
        https://arxiv.org/abs/1601.06759;
        Salimans et al. 2017 for mixtures of discretized logistic distributions:
        https://arxiv.org/abs/1701.05517
    """
    channels, inside = image_shape[-1], max(1, filters // 2)
    images = keras.Input(image_shape, name="images")
    x = MaskedConv2D(filters, first_kernel_size, mask_center=True, channels=channels)(images)
    for _ in range(blocks):
        y = MaskedDense(bottleneck_filters or inside, channels)(layers.ReLU()(x))
        y = MaskedConv2D(inside, kernel_size, channels=channels)(layers.ReLU()(y))
        y = MaskedDense(filters, channels)(layers.ReLU()(y))
        x = layers.Add()([x, y])
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
        name="pixelcnn",
    )


pixelcnn_keras = variant(
    pixelcnn,
    "pixelcnn_keras",
    parameters=532_673,
    source="https://keras.io/examples/generative/pixelcnn",
    filters=128,
    blocks=5,
    bottleneck_filters=128,
    head_units=(128, 128),
)
pixelcnn_cifar10 = variant(
    pixelcnn,
    "pixelcnn_cifar10",
    parameters=5_340_416,
    source="the paper's sizes, by their formula",
    data="cifar10",
    head_units=(1024, 1024),
    at={"image_shape": (32, 32, 3), "likelihood": "categorical"},
)
