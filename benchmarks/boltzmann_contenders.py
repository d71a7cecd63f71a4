"""Contenders of boltzmann.py: from rows of zeros and ones, and sizes, to a trained machine."""

import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.neural_network import BernoulliRBM

from amalthea import recipes
from amalthea.data import ImageSet

RATE = 0.05


class Trained(NamedTuple):
    """Seconds of each epoch but the first, and the weights after the last."""

    seconds: list[float]
    kernel: np.ndarray  # (visible, hidden)
    visible_bias: np.ndarray
    hidden_bias: np.ndarray


def ours(x, hidden, batch, epochs, seed=0, persistent_chains=0, **settings) -> Trained:
    """The recipe, through plain `fit` on batches of an `ImageSet`."""
    side = round(x.shape[1] ** 0.5)
    keras.utils.set_random_seed(seed)
    model = recipes.rbm(
        image_shape=(side, side, 1),
        hidden_units=hidden,
        persistent_chains=persistent_chains,
        learning_rate=RATE,
        learning_rate_decay=0.0,
        momentum=0.0,
        weight_decay=0.0,
        seed=seed,
        **settings,
    )
    times = []
    clock = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: times.append(time.perf_counter()),
        on_train_end=lambda logs: times.append(time.perf_counter()),
    )
    batches = ImageSet("rows", x.reshape(-1, side, side, 1)).batches(batch, seed=seed)
    model.fit(
        batches.repeat(),  # one iterator for all epochs
        steps_per_epoch=len(batches),
        epochs=epochs,
        shuffle=False,
        callbacks=[clock],
        verbose=0,
    )
    rbm = model.get_layer("rbm")
    weights = (rbm.kernel, rbm.visible_biases, rbm.hidden_bias)
    return Trained(np.diff(times)[1:].tolist(), *map(keras.ops.convert_to_numpy, weights))


def scikit_learn(x, hidden, batch, epochs, seed=0) -> Trained:
    """PCD-1 with as many chains as a batch has rows; no shuffling."""
    rbm = BernoulliRBM(
        hidden, learning_rate=RATE, batch_size=batch, n_iter=epochs, random_state=seed
    )
    begin = time.perf_counter()
    rbm.fit(x)
    seconds = (time.perf_counter() - begin) / epochs  # all epochs are alike
    return Trained([seconds], rbm.components_.T, rbm.intercept_visible_, rbm.intercept_hidden_)


def in_torch(python, name, x, hidden, batch, epochs, seed=0, **settings) -> Trained:
    """A library of PyTorch, in a process of its own that measures itself."""
    settings = {"hidden": hidden, "batch": batch, "rate": RATE, **settings}
    seconds, weights = run_torch(python, name, {"x": x}, epochs=epochs, seed=seed, **settings)
    return Trained(seconds, **weights)


def run_torch(python, name, arrays, **settings):
    """What boltzmann_torch.py prints, and the arrays it leaves."""
    peer = Path(__file__).with_name("boltzmann_torch.py")
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        np.savez(file.name, **arrays)
        command = [python, peer, name, file.name, json.dumps(settings)]
        printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        with np.load(file.name) as left:
            return json.loads(printed), dict(left)


def by_numpy(x, hidden, batch, epochs, seed=0) -> Trained:
    """CD-1 by hand in NumPy, float32."""
    random = np.random.default_rng(seed)
    kernel = 0.01 * random.standard_normal((x.shape[1], hidden), "float32")
    visible_bias, hidden_bias = np.zeros(x.shape[1], "float32"), np.zeros(hidden, "float32")
    seconds = []
    for _ in range(epochs):
        begin = time.perf_counter()
        order = random.permutation(len(x))
        for first in range(0, len(x), batch):
            v = x[order[first : first + batch]]
            rate = np.float32(RATE / len(v))
            h = expit(v @ kernel + hidden_bias)
            states = (random.random(h.shape, "float32") < h).astype("float32")
            v_chain = expit(states @ kernel.T + visible_bias)
            h_chain = expit(v_chain @ kernel + hidden_bias)
            kernel += rate * (v.T @ h - v_chain.T @ h_chain)
            visible_bias += rate * (v - v_chain).sum(0)
            hidden_bias += rate * (h - h_chain).sum(0)
        seconds.append(time.perf_counter() - begin)
    return Trained(seconds[1:], kernel, visible_bias, hidden_bias)


