"""A layer that draws random numbers and keeps running values, all saved with it."""

import keras
from keras import initializers, ops, random


class SeededLayer(keras.layers.Layer):
    """Base of the layers that draw: the state of their random generator is a part of their own.

    Keras leaves that state out of saved models, so that a training that goes on would draw other
    numbers than one that was never interrupted.

    Args:
        seed: Seed of all that is drawn.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)

    def add_state(self, name: str, shape: tuple[int, ...], value: float, aggregation="mean"):
        """A weight that is no parameter, `value` at first; of the replicas' values the mean."""
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=initializers.Constant(value),
            trainable=False,
            autocast=False,  # a running mean needs all its digits
            aggregation=aggregation,
        )

    def save_own_variables(self, store):
        super().save_own_variables(store)
        store["seed_generator"] = ops.convert_to_numpy(self.seed_generator.state)

    def load_own_variables(self, store):
        self.seed_generator.state.assign(store["seed_generator"])
        names = [name for name in store.keys() if name != "seed_generator"]  # noqa: SIM118
        super().load_own_variables({name: store[name] for name in names})

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}
