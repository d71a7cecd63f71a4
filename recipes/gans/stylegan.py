"""The generative adversarial net whose generator takes a style in each of its layers."""

import math
from typing import Annotated

import keras
import numpy as np
from keras import layers, ops

from ...callbacks import ProgressiveGrowing
from ...checks import is_number
from ...layers import (
    AdaptiveInstanceNormalization,
    Bias,
    Blur,
    EqualizedConv2D,
    EqualizedDense,
    LearnedConstant,
    NoiseInjection,
    NormalNoise,
    PixelNormalization,
    StyleMixing,
    Truncation,
)
from ...layers.seed_stream import SeedStream
from ..endpoint import Function, Images, Number, PerRow, Whole
from ..interpolation import along, line
from ..registry import Objective, recipe, variant
from ..search import Float, Given, ImageShape, Int, LearningRate, Rank, Seed
from ..tasks import GENERATION
from . import penalties
from .arguments import AverageDecay, Beta1
from .endpoints import ENDPOINTS, LatentVectors, distances_of
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
from .projection import project

# Multiples of the learning rate, by the resolution from which on.
FASTER = {128: 1.5, 256: 2.0, 512: 3.0}
# Layers that truncation acts on, those of up to 32×32 where the first stage is 4×4.
TRUNCATED = 8
MAPPING_LEARNING_RATE = 0.01

R1 = Annotated[float, Float(0.1, 100.0, log=True, rank=Rank.REGULARIZATION)]
R1Interval = Annotated[int, Int(1, 16, log=True)]
MappingLayers = Annotated[int, Int(1, 8, rank=Rank.DEPTH)]
MixingProbability = Annotated[
    float, Given(lambda v: is_number(v) and 0 <= v <= 1, "a number in [0, 1]")
]


def _sample(model, n: Whole, seed: Whole, truncation: Number):
    seeds = SeedStream(seed)
    latents = model.latents(n, seeds)
    noise = [keras.random.normal((n, *image.shape[1:]), seed=seeds) for image in _noise_of(model)]
    styles = _styles(model, _mapped(model, latents), truncation)
    return {"images": _synthesis(model, noise=True)([styles, *noise])}


def _style_mix(model, coarse: LatentVectors, fine: LatentVectors, crossovers: PerRow):
    coarse, fine = (_styles(model, _mapped(model, latents)) for latents in (coarse, fine))
    of_fine = ops.arange(coarse.shape[1])[:, None] >= crossovers[:, None, None]
    return {"images": _synthesis(model)(ops.where(of_fine, fine, coarse))}


def _interpolate(model, start: LatentVectors, end: LatentVectors, n: Whole):
    start, end = (_mapped(model, latents) for latents in (start, end))
    return {"images": along(_decoder(model), line(start, end, n))}


def _synthesize(model, styles: LatentVectors):
    return {"images": _decoder(model)(styles)}


def _project(model, images: Images, steps: Whole, seed: Whole):
    # From the mean style, to which images of all kinds are near, and some way towards another.
    latents = model.latents(ops.shape(images)[0], SeedStream(seed))
    start = _network(model).get_layer("truncation")(_mapped(model, latents), psi=0.5)
    best, made, distances = project(_decoder(model), start, model.as_seen(images), steps)
    return {"styles": best, "images": made, "distances": distances}


def _distances(model, images, labels, batch_size):
    """As of other recipes, of samples that have each their own noise."""
    draw = SAMPLE.bind(model, n=batch_size, truncation=1.0).predict_on_batch
    seeds = range(math.ceil(len(images) / batch_size))
    drawn = [draw({"seed": ops.convert_to_tensor(seed, "int32")})["images"] for seed in seeds]
    return distances_of(images, np.concatenate(drawn)[: len(images)])


def _network(model):
    return model.average or model.generator


def _mapped(model, latents):
    """Styles, `(batch, latent_dim)`, of latents."""
    network = _network(model)
    return model.cut("mapping", network.input, network.get_layer("truncation").input)(latents)


def _styles(model, mapped, psi=1.0):
    """The style of each layer, `(batch, layers, latent_dim)`; the coarse ones are truncated."""
    network = _network(model)
    count = network.get_layer("styles").count
    truncated = ops.arange(count)[:, None] < TRUNCATED
    psi = ops.where(truncated, ops.cast(psi, "float32"), 1.0)
    return network.get_layer("truncation")(ops.repeat(mapped[:, None], count, axis=1), psi=psi)


