"""Seeds that are computed from a number, where no state can be kept."""

from keras import ops, random

# Multiples of 2³² over the golden ratio come back to a number only after 2³² steps.
GOLDEN = 0x9E3779B9


class SeedStream(random.SeedGenerator):
    """Seeds for `keras.random` that depend on a base alone: in a loop, or in an exported model.

    A `keras.random.SeedGenerator` keeps its state in a variable. A compiled loop cannot change one
    on every backend, and in an exported model every process would draw the same numbers.

    Args:
        base: `(2,)` uint32, what `SeedGenerator.next()` gives, or a scalar number.
        first: How many seeds lie before the first one, a number or a scalar tensor.
    """

    def __init__(self, base, first=0):
        base = ops.cast(base, "uint32")
        self._base = base if len(base.shape) else ops.stack([base, ops.zeros_like(base)])
        self._count = ops.cast(first, "uint32")

    def next(self, ordered=True):
        """The next seed, `(2,)` uint32."""
        step = ops.cast(GOLDEN, "uint32") * self._count
        self._count = self._count + ops.cast(1, "uint32")
        return ops.stack([self._base[0] + step, self._base[1]])


def of_rows(generator: random.SeedGenerator, rows) -> SeedStream:
    """Seeds of one call, which differ between replicas as their rows do.

    Keras gives all replicas the same.

    Args:
        generator: Whose next seed is taken.
        rows: What the call has been given.
    """
    base = generator.next()
    rows = ops.stop_gradient(ops.cast(rows, "float32"))
    return SeedStream(base + ops.cast(1000 * ops.abs(ops.sum(rows)) % 2**24, base.dtype))
