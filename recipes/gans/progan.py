"""The generative adversarial net that grows with its images."""

import math

import keras
from keras import layers

from ...callbacks import ProgressiveGrowing
from ...layers import Bias, EqualizedConv2D, EqualizedDense, PixelNormalization
from ..registry import Objective, recipe, variant
from ..search import ImageShape, LearningRate, Seed
from ..tasks import GENERATION
from . import penalties
from .arguments import AverageDecay, Beta1, GradientPenalty
from .endpoints import GROWING_ENDPOINTS, distances
from .games import FIGURES
from .growing import (
    BATCH_SIZES,
    FADED_OUT,
    GrowingWidth,
    ImagesPerPhase,
    Latents,
    bounded_leaky_relu,
    discriminator,
    filters,
    images,
    sizes,
)
from .growing_model import GrowingModel


@recipe(
    family="gans",
    task=GENERATION,
    data="padded:fashion_mnist",
    paper="Karras et al. 2017: https://arxiv.org/abs/1710.10196",
    objective=Objective("val_sliced_wasserstein", "min", measured=True),
    incomparable=FIGURES,
    endpoints=GROWING_ENDPOINTS,
    measures=distances,
    smoke={
        "image_shape": (8, 8, 1),
        "latent_dim": 4,
        "width": 4,
        "images_per_phase": 36,
    },
    frozen=FADED_OUT,
    epochs=94,
    schedule=lambda arguments: ProgressiveGrowing(
        [height for height, _ in sizes(arguments["image_shape"])],
        arguments["images_per_phase"],
        batch_sizes=BATCH_SIZES,
    ),
)
def progan(
    image_shape: ImageShape = (32, 32, 1),
    *,
    latent_dim: Latents = 512,
    width: GrowingWidth = 512,
    images_per_phase: ImagesPerPhase = 800_000,
    gradient_penalty: GradientPenalty = 10.0,
    average_decay: AverageDecay = 0.999,
    learning_rate: LearningRate = 1e-3,
    beta_1: Beta1 = 0.0,
    seed: Seed = None,
) -> keras.Model:
    """Wasserstein generative adversarial net whose networks grow, from 4×4 images to large ones.

    Both networks begin with the smallest images, which are learnt fast; then one block after the
    other fades in, each for images of twice the size.

    Deviations:
        * Doubling and halving are done by the convolution beside them, as in the paper's code; the
          results are the same.
        * The batch size is that of the training up to 32×32, and beyond that of the paper's code
          for one device. Both networks learn from the same generated images.

    Args:
        image_shape: Height, width and channels of the last stage's images; each side a number from
            4 to 7, doubled equally often.
        latent_dim: Number of latents, normally distributed.
        width: Filters up to 32×32; half as many with each doubling beyond.
        images_per_phase: Images shown in each phase: of one resolution, of fading the next one in,
            and so on; the last one goes on to the end.
        gradient_penalty: How strongly the critic's gradient norm is drawn to 1, for images
            in [−1, 1].
        average_decay: What the moving average of the generator, which draws the samples, keeps in
            each step; 0 for none.
        learning_rate: Step size of Adam, whose second moment decays by 0.99.
        beta_1: Decay of Adam's first moment.
        seed: Makes initial weights and latents reproducible.

    Returns:
        A compiled `GrowingModel`, in its last stage, that trains on images in [0, 1], `(batch,
        height, width, channels)`; the callback `ProgressiveGrowing` makes it grow. Called with
        images it gives the critic's scores, `(batch, 1)`.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.callbacks import ProgressiveGrowing
        >>> from amalthea.recipes import progan
        >>> model = progan((8, 8, 1), latent_dim=4, width=4)
        >>> growing = ProgressiveGrowing(model.resolutions, images_per_phase=32)
        >>> images = np.random.rand(32, 8, 8, 1)
        >>> history = model.fit(images, epochs=3, callbacks=[growing], verbose=0)
        >>> tuple(model.generate(np.zeros((1, 4))).shape)
        (1, 8, 8, 1)

    Reference:
        Karras et al. 2017, "Progressive Growing of GANs for Improved Quality, Stability, and
        Variation": https://arxiv.org/abs/1710.10196
    """
    added = [penalties.Drift(1e-3)]
    if gradient_penalty:
        added = [penalties.GradientPenalty(gradient_penalty, pixel_range=2.0), *added]
    model = GrowingModel(
        generator(image_shape, latent_dim, width),
        discriminator(image_shape, width),
        "wasserstein",
        penalties=added,
        average_decay=average_decay,
        seed=seed,
    )
    model.compile(keras.optimizers.Adam(learning_rate, beta_1, 0.99, epsilon=1e-8))
    return model


progan_1024 = variant(
    progan,
    "progan_1024",
    image_shape=(1024, 1024, 3),
    parameters=23_079_115 + 23_087_249,
    source="Karras et al. 2017, table 2, with the convolutions to and from RGB of all stages",
)


def generator(image_shape: tuple[int, int, int], latent_dim: int, width: int) -> keras.Model:
    """From latents to the images of all stages, in about [0, 1]."""
    (height, breadth), *larger = sizes(image_shape)
    own = filters(0, width)
    latents = keras.Input((latent_dim,), name="latents")
    x = PixelNormalization(name="normalized_latents")(latents)
    # Each pixel's product counts as one of many of a convolution whose kernel is the image.
    x = EqualizedDense(
        height * breadth * own,
        gain=math.sqrt(2 / (height * breadth)),
        use_bias=False,
        name="first_pixels",
    )(x)
    x = layers.Reshape((height, breadth, own))(x)
    x = PixelNormalization()(layers.Activation(bounded_leaky_relu)(Bias()(x)))
    stages = [_convolved(x, own, f"conv_{height}_1")]
    for stage, (height, _) in enumerate(larger, start=1):
        own = filters(stage, width)
        x = _convolved(stages[-1], own, f"conv_{height}_0", resample="up")
        stages.append(_convolved(x, own, f"conv_{height}_1"))
    return keras.Model(latents, images(stages, image_shape), name="generator")


def _convolved(x, own, name, **arguments):
    x = EqualizedConv2D(own, 3, activation=bounded_leaky_relu, name=name, **arguments)(x)
    return PixelNormalization()(x)