def by_tensorflow(x, hidden, batch, epochs, seed=0, loop=False) -> Trained:
    """CD-1 by hand in TensorFlow: a call for each step, or one for the loop of an epoch's steps."""
    tf.random.set_seed(seed)
    images, steps = tf.constant(x), len(x) // batch
    kernel = tf.Variable(tf.random.normal((x.shape[1], hidden), stddev=0.01))
    visible_bias, hidden_bias = tf.Variable(tf.zeros(x.shape[1])), tf.Variable(tf.zeros(hidden))

    def update(index, noise):
        v = tf.gather(images, index)
        h = tf.sigmoid(v @ kernel + hidden_bias)
        states = tf.cast(noise < h, "float32")
        v_chain = tf.sigmoid(tf.matmul(states, kernel, transpose_b=True) + visible_bias)
        h_chain = tf.sigmoid(v_chain @ kernel + hidden_bias)
        data, chain = (tf.matmul(a, b, transpose_a=True) for a, b in ((v, h), (v_chain, h_chain)))
        kernel.assign_add(RATE / batch * (data - chain))
        visible_bias.assign_add(RATE / batch * tf.reduce_sum(v - v_chain, 0))
        hidden_bias.assign_add(RATE / batch * tf.reduce_sum(h - h_chain, 0))

    @tf.function
    def step(index):
        update(index, tf.random.uniform((batch, hidden)))

    @tf.function
    def epoch(order):
        noise = tf.random.uniform((steps, batch, hidden))
        for i in tf.range(steps):
            update(order[i], noise[i])

    random, seconds = np.random.default_rng(seed), []
    for _ in range(epochs):
        begin = time.perf_counter()
        order = random.permutation(len(x))[: steps * batch].reshape(steps, batch)
        if loop:
            epoch(tf.constant(order))
        else:
            for index in order:
                step(tf.constant(index))
        weights = [weight.numpy() for weight in (kernel, visible_bias, hidden_bias)]
        seconds.append(time.perf_counter() - begin)
    return Trained(seconds[1:], *weights)


def maximum_likelihood(x, hidden, iterations, seed=0) -> Trained:
    """The likelihood's own optimum on `x`, by exact gradients and L-BFGS from small weights."""
    visible = x.shape[1]
    sizes = (visible * hidden, visible, hidden)
    rows = tf.constant(x, "float64")
    states = tf.constant(np.arange(2**hidden)[:, None] >> np.arange(hidden) & 1, "float64")

    @tf.function(jit_compile=True)
    def loss(flat):
        with tf.GradientTape() as tape:
            tape.watch(flat)
            kernel, b, a = tf.split(flat, sizes)
            kernel = tf.reshape(kernel, (visible, hidden))
            free = -tf.linalg.matvec(rows, b) - softplus_sum(rows @ kernel + a)
            over_hidden = tf.linalg.matvec(states, a)
            over_hidden += softplus_sum(tf.matmul(states, kernel, transpose_b=True) + b)
            value = tf.reduce_mean(free) + tf.reduce_logsumexp(over_hidden)
        return value, tape.gradient(value, flat)

    def softplus_sum(inputs):
        return tf.reduce_sum(tf.math.softplus(inputs), -1)

    start = 0.01 * np.random.default_rng(seed).standard_normal(sum(sizes))
    found = minimize(
        lambda flat: [t.numpy() for t in loss(tf.constant(flat))],
        start,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": iterations, "maxcor": 20},
    ).x
    kernel, visible_bias, hidden_bias = np.split(found, np.cumsum(sizes)[:-1])
    return Trained([], kernel.reshape(visible, hidden), visible_bias, hidden_bias)
