"""What layers share that read images in raster order: rows downwards, each from left to right.

What such a layer gives at a pixel depends on earlier pixels, and perhaps on that pixel, alone.
Beside `call`, which takes whole images, it has what a sampler needs that goes from pixel to pixel.
To it rows are `(width, batch, features)`, by columns, so that nothing needs to be transposed:

* `start(batch, width)`: what is kept of the rows above, before there are any.
* `enter(rows)`: the weights of steps, ready for use; what the rows above give to each pixel of the
  next row, `(width, batch, …)`; the state before its first pixel, `(batch, …)`. All may be trees.
* `step(inputs, state, above, weights)`: what `call` gives at a pixel, `(batch, features)`, of its
  inputs, `(batch, features)`, and the state after it.
* `leave(rows, states)`: what is kept after a row, from the states after each of its pixels,
  `(width, batch, …)`.

A layer that is `vertical` gives a whole row before its first pixel is known: it has `start`,
`row(rows, inputs)`, both of a row, and `leave(rows, inputs)`. Where it is `strict`, too, it looks
at no inputs of the row itself.

Features are of the channels of the image by turns: of three channels feature 0 is of the first,
feature 1 of the second, feature 3 of the first again. Those of a channel may depend on the pixel's
earlier channels.
"""

import numpy as np
from keras import ops

from ..checks import check_count


def channel_mask(
    inputs: int, outputs: int, channels: int, *, strict: bool, gates: int = 1
) -> np.ndarray:
    """Which inputs of a pixel itself its outputs may see: 1 or 0, `(inputs, outputs)`.

    Args:
        inputs: Number of input features.
        outputs: Number of output features.
        channels: Channels of the image, which features are of by turns.
        strict: Whether an output sees no input of its own channel.
        gates: Into how many parts of equal size the outputs are to be split; turns begin anew in
            each.
    """
    of_inputs = np.arange(inputs)[:, None] % channels
    of_outputs = np.arange(outputs)[None] % (outputs // gates) % channels
    seen = of_inputs < of_outputs if strict else of_inputs <= of_outputs
    return seen.astype("float32")


def read(layer, weight):
    """A weight as the layer computes by it, in steps, too, of which Keras does not know."""
    return ops.cast(weight.value, layer.compute_dtype)


def pushed(rows, row):
    """The last rows, `(width, batch, count · features)`, after one more."""
    if rows.shape[-1] == row.shape[-1]:
        return row
    return ops.concatenate([rows[..., row.shape[-1] :], row], axis=-1)


def over_columns(rows, kernel):
    """What a kernel, `(rows, columns, features, outputs)`, gives to each pixel of the next row.

    Args:
        rows: The last rows, `(width, batch, rows · features)`.
        kernel: Of an odd number of columns, the middle one being that of the pixel.

    Returns:
        `(width, batch, outputs)`.
    """
    count, columns, features, outputs = kernel.shape
    kernel = ops.transpose(kernel, (1, 0, 2, 3))
    kernel = ops.reshape(kernel, (columns, 1, count * features, outputs))
    beside = ((0, 0), (columns // 2, columns // 2), (0, 0), (0, 0))
    x = ops.pad(rows[None], beside)
    return ops.conv(x, kernel, data_format="channels_last")[0]


def along_taps(left, inputs, kernel):
    """What a kernel along a row gives at a pixel, and the pixels to the left of the next one.

    Args:
        left: The last pixels, `(batch, reach · features)`.
        inputs: The pixel itself, `(batch, features)`.
        kernel: `(taps · features, outputs)`, with or without a tap for the pixel itself.

    Returns:
        `(batch, outputs)` and `(batch, reach · features)`.
    """
    taps = ops.concatenate([left, inputs], axis=1)
    seen = taps if kernel.shape[0] > left.shape[1] else left
    left = inputs if left.shape[1] == inputs.shape[1] else taps[:, inputs.shape[1] :]
    return ops.matmul(seen, kernel), left


def check_side(value: int) -> int:
    """The side of a kernel, which must be odd, and more than a pixel."""
    if check_count("kernel_size", value, 3) % 2 == 0:
        raise ValueError(f"kernel_size must be odd, got {value!r}")
    return value


def pad(x, top: int = 0, left: int = 0, right: int = 0):
    """Zeros around images, `(batch, height, width, features)`."""
    return ops.pad(x, ((0, 0), (top, 0), (left, right), (0, 0)))
