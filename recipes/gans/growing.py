"""The parts of networks that grow with the resolution of their images, which recipes share."""

from typing import Annotated

import keras
from keras import layers, ops

from ...layers import Blur, EqualizedConv2D, EqualizedDense, FadeIn, MinibatchStdDev
from ..search import Choice, Int, Rank, at_least
from .convolutional import base, leaky_relu

Latents = Annotated[int, Int(16, 512, log=True, rank=Rank.UNITS)]
GrowingWidth = Annotated[int, Choice(16, 32, 64, 128, 256, 512, rank=Rank.UNITS)]
ImagesPerPhase = Annotated[int, at_least(1)]

# Images of a batch, by the resolution from which on, so that they fit the memory of one device.
BATCH_SIZES = {64: 32, 128: 16, 256: 8, 512: 4}
# Weights that rest in the last stage of images of 8×8.
FADED_OUT = frozenset(
    f"{name}_rgb_4/{part}" for name in ("to", "from") for part in ("kernel", "bias")
)


@keras.saving.register_keras_serializable("amalthea")
def bounded_leaky_relu(x):
    """The leaky rectifier; in float16, which ends at 65,504, within ±256.

    Sums over hundreds of channels stay finite then, as in the code of Karras et al. 2020, "Training
    Generative Adversarial Networks with Limited Data": https://arxiv.org/abs/2006.06676.
    """
    outputs = leaky_relu(x)
    if keras.backend.standardize_dtype(outputs.dtype) == "float16":
        return ops.clip(outputs, -256, 256)
    return outputs


def filters(stage: int, width: int) -> int:
    """Filters of a stage: `width` in the first four, then half as many with each doubling.

    With a width of 512 they are the published ones, 16 at the ninth stage of 1024².
    """
    return max(1, min(width, 8 * width // 2**stage))


def sizes(image_shape: tuple[int, int, int]) -> list[tuple[int, int]]:
    """Heights and widths of the images of all stages.

    Raises:
        UserError: If the images' sides are not numbers from 4 to 7, doubled equally often.
    """
    (height, width), doublings = base(image_shape)
    return [(height * 2**stage, width * 2**stage) for stage in range(doublings + 1)]


def images(stages: list, image_shape: tuple[int, int, int]) -> list:
    """Images in about [0, 1] of all stages, made of the features of each.

    Args:
        stages: The features of each stage, `(batch, height, width, filters)`.
        image_shape: Height, width and channels of the last stage's images.

    Returns:
        For each stage images, those of the stage before being faded out.
    """
    fade, made, coarse = FadeIn(name="fade_in"), [], None
    for (height, _), features in zip(sizes(image_shape), stages, strict=True):
        to_rgb = EqualizedConv2D(image_shape[-1], 1, gain=1.0, name=f"to_rgb_{height}")
        fine = to_rgb(features)
        faded = fine if coarse is None else fade([layers.UpSampling2D()(coarse), fine])
        rescale = layers.Rescaling(0.5, 0.5, dtype="float32", name=f"images_{height}")
        made.append(rescale(faded))
        coarse = fine
    return made


def discriminator(
    image_shape: tuple[int, int, int], width: int, *, group_size: int = 4, blur: bool = False
) -> keras.Model:
    """From images in [0, 1] of all stages to the scores of each, `(batch, 1)`.

    Args:
        image_shape: Height, width and channels of the last stage's images.
        width: Filters of the first stages.
        group_size: Images of a group whose standard deviation is a feature.
        blur: Whether features are smoothed before their size is halved, as StyleGAN's are.
    """
    stages = sizes(image_shape)
    fade = FadeIn(name="fade_in")
    from_rgb, blocks = [], []
    for stage, (height, _) in enumerate(stages):
        own = filters(stage, width)
        from_rgb.append(
            EqualizedConv2D(own, 1, activation=bounded_leaky_relu, name=f"from_rgb_{height}")
        )
        if stage:
            blocks.append(
                [
                    EqualizedConv2D(own, 3, activation=bounded_leaky_relu, name=f"conv_{height}_0"),
                    *([Blur(name=f"blur_{height}")] if blur else []),
                    EqualizedConv2D(
                        filters(stage - 1, width),
                        3,
                        resample="down",
                        activation=bounded_leaky_relu,
                        name=f"conv_{height}_1",
                    ),
                ]
            )
    own, height = filters(0, width), stages[0][0]
    judge = [
        MinibatchStdDev(group_size, name="minibatch_std_dev"),
        EqualizedConv2D(own, 3, activation=bounded_leaky_relu, name=f"conv_{height}_0"),
        layers.Flatten(name="features"),
        EqualizedDense(own, activation=bounded_leaky_relu, name="hidden"),
        EqualizedDense(1, gain=1.0, dtype="float32", name="scores"),
    ]
    inputs, scores = [], []
    for stage, (height, breadth) in enumerate(stages):
        pixels = keras.Input((height, breadth, image_shape[-1]), name=f"images_{height}")
        inputs.append(pixels)
        pixels = layers.Rescaling(2.0, -1.0)(pixels)
        x = from_rgb[stage](pixels)
        if stage:
            x = _through(blocks[stage - 1], x)
            x = fade([from_rgb[stage - 1](layers.AveragePooling2D(2)(pixels)), x])
        for block in reversed(blocks[: max(stage - 1, 0)]):
            x = _through(block, x)
        scores.append(_through(judge, x))
    return keras.Model(inputs, scores, name="discriminator")


def _through(block, x):
    for layer in block:
        x = layer(x)
    return x
