"""A network that gives each pixel's distribution by the pixels before it, under plain `fit`."""

import math

import keras
import numpy as np
from keras import ops, random

from ...errors import UserError
from ...layers.seed_stream import SeedStream, of_rows
from ..autoencoders.variational_model import BINARIZATIONS
from ..model import FromRecipe
from ..rows_mean import ROWS_MEAN
from .likelihoods import BERNOULLI, LARGEST, LIKELIHOODS, SMALLEST, likelihood_of
from .raster import Raster


@keras.saving.register_keras_serializable("amalthea")
class AutoregressiveModel(FromRecipe, keras.Model):
    """A distribution of images, as a product of those of their pixels, each by earlier ones.

    Pixels are in raster order: rows downwards, each from left to right, and the channels of a pixel
    one after another. A step of `fit` raises the log-likelihood of the images. The loss is its
    mean in nats for each image, with the sign turned; `bits_per_dim` is the same in bits for each
    pixel and channel.

    Args:
        network: A functional model from images, and classes, one-hot, in a conditional model, to
            outputs, `(batch, height, width, outputs · channels)`, the channels by turns, of which
            those of a channel depend on earlier pixels and channels alone.
        likelihood: What outputs say of a pixel: `"bernoulli"` of 0 and 1, `"categorical"` of all
            levels, `"logistic_mixture"` of all levels by a mixture of discretized logistic
            distributions.
        levels: How many values a pixel has, evenly from 0 to 1, where it is not 0 or 1; 256 where
            not given.
        components: Of a mixture, how many distributions it is of.
        binarization: Under `"bernoulli"`, what pixels become before anything else: `"stochastic"`
            draws them anew in each step, 1 with their value as probability; `"threshold"` makes
            those of at least ½ 1 and the others 0. The former where not given.
        seed: Seed of what is drawn.
        **kwargs: Arguments of `keras.Model`.

    Call arguments:
        inputs: Images, `(batch, height, width, channels)`.
        training: In training there is no output: the loss calls the network itself.

    Returns:
        What the network says of each pixel, `(batch, height, width, outputs, channels)`; of a
        conditional model under the class that makes the image most probable.

    Raises:
        ValueError: If the likelihood or the binarization is unknown.
        UserError: If levels are given for a likelihood of 0 and 1, or a binarization for another.

    Reference:
        van den Oord, Kalchbrenner & Kavukcuoglu 2016, "Pixel Recurrent Neural Networks":
        https://arxiv.org/abs/1601.06759
    """

    def __init__(
        self,
        network: keras.Model,
        *,
        likelihood: str = "bernoulli",
        levels: int | None = None,
        components: int = 10,
        binarization: str | None = None,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if likelihood not in LIKELIHOODS:
            names = ", ".join(LIKELIHOODS)
            raise ValueError(f"likelihood must be one of {names}, got {likelihood!r}")
        if binarization not in BINARIZATIONS:
            names = ", ".join(map(str, BINARIZATIONS))
            raise ValueError(f"binarization must be one of {names}, got {binarization!r}")
        if binarization and likelihood != BERNOULLI:
            raise UserError(
                f"binarization must be None with the likelihood {likelihood!r}, "
                f"got {binarization!r}"
            )
        if levels and likelihood == BERNOULLI:
            raise UserError(f"levels must be None with the likelihood 'bernoulli', got {levels!r}")
        self.network = network
        self.likelihood = likelihood
        self.levels = levels
        self.components = components
        self.binarization = binarization
        self.seed = seed
        self.num_classes = network.inputs[1].shape[-1] if len(network.inputs) > 1 else None
        self.seed_generator = random.SeedGenerator(seed)
        self.seen = keras.metrics.Mean("bits_per_dim")
        self._pixels = likelihood_of(likelihood, levels, components)
        self.built = True

    @property
    def inputs(self):
        """The images, symbolically: a list of one."""
        return self.network.inputs[:1]

    @property
    def dims(self) -> int:
        """How many values an image has."""
        return math.prod(self.inputs[0].shape[1:])

    def call(self, inputs, training=False):
        if training:
            return None
        images = self.observed(inputs)
        if not self.num_classes:
            return self._outputs(images, None, False)
        outputs, best = None, None
        for label in range(self.num_classes):
            labels = ops.full(ops.shape(images)[:1], label, dtype="int32")
            under = self._outputs(images, labels, False)
            log_likelihood = self._log_likelihood(images, under)
            if outputs is None:
                outputs, best = under, log_likelihood
                continue
            better = ops.reshape(log_likelihood > best, (-1, 1, 1, 1, 1))
            outputs, best = ops.where(better, under, outputs), ops.maximum(log_likelihood, best)
        return outputs

    def observed(self, images, seed=None):
        """Images as the model knows them: made binary, or rounded to the levels.

        Args:
            images: `(batch, height, width, channels)`, values in [0, 1].
            seed: Seed of what is drawn; without one the draw is the same for all images.
        """
        images = ops.cast(images, "float32")
        if self.likelihood != BERNOULLI:
            steps = self._pixels.levels - 1
            return ops.round(images * steps) / steps
        if self.binarization == "threshold":
            return ops.cast(images >= 0.5, "float32")
        if seed is None:  # a constant, which every format of exported models takes
            uniforms = np.random.default_rng(0).random((1, *images.shape[1:]), dtype="float32")
        else:
            uniforms = random.uniform(ops.shape(images), seed=seed)
        return ops.cast(uniforms < images, "float32")

    def log_likelihood(self, images, labels=None):
        """Log-likelihoods of images in nats, `(batch,)`.

        Args:
            images: `(batch, height, width, channels)`, as `observed` gives them.
            labels: Classes, `(batch,)`, of a conditional model.
        """
        return self._log_likelihood(images, self._outputs(images, labels, False))

    def sample(self, given, known, seed, temperature=1.0, labels=None):
        """Images that are drawn pixel by pixel, at the cost of one pass over them.

        Args:
            given: Images, `(batch, height, width, channels)`, as `observed` gives them.
            known: Where their pixels are kept, True or False, in the same shape.
            seed: A number on which all that is drawn depends.
            temperature: 0 for the most probable value of each pixel, 1 for one by its probability.
            labels: Classes, `(batch,)`, of a conditional model.

        Returns:
            The images, and what the network says of each of their pixels, as a call does.
        """
        raster, pixels = Raster(self.network), self._pixels
        temperature = ops.cast(temperature, "float32")  # of an endpoint, Keras may cast it lower
        channels = self.inputs[0].shape[-1]
        shape = (self.inputs[0].shape[2], ops.shape(given)[0], channels, pixels.uniforms)

        def choose(outputs, channel, given, uniforms):
            of_channel = ops.cast(outputs[:, channel::channels], "float32")
            drawn = pixels.sample(of_channel, uniforms[:, channel], temperature)
            return ops.where(given[:, 1, channel] > 0, given[:, 0, channel], drawn)

        def uniforms(row):
            return random.uniform(shape, SMALLEST, LARGEST, seed=SeedStream(seed, row))

        given = ops.stack([given, ops.cast(known, given.dtype)], axis=-2)
        images, outputs = raster.scan(given, choose, uniforms, *self._beside(labels))
        return images, self._by_channel(outputs)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        images = self.observed(x, of_rows(self.seed_generator, x) if training else None)
        outputs = self._outputs(images, y if self.num_classes else None, training)
        loss = -self._log_likelihood(images, outputs)
        self.seen.update_state(ops.stop_gradient(loss) / (self.dims * math.log(2)))
        return ROWS_MEAN(loss, loss, sample_weight)

    def _outputs(self, images, labels, training):
        beside = self._beside(labels)
        outputs = self.network([images, *beside] if beside else images, training=training)
        return self._by_channel(outputs)

    def _by_channel(self, outputs):
        """From `(…, outputs · channels)` to `(…, outputs, channels)`."""
        shape = (-1, *outputs.shape[1:-1], self._pixels.outputs, self.inputs[0].shape[-1])
        return ops.cast(ops.reshape(outputs, shape), "float32")

    def _log_likelihood(self, images, outputs):
        return ops.sum(self._pixels.log_probability(images, outputs), axis=(-3, -2, -1))

    def _beside(self, labels) -> list:
        """What the network takes beside images: in a conditional model their classes, one-hot."""
        if not self.num_classes:
            return []
        if labels is None:
            raise UserError(
                "a conditional model learns from images and their labels, got no labels"
            )
        labels = ops.reshape(ops.cast(ops.convert_to_tensor(labels), "int32"), (-1,))
        return [ops.one_hot(labels, self.num_classes)]

    def get_config(self):
        return {
            **super().get_config(),
            "network": keras.saving.serialize_keras_object(self.network),
            "likelihood": self.likelihood,
            "levels": self.levels,
            "components": self.components,
            "binarization": self.binarization,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        network = keras.saving.deserialize_keras_object(config["network"], custom_objects)
        return cls(**{**config, "network": network})
