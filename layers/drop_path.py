"""Drop-path: joins of parallel columns, some of which are left out in training."""

import keras
from keras import ops, random

from ..checks import check_count
from .seeded_layer import SeededLayer


@keras.saving.register_keras_serializable("amalthea")
class GlobalPath(SeededLayer):
    """Draws, for a whole batch, which one column of a fractal net is in use, or that all may be.

    Half of the batches of a training have one column alone, each as often as any other. In the
    others, and in inference, `DropPathJoin` decides for itself.

    Args:
        columns: Number of columns.
        share: Share of batches with one column alone.
        seed: Seed of what is drawn.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, …)`, which have no say.
        training: Whether to draw.

    Returns:
        `(columns,)`, 1 for columns that may be in use and 0 for others.

    Raises:
        ValueError: If `columns` is no whole number of at least 1.

    Example:
    >>> import keras
    >>> from amalthea.layers import GlobalPath
    >>> keras.ops.convert_to_numpy(GlobalPath(3)(keras.ops.ones((2, 1)))).tolist()
    [1.0, 1.0, 1.0]

    Reference:
        Larsson, Maire & Shakhnarovich 2017, "FractalNet", section 3:
        https://arxiv.org/abs/1605.07648
    """

    def __init__(self, columns: int, share: float = 0.5, *, seed: int | None = None, **kwargs):
        super().__init__(seed, **kwargs)
        self.columns = check_count("columns", columns)
        self.share = share

    def call(self, inputs, training=False):
        everything = ops.ones((self.columns,), self.compute_dtype)
        if not training:
            return everything
        column = random.randint((), 0, self.columns, dtype="int32", seed=self.seed_generator)
        alone = ops.one_hot(column, self.columns, dtype=self.compute_dtype)
        is_global = random.uniform((), seed=self.seed_generator) < self.share
        return ops.where(is_global, alone, everything)

    def compute_output_spec(self, inputs, training=False):
        return keras.KerasTensor((self.columns,), self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "columns": self.columns, "share": self.share}


@keras.saving.register_keras_serializable("amalthea")
class DropPathJoin(SeededLayer):
    """The mean of parallel columns, of which some are left out in training.

    Where `GlobalPath` allows for all columns, each is left out of a batch with a probability, but
    one at least is kept; where it allows for one alone, that one is the result.

    Args:
        columns: The numbers of the columns that meet here, as `GlobalPath` counts them.
        rate: Probability with which one of them is left out, from 0 to below 1.
        seed: Seed of what is drawn.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: A list: of tensors of one shape, one for each of `columns`, and at last what
            `GlobalPath` gives.
        training: Whether columns are left out.

    Returns:
        The shape of one of the tensors.

    Raises:
        ValueError: If `rate` is out of its range.

    Example:
    >>> import keras
    >>> from amalthea.layers import DropPathJoin, GlobalPath
    >>> one, two = keras.ops.ones((2, 3)), 3 * keras.ops.ones((2, 3))
    >>> mean = DropPathJoin((0, 1))([one, two, GlobalPath(2)(one)])
    >>> keras.ops.convert_to_numpy(mean)[0].tolist()
    [2.0, 2.0, 2.0]

    Reference:
        Larsson, Maire & Shakhnarovich 2017, "FractalNet", section 3:
        https://arxiv.org/abs/1605.07648
    """

    def __init__(
        self,
        columns: tuple[int, ...],
        rate: float = 0.15,
        *,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(seed, **kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"rate must be from 0 to below 1, got {rate!r}")
        self.columns = tuple(columns)
        self.rate = rate

    def call(self, inputs, training=False):
        *columns, allowed = inputs
        if not training:
            return sum(columns[1:], columns[0]) / len(columns)
        # The column with the largest number is kept in any case.
        drawn = random.uniform((len(columns),), seed=self.seed_generator)
        kept = ops.logical_or(drawn >= self.rate, drawn >= ops.max(drawn))
        allowed = ops.stack([allowed[column] for column in self.columns])
        # Of a column that does not meet others here nothing is said: what comes out is not used.
        alone = ops.logical_and(ops.min(allowed) < 1, ops.max(allowed) > 0)
        kept = ops.where(alone, allowed, ops.cast(kept, self.compute_dtype))
        weights = kept / ops.sum(kept)
        return sum(weights[i] * column for i, column in enumerate(columns))

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return {**super().get_config(), "columns": self.columns, "rate": self.rate}
