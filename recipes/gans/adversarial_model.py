"""Two networks that train against each other, under plain `fit`."""

import warnings
from collections.abc import Sequence

import keras
from keras import ops, random

from ...checks import check_count
from ...compatibility import keep_order
from ...layers import ReplayBuffer
from ...layers.input_gradient import input_gradient, values_and_gradient
from ...layers.seed_stream import of_rows
from ...layers.seeded_layer import SeededLayer
from ..model import FromRecipe
from ..rows_mean import ROWS_MEAN
from .games import GAMES
from .one_for_each import OneForEach
from .penalties import R1, Drift, GradientPenalty, Penalty, ScoredBatch
from .skip_zero_gradients import SkipZeroGradients

PRIORS = {
    "normal": lambda shape, seed: random.normal(shape, seed=seed),
    "uniform": lambda shape, seed: random.uniform(shape, -1.0, 1.0, seed=seed),
}


@keras.saving.register_keras_serializable("amalthea")
class AdversarialModel(FromRecipe, keras.Model):
    """A generator of images and a discriminator that tells them from real ones.

    Each step of `fit` moves both, from the same state: the discriminator down its loss on real
    and generated images, the generator down its own on what the discriminator makes of them. Each
    loss moves its own network alone.

    Args:
        generator: A functional model from latents, `(batch, latent_dim)`, to images; a conditional
            one also takes classes, one-hot, `(batch, num_classes)`.
        discriminator: A functional model from images, and classes if the generator takes them, to
            scores, `(batch, 1)`, large for real images.
        objective: `"non_saturating"`, `"minimax"`, `"least_squares"`, `"hinge"` or `"wasserstein"`.
        prior: Of the latents: `"normal"`, or `"uniform"` in [−1, 1].
        critic_steps: Steps of the discriminator for each of the generator, at least 1.
        penalties: What is added to the discriminator's loss: a list of `GradientPenalty`, `R1` and
            `Drift`.
        label_smoothing: Share of each real image that counts as generated, in [0, ½).
        instance_noise: Standard deviation of the noise on all that the discriminator sees.
        replay: Number of past generated images that are kept; of those that the discriminator
            learns from, half then come from there.
        average_decay: What the moving average of the generator keeps in each step, in [0, 1); with
            0 there is none.
        seed: Seed of all that is drawn.
        gradient_penalty: Deprecated, as `r1`, `r1_interval`, `drift` and `pixel_range` are: take
            `penalties`.
        r1: Deprecated.
        r1_interval: Deprecated.
        drift: Deprecated.
        pixel_range: Deprecated.
        **kwargs: Arguments of `keras.Model`.

    Call arguments:
        inputs: Images, `(batch, height, width, channels)`.
        training: In training there is no output: the loss calls the networks itself.

    Returns:
        Scores, `(batch, 1)`; of a conditional model as an image of each class,
        `(batch, num_classes)`.

    Raises:
        ValueError: If an argument is out of its range.

    Reference:
        Goodfellow et al. 2014, "Generative Adversarial Nets": https://arxiv.org/abs/1406.2661;
        Gulrajani et al. 2017 for the gradient penalty: https://arxiv.org/abs/1704.00028;
        Mescheder et al. 2018 for R1: https://arxiv.org/abs/1801.04406;
        Salimans et al. 2016 for label smoothing: https://arxiv.org/abs/1606.03498;
        Sønderby et al. 2016 for instance noise: https://arxiv.org/abs/1610.04490;
        Shrivastava et al. 2017 for replay: https://arxiv.org/abs/1612.07828;
        Yazici et al. 2018 for the average: https://arxiv.org/abs/1806.04498
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        objective: str = "non_saturating",
        *,
        prior: str = "normal",
        critic_steps: int = 1,
        penalties: Sequence[Penalty] = (),
        label_smoothing: float = 0.0,
        instance_noise: float = 0.0,
        replay: int = 0,
        average_decay: float = 0.0,
        seed: int | None = None,
        gradient_penalty: float = 0.0,
        r1: float = 0.0,
        r1_interval: int = 1,
        drift: float = 0.0,
        pixel_range: float = 1.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if objective not in GAMES:
            raise ValueError(f"objective must be one of {', '.join(GAMES)}, got {objective!r}")
        if prior not in PRIORS:
            raise ValueError(f"prior must be one of {', '.join(PRIORS)}, got {prior!r}")
        if replay and len(generator.inputs) > 1:
            raise ValueError(
                f"replay must be 0 where the generator takes classes, which it loses, got {replay}"
            )
        for name, value, end in (
            ("label_smoothing", label_smoothing, 0.5),
            ("instance_noise", instance_noise, float("inf")),
            ("average_decay", average_decay, 1),
        ):
            if not 0 <= value < end:
                raise ValueError(f"{name} must be at least 0 and below {end}, got {value!r}")
        self.generator = generator
        self.discriminator = discriminator
        self.objective = objective
        self.prior = prior
        self.critic_steps = check_count("critic_steps", critic_steps)
        old = [
            GradientPenalty(gradient_penalty, pixel_range) if gradient_penalty else None,
            R1(r1, r1_interval, pixel_range) if r1 else None,
            Drift(drift) if drift else None,
        ]
        self.penalties = [*penalties, *(penalty for penalty in old if penalty)]
        if len(self.penalties) > len(penalties):
            warnings.warn(
                "gradient_penalty, r1, r1_interval, drift and pixel_range become arguments of "
                f"penalties: give penalties={self.penalties}",
                DeprecationWarning,
                stacklevel=2,
            )
        self.label_smoothing = label_smoothing
        self.instance_noise = instance_noise
        self.replay = check_count("replay", replay, least=0)
        self.average_decay = average_decay
        self.seed = seed
        self.num_classes = generator.inputs[1].shape[-1] if len(generator.inputs) > 1 else None
        self.noise = SeededLayer(seed, name="noise")
        self.noise.built = True
        self.steps = self.noise.add_state("steps", (), 0.0)
        self.buffer = ReplayBuffer(replay, seed=seed, name="buffer") if replay else None
        if replay:
            self.buffer.build(generator.outputs[0].shape)
        self.average = None
        if average_decay:
            self.average = keras.models.clone_model(generator)
            self.average.set_weights(generator.get_weights())
            self.average.trainable = False
        self.seen = [
            keras.metrics.Mean(name)
            for name in ("discriminator_loss", "generator_loss", "real_score", "fake_score")
        ]
        self.built = True

    @property
    def inputs(self):
        """The images that the discriminator takes, symbolically: a list of one."""
        return self.discriminator.inputs[:1]

    def active(self, network: keras.Model) -> keras.Model:
        """The part of a network that is in use: here all of it."""
        return network

    @property
    def sampler(self) -> keras.Model:
        """The generator to sample from: its moving average where there is one."""
        return self.active(self.average or self.generator)

    def latents(self, count, seed):
        """Latents drawn from the prior: `(count, latent_dim)`."""
        return PRIORS[self.prior]((count, *self.generator.inputs[0].shape[1:]), seed)

    def call(self, inputs, training=False):
        if training:
            return None
        if not self.num_classes:
            return self.score(inputs)
        classes = ops.tile(ops.eye(self.num_classes)[:, None], (1, ops.shape(inputs)[0], 1))
        scores = [self.discriminator([inputs, classes[c]]) for c in range(self.num_classes)]
        return ops.concatenate(scores, axis=1)

    def generate(self, latents, labels=None):
        """Images, `(batch, height, width, channels)`, made of latents.

        Args:
            latents: `(batch, latent_dim)`.
            labels: Classes, `(batch,)`, of a conditional model.
        """
        return self.sampler(self._with_classes(latents, labels), training=False)

    def score(self, images, labels=None):
        """The discriminator's scores, `(batch, 1)`, of images.

        Args:
            images: `(batch, height, width, channels)`.
            labels: Classes, `(batch,)`, of a conditional model.
        """
        given = self._with_classes(self.as_seen(images), labels)
        return self.active(self.discriminator)(given, training=False)

    def as_seen(self, images):
        """Images of the data as the discriminator that is in use takes them."""
        return images

    def _with_classes(self, rows, labels):
        """What a network takes: the rows, and in a conditional model their classes, one-hot."""
        if not self.num_classes:
            return rows
        rows = ops.convert_to_tensor(rows)
        labels = ops.reshape(ops.cast(ops.convert_to_tensor(labels), "int32"), (-1,))
        return [rows, ops.one_hot(labels, self.num_classes)]

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        seeds = of_rows(self.noise.seed_generator, x)
        latents = self.latents(ops.shape(x)[0], seeds)
        generator_update, step = True, None
        if training:
            generator_update = self._every(self.critic_steps, self.critic_steps - 1)
            step = ops.cast(self.steps.value, "int32")
            if max(self.critic_steps, *(penalty.interval for penalty in self.penalties), 1) > 1:
                self.steps.assign_add(1)
        fake = self._generated(self._with_classes(latents, y), generator_update, training)
        images = ops.stop_gradient(fake)
        real = ops.cast(self.as_seen(x), images.dtype)
        discriminator = self.active(self.discriminator)

        weights = [weight.value for weight in discriminator.trainable_variables]
        noisy = self._noisy(real, seeds, training)
        real_scores, state, real_gradient = self._discriminate_by_gradient(
            weights, noisy, y, training
        )
        self._assign(discriminator, state)
        noisy = self._noisy(images, seeds, training)
        fake_scores, state, gradient = self._discriminate_by_gradient(weights, noisy, y, training)
        generator_loss = self._generator_loss(
            fake, fake_scores, gradient, generator_update, sample_weight
        )
        if self.buffer is not None:
            seen = self._noisy(self.buffer(images, training=training), seeds, training)
            fake_scores, state = self._discriminate(weights, seen, y, training)
        self._assign(discriminator, state)
        loss = self._discriminator_loss(real_scores, fake_scores)

        def discriminate(rows):
            scores, _, gradient = self._discriminate_by_gradient(weights, rows, y, training)
            return scores, gradient

        def every(interval):
            return True if interval == 1 or step is None else ops.equal(step % interval, 0)

        batch = ScoredBatch(real, images, real_scores, real_gradient, discriminate, seeds, every)
        for penalty in self.penalties:
            loss = loss + penalty(batch)
        self._see(discriminator_loss=loss, real_score=real_scores, fake_score=fake_scores)
        if training and self.average is not None:
            self._move_average()
        return ROWS_MEAN(loss, loss, sample_weight) + generator_loss

    def _every(self, interval, first):
        """Whether a step is the one, of so many, of something; True if each step is."""
        if interval == 1:
            return True
        return ops.equal(ops.cast(self.steps.value, "int32") % interval, first)

    def _generated(self, given, update, training):
        """Generated images; gradients flow through them in the generator's updates alone."""
        generator = self.active(self.generator)

        def generate(frozen):
            weights = [weight.value for weight in generator.trainable_variables]
            state = [weight.value for weight in generator.non_trainable_variables]
            if frozen:
                weights = [ops.stop_gradient(weight) for weight in weights]
            return generator.stateless_call(weights, state, given, training=training)

        if update is True:
            fake, state = generate(frozen=False)
        else:
            fake, state = ops.cond(
                update, lambda: generate(frozen=False), lambda: generate(frozen=True)
            )
        self._assign(generator, state)
        return fake

    def _discriminate(self, weights, images, labels, training):
        """Scores, `(batch,)`, and the discriminator's state after it has seen the images."""
        discriminator = self.active(self.discriminator)
        scores, state = discriminator.stateless_call(
            weights,
            [weight.value for weight in discriminator.non_trainable_variables],
            self._with_classes(images, labels),
            training=training,
        )
        return ops.cast(scores, "float32")[:, 0], state

    def _discriminate_by_gradient(self, weights, images, labels, training):
        """The same, and what gives the gradient of weighted scores, in the shape of the images."""
        return values_and_gradient(
            lambda rows: self._discriminate(weights, rows, labels, training), images
        )

    @staticmethod
    def _assign(network, state):
        for weight, value in zip(network.non_trainable_variables, state, strict=True):
            weight.assign(value)

    def _discriminator_loss(self, real_scores, fake_scores):
        """Of each row, `(batch,)`, before penalties."""
        game, smoothing = GAMES[self.objective], self.label_smoothing
        loss = (1 - smoothing) * game.real(real_scores) + game.fake(fake_scores)
        return loss + smoothing * game.fake(real_scores) if smoothing else loss

    def _generator_loss(self, fake, scores, gradient_of, update, sample_weight):
        """Its gradient flows into the generated images alone, in the generator's updates.

        One pass of the discriminator over the images serves both networks: what is here is the
        gradient with respect to the images, a constant that they are multiplied with.
        """
        game, scores = GAMES[self.objective].generator, ops.stop_gradient(scores)

        def gradient():
            return ops.stop_gradient(gradient_of(input_gradient(game, scores)))

        moving = (
            gradient()
            if update is True
            else ops.cond(update, gradient, lambda: ops.zeros_like(fake))
        )
        rows = game(scores)
        self._see(generator_loss=rows)
        product = ops.sum(ops.cast(fake * moving, "float32"), axis=range(1, len(fake.shape)))
        rows = rows + product - ops.stop_gradient(product)
        return ROWS_MEAN(rows, rows, sample_weight)

    def _noisy(self, images, seeds, training):
        if not (self.instance_noise and training):
            return images
        noise = random.normal(ops.shape(images), dtype=images.dtype, seed=seeds)
        return images + self.instance_noise * noise

    def _see(self, **values):
        for metric in self.seen:
            if metric.name in values:
                metric.update_state(ops.stop_gradient(values[metric.name]))

    def _move_average(self):
        means = self.active(self.average).weights
        for mean, weight in zip(means, self.active(self.generator).weights, strict=True):
            # What no gradient moves, such as a schedule's state, is followed as it is.
            share = 1 - self.average_decay
            mean.assign(mean + share * (weight - mean) if weight.trainable else weight)

    def compile(self, generator_optimizer, discriminator_optimizer=None, **kwargs):
        """Compile with an optimizer for each network.

        Args:
            generator_optimizer: A Keras optimizer.
            discriminator_optimizer: Another one; of the same kind if not given.
            **kwargs: Arguments of `keras.Model.compile`, but for the optimizer and losses.
        """
        keep_order()
        self.generator_optimizer = keras.optimizers.get(generator_optimizer)
        if discriminator_optimizer is None:
            same = self.generator_optimizer
            discriminator_optimizer = type(same).from_config(same.get_config())
        self.discriminator_optimizer = keras.optimizers.get(discriminator_optimizer)
        of_generator = {id(weight) for weight in self.generator.trainable_variables}
        in_its_updates = self.generator_optimizer
        if self.critic_steps > 1:
            in_its_updates = SkipZeroGradients(self.generator_optimizer)

        of_each = self._of_active(in_its_updates), self._of_active(self.discriminator_optimizer)

        optimizer = OneForEach(of_each, lambda weight: id(weight) not in of_generator)
        super().compile(optimizer, **kwargs)
        self._compile_settings = kwargs

    def _of_active(self, optimizer):
        """The optimizer, for weights that are in use."""
        return optimizer

    def get_compile_config(self):
        return {
            "generator_optimizer": keras.optimizers.serialize(self.generator_optimizer),
            "discriminator_optimizer": keras.optimizers.serialize(self.discriminator_optimizer),
            **self._compile_settings,
        }

    def compile_from_config(self, config):
        config = dict(config)
        for name in ("generator_optimizer", "discriminator_optimizer"):
            config[name] = keras.optimizers.deserialize(config[name])
        self.compile(**config)
        self.optimizer.build(self.trainable_variables)

    def get_config(self):
        return {
            **super().get_config(),
            "generator": keras.saving.serialize_keras_object(self.generator),
            "discriminator": keras.saving.serialize_keras_object(self.discriminator),
            "objective": self.objective,
            "prior": self.prior,
            "critic_steps": self.critic_steps,
            "penalties": [keras.saving.serialize_keras_object(p) for p in self.penalties],
            "label_smoothing": self.label_smoothing,
            "instance_noise": self.instance_noise,
            "replay": self.replay,
            "average_decay": self.average_decay,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        for name in ("generator", "discriminator"):
            config[name] = keras.saving.deserialize_keras_object(config[name], custom_objects)
        config["penalties"] = [
            keras.saving.deserialize_keras_object(penalty, custom_objects)
            for penalty in config.get("penalties", ())
        ]
        return cls(**config)
