"""The recurrent net that writes character by character."""

import math
from typing import Annotated

import keras
import numpy as np
from keras import layers, ops

from ...data.features import words
from ...layers.seed_stream import SeedStream
from ..endpoint import Function, Number, Numbers, Part, Strings, Whole
from ..model import RecipeModel
from ..recurrent import Cell, stack
from ..registry import Objective, Published, recipe
from ..search import Dropout, FromData, Given, LearningRate, Seed, Widths
from ..tasks import LANGUAGE_MODELING
from .strings import begun, to_numbers, to_strings, without_first
from .truncated import truncated

# Those of the source's example, a selection of Shakespeare's plays.
SHAKESPEARE = "\n !$&',-.3:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SOURCE = "https://github.com/karpathy/char-rnn, with Keras' one bias vector"

Vocabulary = Annotated[
    str,
    Given(
        lambda v: isinstance(v, str) and len(set(v)) == len(v) > 1,
        "a text of two or more characters, all different",
    ),
    FromData("text", "vocabulary"),
]
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
    vocabulary = model.origin.arguments["vocabulary"]
    known_ones = np.array([character != words.UNKNOWN for character in vocabulary])
    cells = [layer.cell for layer in model.layers if isinstance(layer, layers.RNN)]
    logits, size = model.get_layer("logits"), model.output.shape[-1]
    rows, length = ops.shape(numbers)[0], ops.shape(numbers)[1]
    last = ops.sum(ops.cast(numbers >= 0, "int32"), axis=1) + n - 1
    known = ops.pad(numbers, ((0, 0), (0, n)), constant_values=-1)

    def step(position, carried):
        numbers, states = carried
        now = ops.slice(numbers, (0, position), (rows, 1))[:, 0]
        x, after = ops.one_hot(now, size, dtype=model.compute_dtype), []
        for cell, state in zip(cells, states, strict=True):
            x, state = cell(x, state)
            after.append(state)
        scores = ops.where(known_ones, ops.cast(logits(x), "float32"), -float("inf"))
        scores = truncated(scores, temperature, top_k, top_p)
        # The largest of the scores with Gumbel's noise is drawn by their probabilities.
        uniform = keras.random.uniform((rows, size), 1e-20, 1.0, seed=SeedStream(seed, position))
        noise = -ops.log(-ops.log(uniform))
        drawn = ops.cast(ops.argmax(scores + temperature * noise, axis=-1), "int32")
        given = ops.slice(known, (0, position + 1), (rows, 1))[:, 0]
        following = ops.where(given >= 0, given, drawn)
        numbers = ops.slice_update(numbers, (0, position + 1), following[:, None])
        return numbers, after

    states = [cell.get_initial_state(batch_size=rows) for cell in cells]
    numbers, _ = ops.fori_loop(0, length + n - 1, step, (known, states))
    beyond = ops.arange(length + n)[None] > last[:, None]
    return {"numbers": ops.where(beyond, -1, numbers)}


def _sample(
    model,
    prompts: Strings,
    n: Whole,
    temperature: Number,
    top_k: Whole,
    top_p: Number,
    seed: Whole,
):
    """Texts go on; an empty one begins as after the end of a line, which is not given back."""
    vocabulary = model.origin.arguments["vocabulary"]
    numbers, empty = begun(to_numbers(prompts, vocabulary), vocabulary)
    drawn = _continue(model, numbers, n, temperature, top_k, top_p, seed)["numbers"]
    return {"texts": to_strings(without_first(drawn, empty), vocabulary)}


def perplexity(model, text: np.ndarray, following: np.ndarray, batch_size: int):
    """Of held-out sequences the perplexity of a character, and its bits."""
    loss = model.evaluate(text, following, batch_size=batch_size, verbose=0, return_dict=True)
    nats = loss["loss"]
    return {"perplexity": math.exp(nats), "bits_per_character": nats / math.log(2)}


@recipe(
    family="language",
    task=LANGUAGE_MODELING,
    data="python_docs",
    paper="Karpathy 2015: https://karpathy.github.io/2015/05/21/rnn-effectiveness",
    objective=Objective("val_loss", "min"),
    endpoints={
        "serve": Part("tokens", "probabilities", activation="softmax"),
        "sample": Function(_sample, ("texts",), dtypes={"texts": "string"}),
        "continue": Function(_continue, ("numbers",), dtypes={"numbers": "int32"}),
    },
    measures=perplexity,
    smoke={"vocabulary": "\n abc", "hidden_units": (4, 3)},
    epochs=20,
    published=(
        Published("2 layers of 128, 65 characters", 239_297, SOURCE),
        Published(
            "3 layers of 512, 65 characters",
            5_415_489,
            SOURCE,
            {"hidden_units": (512, 512, 512)},
        ),
    ),
)
def char_rnn(
    vocabulary: Vocabulary = SHAKESPEARE,
    *,
    hidden_units: Annotated[tuple[int, ...], Widths(32, 1024, depth=(1, 3))] = (128, 128),
    cell: Cell = "lstm",
    dropout: Dropout = 0.0,
    learning_rate: LearningRate = 2e-3,
    seed: Seed = None,
) -> keras.Model:
    """Character model: a recurrent net that gives the probabilities of the next character.

    Characters enter one-hot; the layers above each other hand on what they hold at each of them.

    Deviations:
        * Each sequence begins with a state of zeros; the source carries that of the one before it.
        * The step size stays the same; the source's falls by 3 % an epoch from the tenth on.
        * Keras' initial weights and its forget gates that are open at first, and mini-batches of 64
          sequences; the source draws uniformly from ±0.08 and takes 50.

    Args:
        vocabulary: All characters, in the order of their numbers; that of the training text where
            it has a `REPLACEMENT CHARACTER` (U+FFFD) for those that it lacks.
        hidden_units: Units of each recurrent layer.
        cell: `"lstm"`, `"gru"`, `"simple"`, `"peephole_lstm"`; `"simplified_gru"`, without a reset
            gate; `"irnn"`, rectified linear units whose recurrent weights are the identity at
            first.
        dropout: Share of units that are left out on the way up, above each layer.
        learning_rate: Step size of RMSprop, whose gradients are cut off at ±5.
        seed: Makes initial weights and dropout reproducible.

    Returns:
        A compiled model from numbers of characters, `(batch, length)`, to logits of the next one
        at each of them, `(batch, length, len(vocabulary))`. It learns from `x` and `y`, the same
        sequences one character on; its loss is the cross-entropy of a character in nats.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import char_rnn
        >>> model = char_rnn("ab", hidden_units=(8,))
        >>> text = np.tile([0, 1], (16, 5))
        >>> history = model.fit(text[:, :-1], text[:, 1:], verbose=0)
        >>> model.predict(text[:1, :-1], verbose=0).shape
        (1, 9, 2)

    Reference:
        Karpathy 2015, "The Unreasonable Effectiveness of Recurrent Neural Networks":
        https://karpathy.github.io/2015/05/21/rnn-effectiveness
    """
    text = keras.Input((None,), dtype="int32", name="text")
    x = ops.one_hot(text, len(vocabulary))
    x = stack(x, hidden_units, cell, dropout=dropout, return_sequences=True)
    outputs = layers.Dense(len(vocabulary), dtype="float32", name="logits")(x)
    model = RecipeModel(text, outputs, name="char_rnn")
    model.compile(
        keras.optimizers.RMSprop(learning_rate, rho=0.95, clipvalue=5.0),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model
