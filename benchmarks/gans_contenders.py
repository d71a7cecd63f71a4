"""The contenders of gans.py in Keras: our recipes, and the same networks in textbook steps.

As a script: trains one of them, and prints its seconds a step and its memory as JSON.
"""

import json
import sys

import keras
import numpy as np
import tensorflow as tf
from clock import Clock
from report import peak_memory

from amalthea import data, recipes
from amalthea.layers import FusedBatchNormalization
from amalthea.recipes.gans.convolutional import leaky_relu


class Textbook(keras.Model):
    """Two networks and a `train_step` with two tapes, one network after the other."""

    def __init__(self, generator, discriminator, latents):
        super().__init__()
        self.generator, self.discriminator, self.latents = generator, discriminator, latents

    def compile(self, of_generator, of_discriminator, **kwargs):
        super().compile(**kwargs)
        self.of_generator, self.of_discriminator = of_generator, of_discriminator
        self.seen = [keras.metrics.Mean(name) for name in ("d_loss", "g_loss")]

    def move(self, network, optimizer, tape, loss):
        """A step of one network."""
        weights = network.trainable_variables
        optimizer.apply(tape.gradient(loss, weights), weights)

    def logs(self, *losses):
        """Both losses as running means."""
        for metric, loss in zip(self.seen, losses, strict=True):
            metric.update_state(loss)
        return {metric.name: metric.result() for metric in self.seen}


class Alternating(Textbook):
    """The DCGAN's step as in keras.io's example: new latents, and a new pass, for each network."""

    def train_step(self, real):
        batch = tf.shape(real)[0]
        fake = self.generator(self.latents(batch), training=True)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.softplus(-self.discriminator(real, training=True)))
            loss += tf.reduce_mean(tf.nn.softplus(self.discriminator(fake, training=True)))
        self.move(self.discriminator, self.of_discriminator, tape, loss)
        with tf.GradientTape() as tape:
            fake = self.generator(self.latents(batch), training=True)
            mine = tf.reduce_mean(tf.nn.softplus(-self.discriminator(fake, training=True)))
        self.move(self.generator, self.of_generator, tape, mine)
        return self.logs(loss, mine)


class TwoTapesAtOnce(Textbook):
    """The DCGAN's step as in TensorFlow's tutorial: one pass, from which two tapes go back."""

    def train_step(self, real):
        with tf.GradientTape() as mine, tf.GradientTape() as others:
            fake = self.generator(self.latents(tf.shape(real)[0]), training=True)
            real_scores = self.discriminator(real, training=True)
            fake_scores = self.discriminator(fake, training=True)
            generator_loss = tf.reduce_mean(tf.nn.softplus(-fake_scores))
            loss = tf.reduce_mean(tf.nn.softplus(-real_scores)) + tf.reduce_mean(
                tf.nn.softplus(fake_scores)
            )
        self.move(self.generator, self.of_generator, mine, generator_loss)
        self.move(self.discriminator, self.of_discriminator, others, loss)
        return self.logs(loss, generator_loss)


class Critic(Textbook):
    """WGAN-GP's step as in keras.io's example: five of the critic, then one of the generator.

    The example's five have the same images; here each has a fifth of what the step is given.
    """

    def train_step(self, real):
        for images in tf.split(real, 5):
            batch = tf.shape(images)[0]
            with tf.GradientTape() as tape:
                fake = self.generator(self.latents(batch), training=True)
                fake_scores = self.discriminator(fake, training=True)
                real_scores = self.discriminator(images, training=True)
                penalty = self.penalty(images, fake)
                loss = tf.reduce_mean(fake_scores) - tf.reduce_mean(real_scores) + 10 * penalty
            self.move(self.discriminator, self.of_discriminator, tape, loss)
        with tf.GradientTape() as tape:
            fake = self.generator(self.latents(batch), training=True)
            mine = -tf.reduce_mean(self.discriminator(fake, training=True))
        self.move(self.generator, self.of_generator, tape, mine)
        return self.logs(loss, mine)

    def penalty(self, real, fake):
        """How far the critic's slope between real and generated images is from 1."""
        share = tf.random.uniform((tf.shape(real)[0], 1, 1, 1))
        between = share * real + (1 - share) * fake
        with tf.GradientTape() as tape:
            tape.watch(between)
            scores = self.discriminator(between, training=True)
        slope = tape.gradient(scores, between)
        length = tf.sqrt(tf.reduce_sum(tf.square(slope), axis=[1, 2, 3]) + 1e-12)
        return tf.reduce_mean(tf.square(length - 1))


def dcgan(seed=None, **arguments):
    """The recipe."""
    return recipes.dcgan(seed=seed, **arguments)


def with_keras_layers(network):
    """The same network with Keras' own activation and normalisation, as a textbook has them."""

    def clone(layer):
        if isinstance(layer, keras.layers.Activation) and layer.activation is leaky_relu:
            return keras.layers.LeakyReLU(0.2)
        if isinstance(layer, FusedBatchNormalization):
            return keras.layers.BatchNormalization.from_config(layer.get_config())
        return layer.__class__.from_config(layer.get_config())

    copy = keras.models.clone_model(network, clone_function=clone)
    copy.set_weights(network.get_weights())
    return copy


def textbook(kind, seed=None, **arguments):
    """The recipe's networks and optimizers in a textbook's step."""
    if kind is Critic:
        ours, rates = recipes.wgan_gp(seed=seed, **arguments), (1e-4, 0.0, 0.9)
    else:
        ours, rates = recipes.dcgan(seed=seed, **arguments), (2e-4, 0.5)
    size = ours.generator.input_shape[-1]
    draw = keras.random.SeedGenerator(seed)

    def latents(batch):
        if kind is Critic:
            return keras.random.normal((batch, size), seed=draw)
        return keras.random.uniform((batch, size), -1.0, 1.0, seed=draw)

    model = kind(*map(with_keras_layers, (ours.generator, ours.discriminator)), latents)
    model.compile(*(keras.optimizers.Adam(*rates) for _ in range(2)))
    return model


CONTENDERS = {
    "dcgan": dcgan,
    "alternating": lambda **given: textbook(Alternating, **given),
    "at once": lambda **given: textbook(TwoTapesAtOnce, **given),
    "wgan_gp": recipes.wgan_gp,
    "critic": lambda **given: textbook(Critic, **given),
}


def main(name: str, batch: int, steps: int, epochs: int) -> None:
    """Train a contender; print the seconds of a step in each epoch but the first, and memory."""
    images = data.read("fashion_mnist", "train")
    images = data.ImageSet("images", images.images)
    model, clock = CONTENDERS[name](seed=0), Clock()
    # A step of `Critic` is five of the others.
    merged = 5 if name == "critic" else 1
    batches = images.batches(merged * batch).repeat()
    model.fit(
        batches,
        steps_per_epoch=steps // merged,
        epochs=epochs,
        callbacks=[clock],
        shuffle=False,
        verbose=0,
    )
    memory = peak_memory()
    seconds = (np.array(clock.seconds[1:]) / steps).tolist()
    print(json.dumps({"seconds": seconds, "memory": memory}))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
