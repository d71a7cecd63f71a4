"""What a model makes of the points between two codes."""

from keras import ops


def line(start, end, n):
    """Points from each start to its end, both included: `(batch, n, features)`."""
    shares = ops.cast(ops.arange(n), "float32") / ops.cast(ops.maximum(n - 1, 1), "float32")
    shares = shares[:, None]
    return (1 - shares) * start[:, None] + shares * end[:, None]


def along(make, points):
    """Images, `(batch, n, …)`, that `make` gives of points, `(batch, n, features)`."""
    images = make(ops.reshape(points, (-1, points.shape[-1])))
    return ops.reshape(images, (-1, ops.shape(points)[1], *images.shape[1:]))
