"""A restricted Boltzmann machine over features and a label."""

import keras
from keras import ops

from ..checks import check_count
from .rbm import RBM
from .seed_stream import SeedStream
from .units import WithSoftmax


@keras.saving.register_keras_serializable("amalthea")
class LabelledRBM(keras.layers.Layer):
    """Restricted Boltzmann machine whose visible units are features and a label.

    The label is a softmax group beside the features. From features it computes the score of each
    class: minus the free energy of the features with that label, so that the softmax of the scores
    is the exact `p(label | features)`.

    From features and labels it computes a loss instead, whose gradient is that of contrastive
    divergence. A model adds it where labels are known, in `compute_loss`.

    Args:
        hidden: Number of hidden units, at least 1.
        num_classes: Number of classes, at least 2.
        learning: Whether the loss is that of the machine, or 0.
        seed: Seed of all that is drawn.
        settings: Other arguments of its `RBM`, such as `gibbs_steps`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Features, `(batch, features)`.
        labels: Whole numbers, `(batch,)` or `(batch, 1)`; below 0 for rows without a label, for
            which one is drawn from `p(label | features)`.
        training: Whether the loss has a gradient, and chains and running means move.

    Returns:
        Scores, `(batch, num_classes)`; with labels the loss, a scalar.

    Raises:
        ValueError: If an argument is out of its range, or the last axis of the input is undefined.

    Example:
    >>> import keras
    >>> from amalthea.layers import LabelledRBM
    >>> machine = LabelledRBM(4, num_classes=3)
    >>> tuple(machine(keras.ops.ones((2, 5))).shape)
    (2, 3)

    Reference:
        Hinton, Osindero & Teh 2006, "A Fast Learning Algorithm for Deep Belief Nets":
        https://doi.org/10.1162/neco.2006.18.7.1527;
        Larochelle & Bengio 2008, "Classification using Discriminative Restricted Boltzmann
        Machines": https://doi.org/10.1145/1390156.1390224
    """

    def __init__(
        self,
        hidden: int,
        num_classes: int,
        learning: bool = True,
        seed: int | None = None,
        settings: dict | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.hidden = hidden
        self.num_classes = check_count("num_classes", num_classes, least=2)
        self.seed = seed
        self.settings = dict(settings or {})
        self.rbm = RBM(
            hidden,
            softmax=(1, num_classes),
            learning=learning,
            seed=seed,
            dtype=self.dtype_policy,
            name="rbm",
            **self.settings,
        )
        self._label = WithSoftmax(1, num_classes)

    def build(self, input_shape):
        if input_shape[-1] is None:
            raise ValueError(
                f"{self.name} needs a defined last axis, got inputs of shape {input_shape}"
            )
        self.rbm.build((None, input_shape[-1] + self.num_classes))

    @property
    def learning(self) -> bool:
        """Whether the machine learns."""
        return self.rbm.learning

    @learning.setter
    def learning(self, value: bool):
        self.rbm.learning = value

    def call(self, inputs, labels=None, training=False):
        return self._scores(inputs) if labels is None else self._loss(inputs, labels, training)

    def _scores(self, inputs):
        count = inputs.shape[-1]
        kernel, biases = self.rbm.kernel, self.rbm.visible_biases
        hidden = ops.matmul(inputs, kernel[:count]) + self.rbm.hidden_bias
        with_label = ops.expand_dims(hidden, 1) + kernel[count:]  # (batch, num_classes, hidden)
        own = ops.expand_dims(ops.matmul(inputs, biases[:count]), 1) + biases[count:]
        return own + ops.sum(ops.softplus(with_label), axis=-1)

    def _loss(self, features, labels, training):
        labels = ops.reshape(labels, (-1, 1))
        on = ops.one_hot(labels[:, 0], self.num_classes, dtype=self.compute_dtype)
        likely = ops.softmax(ops.cast(self._scores(features), "float32"))
        if training:
            likely = self._label.draw(likely, SeedStream(self.rbm.seed_generator.next()))
        likely = ops.stop_gradient(ops.cast(likely, self.compute_dtype))
        visible = ops.concatenate([features, ops.where(labels < 0, likely, on)], axis=1)
        return self.rbm.loss(ops.stop_gradient(visible), training)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.num_classes)

    def get_config(self):
        return {
            **super().get_config(),
            "hidden": self.hidden,
            "num_classes": self.num_classes,
            "learning": self.learning,
            "seed": self.seed,
            "settings": self.settings,
        }
