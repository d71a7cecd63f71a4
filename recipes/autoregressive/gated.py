"""The network of the gated PixelCNN."""

from keras import layers

from ...layers import GatedActivation, HorizontalConv2D, MaskedDense, VerticalConv2D


def gated_stacks(images, classes, filters: int, blocks: int, kernel_size: int, first_size: int):
    """From images, and classes or None, to features of two stacks of gated layers.

    The vertical stack sees all rows above, the horizontal one its own row as far as it is known,
    and what the vertical one gives.

    Args:
        images: `(batch, height, width, channels)`.
        classes: `(batch, classes)`, one-hot, or None.
        filters: Features of either stack.
        blocks: Number of layers after the first.
        kernel_size: Side of their kernels.
        first_size: Side of the first one.

    Returns:
        The horizontal stack's, `(batch, height, width, filters)`.
    """
    channels = images.shape[-1]

    def gated(x):
        if classes is not None:
            of_class = layers.Dense(2 * filters, use_bias=False)(classes)
            x = layers.Add()([x, layers.Reshape((1, 1, 2 * filters))(of_class)])
        return GatedActivation()(x)

    vertical, horizontal = images, images
    for block in range(blocks + 1):
        first = block == 0
        size = first_size if first else kernel_size
        above = vertical if first else gated(vertical)
        vertical = VerticalConv2D(2 * filters, size, strict=first)(above)
        x = HorizontalConv2D(2 * filters, size, mask_center=first, channels=channels, gates=2)(
            horizontal
        )
        x = layers.Add()([x, MaskedDense(2 * filters)(vertical)])
        x = MaskedDense(filters, channels)(gated(x))
        horizontal = x if first else layers.Add()([horizontal, x])
    return horizontal
