"""Variational autoencoders in Keras for autoencoders.py: the recipe, and keras.io's; prints JSON.

keras.io's is the model of its example "Variational AutoEncoder", with networks of the same layers:
encoder and sampling are one network, and the model has a step of its own, by a tape.
"""

import json
import sys

import keras
import numpy as np
import tensorflow as tf
from clock import Clock
from keras import layers, ops

from amalthea import recipes
from amalthea.data import ImageSet

NETWORKS = {
    "dense": {"filters": (), "hidden_units": (512,), "latent_dim": 16, "activation": "relu"},
    "convolutional": {
        "filters": (32, 64),
        "hidden_units": (16,),
        "latent_dim": 2,
        "activation": "relu",
    },
}


class Sampling(layers.Layer):
    """A code drawn by its mean and its log-variance."""

    def __init__(self):
        super().__init__()
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, inputs):
        mean, log_variance = inputs
        noise = keras.random.normal(ops.shape(mean), seed=self.seed_generator)
        return mean + ops.exp(0.5 * log_variance) * noise


class ByTape(keras.Model):
    """The example's model."""

    def __init__(self, filters, hidden_units, latent_dim, activation):
        super().__init__()
        images = keras.Input((28, 28, 1))
        x = images
        for count in filters:
            x = layers.Conv2D(count, 3, 2, "same", activation=activation)(x)
        x = layers.Flatten()(x)
        for units in hidden_units:
            x = layers.Dense(units, activation)(x)
        mean, log_variance = layers.Dense(latent_dim)(x), layers.Dense(latent_dim)(x)
        code = Sampling()([mean, log_variance])
        self.encoder = keras.Model(images, [mean, log_variance, code])
        codes = keras.Input((latent_dim,))
        x = codes
        for units in reversed(hidden_units):
            x = layers.Dense(units, activation)(x)
        if filters:
            x = layers.Dense(7 * 7 * filters[-1], activation)(x)
            x = layers.Reshape((7, 7, filters[-1]))(x)
            for count in reversed(filters):
                x = layers.Conv2DTranspose(count, 3, 2, "same", activation=activation)(x)
            x = layers.Conv2DTranspose(1, 3, padding="same", activation="sigmoid")(x)
        else:
            x = layers.Reshape((28, 28, 1))(layers.Dense(28 * 28, "sigmoid")(x))
        self.decoder = keras.Model(codes, x)
        names = ("loss", "reconstruction", "kl")
        self.trackers = {name: keras.metrics.Mean(name) for name in names}

    @property
    def metrics(self):
        return list(self.trackers.values())

    def losses_of(self, images):
        """Reconstruction and divergence of a batch."""
        mean, log_variance, code = self.encoder(images)
        outputs = self.decoder(code)
        entropies = keras.losses.binary_crossentropy(images, outputs)
        divergences = -0.5 * (1 + log_variance - ops.square(mean) - ops.exp(log_variance))
        reconstruction = ops.mean(ops.sum(entropies, axis=(1, 2)))
        return reconstruction, ops.mean(ops.sum(divergences, axis=1))

    def train_step(self, images):
        with tf.GradientTape() as tape:
            reconstruction, kl = self.losses_of(images)
            total = reconstruction + kl
        gradients = tape.gradient(total, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        return self.seen(total, reconstruction, kl)

    def test_step(self, images):
        reconstruction, kl = self.losses_of(images)
        return self.seen(reconstruction + kl, reconstruction, kl)

    def seen(self, *values):
        """The figures so far."""
        for tracker, value in zip(self.metrics, values, strict=True):
            tracker.update_state(value)
        return {name: tracker.result() for name, tracker in self.trackers.items()}


if __name__ == "__main__":
    contender, file, networks, *numbers, rate = sys.argv[1:]
    batch, epochs, seed = map(int, numbers)
    rate = float(rate)
    keras.utils.set_random_seed(seed)
    if contender == "tape":
        model = ByTape(**NETWORKS[networks])
        model.compile(keras.optimizers.Adam(rate))
    else:
        model = recipes.variational_autoencoder(**NETWORKS[networks], learning_rate=rate, seed=seed)
    with np.load(file) as arrays:
        train, test = (ImageSet(name, arrays[name]) for name in ("train", "test"))
    batches = train.batches(batch, seed=seed)
    clock = Clock()
    model.fit(batches, epochs=epochs, shuffle=False, callbacks=[clock], verbose=0)
    figures = model.evaluate(test.as_float(), batch_size=500, verbose=0, return_dict=True)
    steps = -(-len(train) // batch)
    seconds = [value / steps for value in clock.seconds[1:]]
    print(json.dumps({"seconds": seconds, "bound": float(figures["loss"])}))