def _decoder(model):
    """A function from styles, `(batch, latent_dim)`, to images."""
    synthesis = _synthesis(model)
    return lambda mapped: synthesis(_styles(model, mapped))


def _noise_of(model):
    """The noise images that the stage in use takes, symbolically."""
    network = _network(model)
    return [network.get_layer(f"noise_{index}").output for index in range(2 * model.stage + 2)]


def _synthesis(model, noise=False):
    """The active part from the styles of all layers on, and from noise if it is given, too."""
    network = _network(model)
    styles = network.get_layer("styles").output
    inputs, name = (styles, "synthesis") if not noise else ([styles, *_noise_of(model)], "noisy")
    return model.cut(f"{name}_{model.resolution}", inputs, network.outputs[model.stage])


SAMPLE = Function(_sample, ("images",))


@recipe(
    family="gans",
    task=GENERATION,
    data="padded:fashion_mnist",
    paper="Karras, Laine & Aila 2018: https://arxiv.org/abs/1812.04948",
    objective=Objective("val_sliced_wasserstein", "min", measured=True),
    incomparable=FIGURES,
    endpoints={
        "sample": SAMPLE,
        "decode": ENDPOINTS["decode"],
        "discriminate": ENDPOINTS["discriminate"],
        "style_mix": Function(_style_mix, ("images",)),
        "interpolate": Function(_interpolate, ("images",)),
        "synthesize": Function(_synthesize, ("images",)),
        "project": Function(_project, ("styles", "images", "distances")),
    },
    measures=_distances,
    smoke={
        "image_shape": (8, 8, 1),
        "latent_dim": 4,
        "width": 4,
        "mapping_layers": 1,
    },
    batch_size=32,
    epochs=60,
    frozen=FADED_OUT,
    schedule=lambda arguments: ProgressiveGrowing(
        # From the second stage on.
        [height for height, _ in sizes(arguments["image_shape"])][1:],
        arguments["images_per_phase"],
        batch_sizes=BATCH_SIZES,
        learning_rates={
            resolution: times * arguments["learning_rate"] for resolution, times in FASTER.items()
        },
    ),
)
def stylegan(
    image_shape: ImageShape = (32, 32, 1),
    *,
    latent_dim: Latents = 512,
    width: GrowingWidth = 512,
    mapping_layers: MappingLayers = 8,
    mixing_probability: MixingProbability = 0.9,
    images_per_phase: ImagesPerPhase = 600_000,
    r1: R1 = 10.0,
    r1_interval: R1Interval = 1,
    average_decay: AverageDecay = 0.999,
    learning_rate: LearningRate = 1e-3,
    beta_1: Beta1 = 0.0,
    seed: Seed = None,
) -> keras.Model:
    """Generative adversarial net whose generator takes a style in each layer, and grows.

    A mapping network makes a style of latents. The generator begins with a learned constant; each
    of its layers gives the channels of its features the means and deviations that the style asks
    for, and adds noise for what is random in an image.

    Deviations:
        * The moving average keeps as much in each step as that of the growing net it follows; the
          paper's code halves it in 10,000 images.
        * Truncation acts on the first 8 layers, as in the paper's code.
        * Each image is mixed of two styles or not by itself; in the paper's code those of a batch
          are alike. Both networks learn from the same generated images.
        * The batch size is that of the training up to 32×32, and beyond that of the code for one
          device.

    Args:
        image_shape: Height, width and channels of the last stage's images; each side a number from
            4 to 7, doubled equally often.
        latent_dim: Number of latents, normally distributed, and features of a style.
        width: Filters up to 32×32; half as many with each doubling beyond.
        mapping_layers: Layers of the mapping network.
        mixing_probability: Share of images that are made of two styles in training.
        images_per_phase: Images shown in each phase: of one resolution, of fading the next one in,
            and so on; the last one goes on to the end.
        r1: How strongly the discriminator's gradient at real images, in [−1, 1], is drawn to
            0; the paper's 10 is for images of 1024×1024.
        r1_interval: Steps from one in which that is done to the next; it is done so many times as
            strongly.
        average_decay: What the moving average of the generator, which draws the samples, keeps in
            each step; 0 for none.
        learning_rate: Step size of Adam, whose second moment decays by 0.99, up to 64×64; larger
            beyond. The mapping network learns 100 times more slowly.
        beta_1: Decay of Adam's first moment.
        seed: Makes initial weights, latents and noise reproducible.

    Returns:
        A compiled `GrowingModel`, in its last stage, that trains on images in [0, 1], `(batch,
        height, width, channels)`; the callback `ProgressiveGrowing` makes it grow. Called with
        images it gives the discriminator's scores, `(batch, 1)`.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.callbacks import ProgressiveGrowing
        >>> from amalthea.recipes import stylegan
        >>> model = stylegan((8, 8, 1), latent_dim=4, width=4, mapping_layers=2)
        >>> growing = ProgressiveGrowing(model.resolutions, images_per_phase=32)
        >>> images = np.random.rand(32, 8, 8, 1)
        >>> history = model.fit(images, epochs=3, callbacks=[growing], verbose=0)
        >>> tuple(model.generate(np.zeros((1, 4))).shape)
        (1, 8, 8, 1)

    Reference:
        Karras, Laine & Aila 2018, "A Style-Based Generator Architecture for Generative Adversarial
        Networks": https://arxiv.org/abs/1812.04948
    """
    model = GrowingModel(
        generator(image_shape, latent_dim, width, mapping_layers, mixing_probability),
        discriminator(image_shape, width, blur=True),
        penalties=[penalties.R1(r1, r1_interval, pixel_range=2.0)] if r1 else [],
        average_decay=average_decay,
        seed=seed,
    )
    model.compile(keras.optimizers.Adam(learning_rate, beta_1, 0.99, epsilon=1e-8))
    return model


