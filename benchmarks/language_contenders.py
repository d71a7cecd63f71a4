"""What language.py measures of the recipes and of plain Keras; prints JSON."""

import json
import os
import sys
import time
from pathlib import Path

who, *words = sys.argv[1:]
os.environ |= {"OMP_NUM_THREADS": "1"}

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from clock import Clock  # noqa: E402
from keras import layers  # noqa: E402

from amalthea import jobs, recipes  # noqa: E402
from amalthea.data.streams import streams  # noqa: E402

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
CHARACTERS = "".join(map(chr, range(32, 97)))


def plain(net, batch, tokens, length):
    """The same net by hand: Keras' stateful layers, whose states a callback resets."""
    text = keras.Input(batch_shape=(batch, length), dtype="int32")
    if net == "char_rnn":
        x, units, start = keras.ops.one_hot(text, tokens), (128, 128), {}
        optimizer = keras.optimizers.RMSprop(2e-3, rho=0.95, clipvalue=5.0)
    else:
        start = keras.initializers.RandomUniform(-0.1, 0.1)
        x, units = layers.Embedding(tokens, 200, embeddings_initializer=start)(text), (200, 200)
        optimizer = keras.optimizers.SGD(1.0 * length, global_clipnorm=5.0 / length)
        names = ("kernel_initializer", "recurrent_initializer", "bias_initializer")
        start = {**dict.fromkeys(names, start), "unit_forget_bias": False}
    for size in units:
        unroll = length <= 32
        x = layers.LSTM(size, return_sequences=True, stateful=True, unroll=unroll, **start)(x)
    scores = {name: start[name] for name in ("kernel_initializer",) if name in start}
    model = keras.Model(text, layers.Dense(tokens, **scores)(x))
    model.compile(
        optimizer,
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


class Reset(keras.callbacks.Callback):
    """States of zeros at the beginning of each epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        for layer in self.model.layers:
            if isinstance(layer, layers.RNN):
                layer.reset_state()


def train(net, file, batch, tokens, epochs):
    """Seconds a step, and losses."""
    batch, tokens, epochs = int(batch), int(tokens), int(epochs)
    with np.load(file) as arrays:
        text = arrays["text"]
    x, y = text[:, :-1], text[:, 1:]
    clock = Clock(time.process_time)
    fit = {"batch_size": batch, "epochs": epochs + 1, "verbose": 0}
    if who == "recipe":
        vocabulary = "".join(map(chr, range(32, 32 + tokens))) if net == "char_rnn" else tokens
        model = getattr(recipes, net)(vocabulary)
        history = model.fit(x, y, callbacks=[clock], **fit).history
    else:
        model = plain(net, batch, tokens, x.shape[1])
        fit |= {"callbacks": [Reset(), clock], "shuffle": False}
        del fit["batch_size"]
        history = model.fit(streams((x, y), batch), **fit).history
    steps = len(x) // batch
    step = [seconds / steps for seconds in clock.seconds[1:]]
    return {"step": step, "loss": history["loss"], "parameters": model.count_params()}


def sample(_, length):
    """Seconds for a text, by the endpoint, or by a whole pass for each character."""
    length = int(length)
    model = recipes.char_rnn(CHARACTERS)
    if who == "sample":
        write = recipes.get_recipe("char_rnn").endpoints["continue"].bind(model, n=length)
        given = {"numbers": np.array([[5]], "int32"), "temperature": np.float32(1), "seed": 0}
        given |= {"top_k": 0, "top_p": np.float32(1)}
        kinds = {name: spec.dtype for name, spec in write.input.items()}
        given = {name: keras.ops.convert_to_tensor(given[name], kinds[name]) for name in kinds}

        def once():
            write.predict_on_batch(given)
    else:
        random = np.random.default_rng(0)
        # One shape, so that it is traced once.
        whole = tf.function(lambda text: tf.nn.softmax(model(text, training=False)))

        def once():
            text = np.zeros((1, length + 1), "int32")
            for position in range(length):
                shares = whole(text).numpy()[0, position].astype("float64")
                text[0, position + 1] = random.choice(len(shares), p=shares / shares.sum())

    once()
    found = []
    for _ in range(3 if who == "sample" else 1):
        begin = time.process_time()
        once()
        found.append(time.process_time() - begin)
    return found


def bits(folder, epochs):
    """Bits of a held-out character after epochs, and the CPU minutes until then."""
    found, spent, run = [], 0.0, None
    wanted = sorted({1, *(epoch for epoch in (5, 10, 20, 50) if epoch < int(epochs)), int(epochs)})
    model, source = Path(folder) / "run", f"text:{Path(folder) / 'text.txt'}"
    for epoch in wanted:
        begin = time.process_time()
        if run is None:
            run = jobs.train("char_rnn", source, out=model, epochs=epoch, verbose=0)
        else:
            jobs.resume(model, epochs=epoch, verbose=0)
        spent += time.process_time() - begin
        found.append((epoch, jobs.evaluate(model)["bits_per_character"], spent / 60))
    return found


PARTS = {"recipe": train, "plain": train, "sample": sample, "naive": sample, "bits": bits}
print(json.dumps(PARTS[who](*words)))
