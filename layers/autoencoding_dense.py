"""A dense layer that learns by itself to give back its input."""

import keras
from keras import ops

from .boltzmann_gradient import frozen
from .corruption import Corruption
from .kept_loss import KeptLoss
from .tied import TiedDense


@keras.saving.register_keras_serializable("amalthea")
class AutoencodingDense(KeptLoss, TiedDense):
    """Logistic layer that learns as an autoencoder of its own while it is `learning`.

    It is a `TiedDense` of logistic units. While it learns, calling it forward adds its own loss:
    the cross-entropy of a unit between its inputs and what it reconstructs of them, corrupted
    where there is noise. No gradient of that loss flows into what lies below. A callback such as
    `amalthea.callbacks.GreedyLayerwise` lets one layer of a stack learn after another.

    Args:
        units: Size of the forward output, at least 1.
        corruption: Probability of each input to be 0 in what is reconstructed, in [0, 1).
        learning: Whether the layer's own loss is added.
        seed: Seed of the noise.
        **kwargs: Arguments of `TiedDense`, but for the activations, which are logistic.

    Call arguments:
        inputs: `(batch, features)` in [0, 1] forward, `(batch, units)` in reverse.
        reverse: Whether to run from the units back to the features.
        training: Whether there is noise.

    Returns:
        `(batch, units)` forward, `(batch, features)` in reverse, in [0, 1].

    Raises:
        ValueError: If `units` is below 1, an activation is given, `corruption` is out of its range,
            or `learning` is neither True nor False.

    Example:
    >>> import keras
    >>> from amalthea.layers import AutoencodingDense
    >>> layer = AutoencodingDense(2, learning=True)
    >>> tuple(layer(keras.ops.ones((3, 5))).shape), len(layer.losses)
    ((3, 2), 1)

    Reference:
        Bengio et al. 2007, "Greedy Layer-Wise Training of Deep Networks":
        https://papers.nips.cc/paper/3048;
        Vincent et al. 2010, "Stacked Denoising Autoencoders", for the noise:
        https://jmlr.org/papers/v11/vincent10a.html
    """

    def __init__(
        self,
        units: int,
        *,
        corruption: float = 0.0,
        learning: bool = False,
        seed: int | None = None,
        **kwargs,
    ):
        for name in ("activation", "reverse_activation"):
            if name in kwargs:
                raise ValueError(f"{name} is logistic, got {kwargs[name]!r}")
        if not 0 <= corruption < 1:
            raise ValueError(f"corruption must be at least 0 and below 1, got {corruption!r}")
        super().__init__(units, activation="sigmoid", reverse_activation="sigmoid", **kwargs)
        if not isinstance(learning, bool):
            raise ValueError(f"learning must be True or False, got {learning!r}")
        self.noise = Corruption("masking", corruption, seed=seed, name="noise")
        self.corruption = corruption
        self.learning = learning
        self.seed = seed

    def call(self, inputs, reverse=False, training=False):
        if reverse:
            self.keep_loss()
        else:
            self.add_kept_loss(self._loss(inputs, training) if self.learning else self._rest())
        return super().call(inputs, reverse)

    def _loss(self, inputs, training):
        inputs = ops.stop_gradient(inputs)
        hidden = super().call(self.noise(inputs, training=training))
        # Of logits in full precision: a sigmoid that is 1 to rounding has no gradient.
        inputs, logits = (
            ops.cast(x, self.variable_dtype) for x in (inputs, self.linear(hidden, reverse=True))
        )
        return ops.mean(ops.binary_crossentropy(inputs, logits, from_logits=True))

    def _rest(self):
        return frozen(self.trainable_weights)

    def get_config(self):
        config = super().get_config()
        del config["activation"], config["reverse_activation"]
        return {
            **config,
            "corruption": self.corruption,
            "learning": self.learning,
            "seed": self.seed,
        }
