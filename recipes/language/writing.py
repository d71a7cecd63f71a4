"""How models of language go on with a text, and how well they know one."""

import math

import keras
import numpy as np
from keras import ops

from ...data.features import words
from ...layers.seed_stream import SeedStream
from ..endpoint import Function, Number, Numbers, Part, Whole
from .strings import Texts, begun, to_numbers, to_strings, without_first
from .truncated import truncated

Rows = Numbers((None, None), "int32")


def _continue(
    model,
    numbers: Rows,
    n: Whole,
    temperature: Number,
    top_k: Whole,
    top_p: Number,
    seed: Whole,
):
    """Rows of numbers go on by n more; they may end in numbers below 0, which are left out.

    What stands for unknown characters is not drawn.
    """
    vocabulary, size = model.origin.arguments["vocabulary"], model.output.shape[-1]
    known_ones = np.ones(size, bool)
    if not isinstance(vocabulary, int):
        known_ones = np.array([token != words.UNKNOWN for token in vocabulary])
    read = model.one_step()
    rows, length = ops.shape(numbers)[0], ops.shape(numbers)[1]
    last = ops.sum(ops.cast(numbers >= 0, "int32"), axis=1) + n - 1
    known = ops.pad(numbers, ((0, 0), (0, n)), constant_values=-1)

    def step(position, carried):
        numbers, states = carried
        now = ops.slice(numbers, (0, position), (rows, 1))[:, 0]
        logits, after = read(ops.maximum(now, 0), states)
        scores = ops.where(known_ones, ops.cast(logits, "float32"), -float("inf"))
        scores = truncated(scores, temperature, top_k, top_p)
        # The largest of the scores with Gumbel's noise is drawn by their probabilities.
        uniform = keras.random.uniform((rows, size), 1e-20, 1.0, seed=SeedStream(seed, position))
        noise = -ops.log(-ops.log(uniform))
        drawn = ops.cast(ops.argmax(scores + temperature * noise, axis=-1), "int32")
        given = ops.slice(known, (0, position + 1), (rows, 1))[:, 0]
        following = ops.where(given >= 0, given, drawn)
        numbers = ops.slice_update(numbers, (0, position + 1), following[:, None])
        return numbers, after

    numbers, _ = ops.fori_loop(0, length + n - 1, step, (known, model.first_states(rows)))
    beyond = ops.arange(length + n)[None] > last[:, None]
    return {"numbers": ops.where(beyond, -1, numbers)}


def _sample(
    model,
    prompts: Texts,
    n: Whole,
    temperature: Number,
    top_k: Whole,
    top_p: Number,
    seed: Whole,
):
    """Texts go on; an empty one begins as after the end of a line, which is not given back."""
    arguments = model.origin.arguments
    known = arguments["vocabulary"], arguments.get("rule")
    numbers, empty = begun(to_numbers(prompts, *known), words.first_number(*known))
    drawn = _continue(model, numbers, n, temperature, top_k, top_p, seed)["numbers"]
    return {"texts": to_strings(without_first(drawn, empty), *known)}


ENDPOINTS = {
    "serve": Part("tokens", "probabilities", activation="softmax"),
    "sample": Function(_sample, ("texts",), dtypes={"texts": "string"}),
    "continue": Function(_continue, ("numbers",), dtypes={"numbers": "int32"}),
}


def perplexity(model, text: np.ndarray, following: np.ndarray, batch_size: int) -> dict[str, float]:
    """Of the held-out parts of a text the perplexity of a token, and its bits.

    Where states are carried the parts are read as one text from beginning to end. Of sub-words, and
    of words without an unknown one, there are also the bits of a character, the spaces before them
    included.
    """
    batch_size = 1 if model.carries else batch_size
    loss = model.evaluate(text, following, batch_size=batch_size, verbose=0, return_dict=True)
    nats, arguments = loss["loss"], model.origin.arguments
    vocabulary, rule = arguments["vocabulary"], arguments.get("rule")
    unit = {None: "character", words.BYTES: "byte"}.get(rule, "token")
    figures = {"perplexity": math.exp(min(nats, 700.0)), f"bits_per_{unit}": nats / math.log(2)}
    if unit == "token" and words.is_known(vocabulary):
        lengths = np.array([len(token) for token in vocabulary])
        # Of an unknown word no length is known; an unknown sub-word is a character.
        if rule == words.SUBWORDS or (following != vocabulary.index(words.UNKNOWN)).all():
            mean = float(lengths[following].mean())
            figures["bits_per_character"] = figures["bits_per_token"] / mean
    return figures
