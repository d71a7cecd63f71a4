"""Restricted Boltzmann machines that join features of an image and a caption."""

import keras
from keras import ops

from ..checks import check_count
from .rbm import RBM
from .seed_stream import SeedStream


@keras.saving.register_keras_serializable("amalthea")
class CaptionedRBM(keras.layers.Layer):
    """Two restricted Boltzmann machines: one over a caption, one over its features and an image's.

    A caption is a short sequence of words, each a softmax group of the lower machine's visible
    units. From features of an image the layer computes the probabilities of the caption's words, by
    mean field in the joint machine and one pass down.

    From features and captions it computes a loss instead, whose gradient is that of contrastive
    divergence. A model adds it where captions are known, in `compute_loss`.

    Args:
        hidden: Number of hidden units of the joint machine, at least 1.
        caption_units: Number of hidden units of the machine over captions, at least 1.
        caption_length: Number of words of a caption, at least 1.
        vocabulary_size: Number of different words, at least 2.
        mean_field_steps: How often caption features and joint units are adjusted to each other.
        learning: `"captions"` or `"joint"` for one of the machines, True for both, False for none.
            A callback may change it between epochs.
        seed: Seed of all that is drawn.
        settings: Other arguments of each `RBM`, such as `gibbs_steps`; if it does not say, chains
            end with `visible_means`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Features of images, `(batch, features)`.
        words: Whole numbers, `(batch, caption_length)`; `(batch,)` for captions of one word.
        training: Whether the loss has a gradient, and chains and running means move.

    Returns:
        Probabilities of words, `(batch, caption_length, vocabulary_size)`; with words the loss of
        both machines, a scalar.

    Raises:
        ValueError: If an argument is out of its range, or the last axis of the input is undefined.

    Example:
    >>> import keras
    >>> from amalthea.layers import CaptionedRBM
    >>> machine = CaptionedRBM(4, caption_units=3, caption_length=2, vocabulary_size=6)
    >>> tuple(machine(keras.ops.ones((1, 5))).shape)
    (1, 2, 6)

    Reference:
        Ngiam et al. 2011, "Multimodal Deep Learning":
        https://icml.cc/2011/papers/399_icmlpaper.pdf;
        Srivastava & Salakhutdinov 2012, "Learning Representations for Multimodal Data with Deep
        Belief Nets": https://www.cs.toronto.edu/~rsalakhu/papers/Multimodal_DBN.pdf
    """

    def __init__(
        self,
        hidden: int,
        caption_units: int,
        caption_length: int,
        vocabulary_size: int,
        mean_field_steps: int = 10,
        learning: bool | str = True,
        seed: int | None = None,
        settings: dict | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.hidden = hidden
        self.caption_units = caption_units
        self.caption_length = check_count("caption_length", caption_length)
        self.vocabulary_size = check_count("vocabulary_size", vocabulary_size, least=2)
        self.mean_field_steps = check_count("mean_field_steps", mean_field_steps)
        self.seed = seed
        self.settings = dict(settings or {})
        # The joint machine learns from features, which are means. The one over captions has to make
        # such features, that tell the words; the likelihood alone asks only for what words have to
        # do with each other, and leaves the rest to the biases.
        common = {"visible_means": True, "seed": seed, "dtype": self.dtype_policy, **self.settings}
        words = (caption_length, vocabulary_size)
        self.captions = RBM(caption_units, softmax=words, name="captions", **common)
        self.joint = RBM(hidden, name="joint", **common)
        self.learning = learning

    def build(self, input_shape):
        if input_shape[-1] is None:
            raise ValueError(
                f"{self.name} needs a defined last axis, got inputs of shape {input_shape}"
            )
        self.captions.build((None, self.caption_length * self.vocabulary_size))
        self.joint.build((None, input_shape[-1] + self.caption_units))

    @property
    def learning(self) -> bool | str:
        """Which machines learn."""
        return self._learning

    @learning.setter
    def learning(self, value: bool | str):
        if value not in (True, False, "captions", "joint"):
            raise ValueError(f"learning must be 'captions', 'joint', True or False, got {value!r}")
        self._learning = value
        self.captions.learning = value in (True, "captions")
        self.joint.learning = value in (True, "joint")

    def call(self, inputs, words=None, training=False):
        return self._likely(inputs) if words is None else self._loss(inputs, words, training)

    def _likely(self, inputs):
        count = inputs.shape[-1]
        average = self.joint.visible_average[:, count:]
        caption = ops.broadcast_to(average, (ops.shape(inputs)[0], self.caption_units))
        for _ in range(self.mean_field_steps):
            visible = ops.concatenate([inputs, caption], axis=1)
            caption = self.joint.visible_mean(self.joint.hidden_mean(visible))[:, count:]
        return self.words(self.captions.visible_mean(caption))

    def words(self, units):
        """Visible units of the machine over captions, `(batch, units)`, word by word."""
        return ops.reshape(units, (-1, self.caption_length, self.vocabulary_size))

    def caption_features(self, words):
        """Features of captions: whole numbers `(batch, caption_length)` to `(batch, units)`."""
        return self.captions.hidden_mean(self._units(words))

    def gibbs(self, features, caption, steps, seed, given=None):
        """Run Gibbs chains in the joint machine.

        Args:
            features: Features of images that the chains start at, `(batch, features)`.
            caption: Features of captions that they start at, `(batch, caption_units)`.
            steps: Number of steps, a number or a scalar tensor.
            seed: `(2,)` uint32 from a `keras.random.SeedGenerator`, or a number.
            given: `"features"` or `"caption"`, which then stay as they are; None for neither.

        Returns:
            The last states of both and the means they were drawn from: features, caption, means of
            features, means of caption.
        """
        visible = ops.concatenate([features, caption], axis=1)
        stays = [
            (ops.ones_like if given == name else ops.zeros_like)(part)
            for name, part in (("features", features), ("caption", caption))
        ]
        drawn = self.joint.gibbs(visible, steps, seed, ops.concatenate(stays, axis=1))
        count = features.shape[-1]
        return tuple(part for units in drawn for part in (units[:, :count], units[:, count:]))

    def draw_words(self, caption, seed):
        """Words drawn from features of captions: `(batch, units)` to `(batch, caption_length)`."""
        units = self.captions.draw_visible(self.captions.visible_mean(caption), SeedStream(seed))
        return ops.argmax(self.words(units), axis=-1)

    def _loss(self, features, words, training):
        units = self._units(words)
        visible = ops.concatenate([features, self.captions.hidden_mean(units)], axis=1)
        joint = self.joint.loss(ops.stop_gradient(visible), training)
        return joint + self.captions.loss(units, training)

    def _units(self, words):
        words = ops.reshape(ops.cast(words, "int32"), (-1, self.caption_length))
        on = ops.one_hot(words, self.vocabulary_size, dtype=self.compute_dtype)
        return ops.reshape(on, (-1, self.caption_length * self.vocabulary_size))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.caption_length, self.vocabulary_size)

    def get_config(self):
        return {
            **super().get_config(),
            "hidden": self.hidden,
            "caption_units": self.caption_units,
            "caption_length": self.caption_length,
            "vocabulary_size": self.vocabulary_size,
            "mean_field_steps": self.mean_field_steps,
            "learning": self.learning,
            "seed": self.seed,
            "settings": self.settings,
        }
