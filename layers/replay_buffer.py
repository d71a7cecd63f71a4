"""A memory of what came before, mixed into what comes now."""

import keras
from keras import ops, random

from ..checks import check_count
from .seeded_layer import SeededLayer


@keras.saving.register_keras_serializable("amalthea")
class ReplayBuffer(SeededLayer):
    """Keeps rows of past batches and, in training, puts them in the place of some present ones.

    Of each batch a share goes into places of the buffer drawn at random, all different; what was
    there comes out in its stead, or the row itself where the place was still empty. A discriminator
    that also sees past images of the generator does not forget what was wrong with them.

    The buffer is a weight: it is saved with the model, and an interrupted training goes on with it.

    Args:
        capacity: Number of rows that the buffer holds, at least 1.
        share: The part of a batch that is exchanged, in (0, 1], to a thousandth; never more rows
            than `capacity`.
        seed: Seed of the places that are drawn.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, …)`.
        training: Whether rows are exchanged; otherwise the inputs come out as they are.

    Returns:
        The same shape; no gradient flows through it in training.

    Raises:
        ValueError: If an argument is out of its range, or an axis but the first is undefined.

    Example:
    >>> import keras
    >>> from amalthea.layers import ReplayBuffer
    >>> buffer = ReplayBuffer(capacity=2, share=1.0)
    >>> first = buffer(keras.ops.zeros((2, 1)), training=True)
    >>> keras.ops.convert_to_numpy(buffer(keras.ops.ones((2, 1)), training=True)).tolist()
    [[0.0], [0.0]]

    Reference:
        Shrivastava et al. 2017, "Learning from Simulated and Unsupervised Images through
        Adversarial Training": https://arxiv.org/abs/1612.07828
    """

    def __init__(self, capacity: int = 50, share: float = 0.5, seed: int | None = None, **kwargs):
        super().__init__(seed, **kwargs)
        if not 0 < share <= 1:
            raise ValueError(f"share must be above 0 and at most 1, got {share!r}")
        self.capacity = check_count("capacity", capacity)
        self.share = share

    def build(self, input_shape):
        if None in input_shape[1:]:
            raise ValueError(
                f"{self.name} needs rows of a defined shape, got inputs of shape {input_shape}"
            )
        shape = (self.capacity, *input_shape[1:])
        self.rows = self.add_state("rows", shape, 0.0, "only_first_replica")
        self.filled = self.add_state("filled", (self.capacity,), 0.0, "only_first_replica")

    def call(self, inputs, training=False):
        if not training:
            return inputs
        # In whole numbers, so that the count is a constant where the batch is.
        count = ops.shape(inputs)[0] * round(1000 * self.share) // 1000
        places = random.shuffle(ops.arange(self.capacity), seed=self.seed_generator)[:count]
        count = ops.shape(places)[0]
        present = ops.stop_gradient(inputs)
        entering = ops.cast(present[:count], self.rows.dtype)
        known = ops.reshape(
            ops.take(self.filled.value, places, axis=0), (-1, *[1] * (len(inputs.shape) - 1))
        )
        leaving = ops.where(known > 0, ops.take(self.rows.value, places, axis=0), entering)
        self.rows.assign(ops.scatter_update(self.rows.value, places[:, None], entering))
        self.filled.assign(
            ops.scatter_update(self.filled.value, places[:, None], ops.ones_like(places, "float32"))
        )
        return ops.concatenate([ops.cast(leaving, present.dtype), present[count:]], axis=0)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "capacity": self.capacity, "share": self.share}
