"""An encoder and a decoder that learn a distribution of images, under plain `fit`."""

import math

import keras
from keras import ops, random

from ...errors import UserError
from ...layers import GaussianSample
from ...layers.seed_stream import SeedStream, of_rows
from ..model import FromRecipe
from ..rows_mean import ROWS_MEAN
from .likelihoods import LIKELIHOODS

BINARIZATIONS = (None, "threshold", "stochastic")


@keras.saving.register_keras_serializable("amalthea")
class VariationalModel(FromRecipe, keras.Model):
    """A decoder of images from standard normal codes, and an encoder that guesses their codes.

    A step of `fit` raises a lower bound of the log-likelihood of the images: with one sample the
    evidence lower bound, whose divergence is computed in closed form, with more the
    importance-weighted one. Metrics are in nats for each image, and bits for each pixel and channel
    where those have discrete values: `reconstruction`, minus the mean log-likelihood given a code;
    `kl`, the divergence of the codes from the prior; `negative_bound`, minus the bound itself: with
    one sample their sum, whatever weights they have in the loss.

    Args:
        encoder: A functional model from images, and classes, one-hot, in a conditional model, to
            means and log-variances of codes, `(batch, 2 · latent_dim)`.
        decoder: A functional model from codes, and classes, to outputs in the shape of the images,
            whose sigmoids are the means of the pixels.
        likelihood: `"bernoulli"`, `"gaussian"` or `"discretized_logistic"`; the scale of the latter
            two is learnt, one for all pixels.
        binarization: What pixels become before anything else: `"stochastic"` draws them anew in
            each step, 1 with their value as probability, and takes that value itself where nothing
            is drawn, as in a reconstruction; `"threshold"` makes those of at least ½ 1 and the
            others 0; None leaves them as they are.
        beta: Weight of the divergence in the loss, at least 0.
        samples: Codes drawn for each image, at least 1.
        free_bits: Divergence of each dimension of the code, averaged over a batch, in nats, below
            which it is not lowered further; at least 0, and 0 with several samples.
        seed: Seed of all that is drawn.
        **kwargs: Arguments of `keras.Model`.

    Attributes:
        kl_weight: A weight of the model, with which `beta` is multiplied: 1, or what a callback
            such as `amalthea.callbacks.KLWarmUp` assigns.

    Call arguments:
        inputs: Images, `(batch, height, width, channels)`.
        training: In training there is no output: the loss calls the networks itself.

    Returns:
        Reconstructions, from the means of the codes, in the shape of the images; of a conditional
        model those of the class under which the image is most probable.

    Raises:
        ValueError: If an argument is out of its range.

    Reference:
        Kingma & Welling 2013, "Auto-Encoding Variational Bayes": https://arxiv.org/abs/1312.6114;
        Burda et al. 2015 for several samples: https://arxiv.org/abs/1509.00519;
        Higgins et al. 2017 for β: https://openreview.net/forum?id=Sy2fzU9gl;
        Kingma et al. 2016 for free bits: https://arxiv.org/abs/1606.04934
    """

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        *,
        likelihood: str = "bernoulli",
        binarization: str | None = None,
        beta: float = 1.0,
        samples: int = 1,
        free_bits: float = 0.0,
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
        if binarization and likelihood != "bernoulli":
            raise UserError(
                f"binarization must be None with the likelihood {likelihood!r}, "
                f"got {binarization!r}"
            )
        for name, value in (("beta", beta), ("free_bits", free_bits)):
            if not value >= 0:
                raise ValueError(f"{name} must be at least 0, got {value!r}")
        if free_bits and samples > 1:
            raise UserError(f"free_bits must be 0 with several samples, got {free_bits!r}")
        self.encoder = encoder
        self.decoder = decoder
        self.likelihood = likelihood
        self.binarization = binarization
        self.beta = beta
        self.samples = samples
        self.free_bits = free_bits
        self.seed = seed
        self.num_classes = decoder.inputs[1].shape[-1] if len(decoder.inputs) > 1 else None
        self.posterior = GaussianSample(samples, seed=seed, name="posterior", dtype="float32")
        self.posterior.build(encoder.outputs[0].shape)
        self.kl_weight = self.add_weight(
            name="kl_weight", shape=(), initializer="ones", trainable=False, autocast=False
        )
        self.log_scale = None
        if (start := LIKELIHOODS[likelihood].log_scale) is not None:
            self.log_scale = self.add_weight(
                name="log_scale",
                shape=(),
                initializer=keras.initializers.Constant(start),
                autocast=False,
            )
        names = ["reconstruction", "kl", "negative_bound"]
        if LIKELIHOODS[likelihood].discrete:
            names.append("bits_per_dim")
        self.seen = [keras.metrics.Mean(name) for name in names]
        self.built = True

    @property
    def inputs(self):
        """The images, symbolically: a list of one."""
        return self.encoder.inputs[:1]

    @property
    def latent_dim(self) -> int:
        """Dimensions of the code."""
        return self.decoder.inputs[0].shape[-1]

    def call(self, inputs, training=False):
        if training:
            return None
        if not self.num_classes:
            return self.decode(self.encode(inputs)[0])
        return self._likeliest(inputs)

    def encode(self, images, labels=None):
        """Means and log-variances of the codes of images, `(batch, latent_dim)` each.

        Args:
            images: `(batch, height, width, channels)`.
            labels: Classes, `(batch,)`, of a conditional model.
        """
        return ops.split(self._statistics(self.observed(images), labels, False), 2, axis=-1)

    def decode(self, codes, labels=None):
        """Images, the means of their pixels, `(batch, height, width, channels)`, made of codes.

        Args:
            codes: `(batch, latent_dim)`.
            labels: Classes, `(batch,)`, of a conditional model.
        """
        outputs = self.decoder(self._with_classes(codes, labels), training=False)
        return ops.sigmoid(ops.cast(outputs, "float32"))

    def codes(self, count, seed):
        """Codes drawn from the prior: `(count, latent_dim)`."""
        return random.normal((count, self.latent_dim), seed=seed)

    def observed(self, images, seed=None):
        """Images as the model takes them: made binary, where it does that.

        Args:
            images: `(batch, height, width, channels)`.
            seed: Seed of pixels that are drawn; without one they stay as they are, their means.
        """
        images = ops.cast(images, "float32")
        if self.binarization == "threshold":
            return ops.cast(images >= 0.5, "float32")
        if self.binarization is None or seed is None:
            return images
        return ops.cast(random.uniform(ops.shape(images), seed=seed) < images, "float32")

    def log_weights(self, images, labels, samples: int, seed):
        """Logarithms of the importance weights `p(x, z) / q(z | x)` of codes drawn for images.

        The mean of the weights is an unbiased estimate of the likelihood.

        Args:
            images: `(batch, height, width, channels)`, as `observed` gives them.
            labels: Classes, `(batch,)`, of a conditional model; else None.
            samples: Codes drawn for each image.
            seed: Seed of the draws, as `keras.random` takes it.

        Returns:
            In nats, `(samples, batch)`.
        """
        statistics = self._statistics(images, labels, training=False)
        codes = self.posterior.draw(statistics, samples, seed)
        log_likelihood = self._log_likelihood(images, labels, codes, training=False)
        return log_likelihood + _log_ratio(statistics, codes)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        # A bound that is reported between steps is always drawn alike.
        seeds = of_rows(self.posterior.seed_generator if training else SeedStream(0), x)
        images, labels = self.observed(x, seeds), y if self.num_classes else None
        statistics = self._statistics(images, labels, training)
        codes = self.posterior.draw(statistics, self.samples, seeds)
        log_likelihood = self._log_likelihood(images, labels, codes, training)  # (samples, batch)
        divergences = _divergences(statistics)  # (batch, latent_dim)
        reconstruction, kl = -ops.mean(log_likelihood, axis=0), ops.sum(divergences, axis=-1)
        beta = self.beta * self.kl_weight.value
        if self.samples == 1:
            loss, bound = reconstruction + beta * self._kept(divergences), reconstruction + kl
        else:
            log_ratio = _log_ratio(statistics, codes)
            loss = -_log_mean(log_likelihood + beta * log_ratio)
            bound = -_log_mean(log_likelihood + log_ratio)
        dims = math.prod(self.inputs[0].shape[1:])
        self._see(
            reconstruction=reconstruction,
            kl=kl,
            negative_bound=bound,
            bits_per_dim=bound / (dims * math.log(2)),
        )
        return ROWS_MEAN(loss, loss, sample_weight)

    def _kept(self, divergences):
        """The divergence of each row, `(batch,)`, but for dimensions that are below their share."""
        if self.free_bits:
            mean = ops.stop_gradient(ops.mean(divergences, axis=0, keepdims=True))
            divergences = ops.where(mean > self.free_bits, divergences, self.free_bits)
        return ops.sum(divergences, axis=-1)

    def _statistics(self, images, labels, training):
        """Means and log-variances of codes in one, `(batch, 2 · latent_dim)`."""
        given = self._with_classes(images, labels)
        return ops.cast(self.encoder(given, training=training), "float32")

    def _log_likelihood(self, images, labels, codes, training):
        """Of images given codes, `(samples, batch, latent_dim)`: `(samples, batch)`."""
        samples = codes.shape[0]
        if labels is not None:
            labels = ops.tile(ops.reshape(labels, (-1,)), (samples,))
        rows = self._with_classes(ops.reshape(codes, (-1, codes.shape[-1])), labels)
        outputs = ops.cast(self.decoder(rows, training=training), "float32")
        outputs = ops.reshape(outputs, (samples, -1, *outputs.shape[1:]))
        return self._log_probability(images, outputs)

    def _log_probability(self, images, outputs):
        """Of images given outputs of the decoder, `(…, height, width, channels)`: `(…)`."""
        log_probability = LIKELIHOODS[self.likelihood].log_probability
        log_scale = None if self.log_scale is None else self.log_scale.value
        return ops.sum(log_probability(images, outputs, log_scale), axis=(-3, -2, -1))

    def _likeliest(self, images):
        """Reconstructions under the class with the best bound, taken at the mean code."""
        images, outputs, bounds = self.observed(images), [], []
        for label in range(self.num_classes):
            labels = ops.full(ops.shape(images)[:1], label, dtype="int32")
            statistics = self._statistics(images, labels, training=False)
            mean, _ = ops.split(statistics, 2, axis=-1)
            outputs.append(self.decoder(self._with_classes(mean, labels), training=False))
            outputs[-1] = ops.cast(outputs[-1], "float32")
            bound = self._log_probability(images, outputs[-1])
            bounds.append(bound - ops.sum(_divergences(statistics), axis=-1))
        best = ops.one_hot(ops.argmax(ops.stack(bounds, axis=1), axis=1), self.num_classes)
        images = ops.sigmoid(ops.stack(outputs, axis=1))  # (batch, classes, height, …)
        return ops.sum(ops.reshape(best, (-1, self.num_classes, 1, 1, 1)) * images, axis=1)

    def _with_classes(self, rows, labels):
        """What a network takes: the rows, and in a conditional model their classes, one-hot."""
        if not self.num_classes:
            return rows
        if labels is None:
            raise UserError(
                "a conditional model learns from images and their labels, got no labels"
            )
        rows = ops.convert_to_tensor(rows)
        labels = ops.reshape(ops.cast(ops.convert_to_tensor(labels), "int32"), (-1,))
        return [rows, ops.one_hot(labels, self.num_classes)]

    def _see(self, **values):
        for metric in self.seen:
            metric.update_state(ops.stop_gradient(values[metric.name]))

    def get_config(self):
        return {
            **super().get_config(),
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "decoder": keras.saving.serialize_keras_object(self.decoder),
            "likelihood": self.likelihood,
            "binarization": self.binarization,
            "beta": self.beta,
            "samples": self.samples,
            "free_bits": self.free_bits,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        for name in ("encoder", "decoder"):
            config[name] = keras.saving.deserialize_keras_object(config[name], custom_objects)
        return cls(**config)


def _divergences(statistics):
    """Of each dimension of Gaussian codes from the prior, in nats: `(batch, latent_dim)`."""
    mean, log_variance = ops.split(statistics, 2, axis=-1)
    return (ops.square(mean) + ops.exp(log_variance) - 1 - log_variance) / 2


def _log_ratio(statistics, codes):
    """`log p(z) − log q(z | x)` of codes, `(samples, batch, latent_dim)`: `(samples, batch)`."""
    mean, log_variance = ops.split(statistics, 2, axis=-1)
    squared = ops.square(codes - mean) * ops.exp(-log_variance)
    return ops.sum(squared + log_variance - ops.square(codes), axis=-1) / 2


def _log_mean(log_weights):
    """Logarithm of the mean of the weights of each image, `(samples, batch)`: `(batch,)`."""
    return ops.logsumexp(log_weights, axis=0) - math.log(log_weights.shape[0])