stylegan_1024 = variant(
    stylegan,
    "stylegan_1024",
    image_shape=(1024, 1024, 3),
    parameters=26_219_627 + 23_087_249,
    source="Karras et al. 2018, with the convolutions to and from RGB of all stages",
)


def generator(
    image_shape: tuple[int, int, int],
    latent_dim: int,
    width: int,
    mapping_layers: int = 8,
    mixing_probability: float = 0.9,
) -> keras.Model:
    """From latents to the images of all stages, in about [0, 1]."""
    (height, breadth), *larger = sizes(image_shape)
    mapping = [PixelNormalization(name="normalized_latents")]
    for index in range(mapping_layers):
        mapping.append(
            EqualizedDense(
                latent_dim,
                activation=bounded_leaky_relu,
                learning_rate_multiplier=MAPPING_LEARNING_RATE,
                name=f"mapping_{index}",
            )
        )
    latents = keras.Input((latent_dim,), name="latents")
    first, second = latents, NormalNoise((latent_dim,), name="other_latents")(latents)
    for layer in mapping:
        first, second = layer(first), layer(second)
    first = Truncation(name="truncation")(first)
    mixing = StyleMixing(2 * len(larger) + 2, probability=mixing_probability, name="styles")
    styles = mixing([first, second])

    own = filters(0, width)
    # Its pixels are all alike at first, where normalisation has too large a gradient for float16.
    x = LearnedConstant((height, breadth, own), dtype="float32", name="constant")(styles)
    x = _styled(x, styles, 0, dtype="float32")
    x = EqualizedConv2D(own, 3, use_bias=False, name=f"conv_{height}_1")(x)
    stages = [_styled(x, styles, 1)]
    for stage, (height, _) in enumerate(larger, start=1):
        own = filters(stage, width)
        x = EqualizedConv2D(own, 3, resample="up", use_bias=False, name=f"conv_{height}_0")(
            stages[-1]
        )
        x = _styled(Blur(name=f"blur_{height}")(x), styles, 2 * stage)
        x = EqualizedConv2D(own, 3, use_bias=False, name=f"conv_{height}_1")(x)
        stages.append(_styled(x, styles, 2 * stage + 1))
    return keras.Model(latents, images(stages, image_shape), name="generator")


def _styled(x, styles, index, dtype=None):
    """The layer's noise, biases, activation, and the style of its number."""
    noise = NormalNoise((*x.shape[1:3], 1), dtype=dtype, name=f"noise_{index}")(styles)
    x = NoiseInjection(dtype=dtype, name=f"noise_injection_{index}")([x, noise])
    x = Bias(dtype=dtype, name=f"bias_{index}")(x)
    x = layers.Activation(bounded_leaky_relu, dtype=dtype)(x)
    style = AdaptiveInstanceNormalization(dtype=dtype, name=f"style_{index}")
    return style([x, styles[:, index]])
