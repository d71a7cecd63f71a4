"""Search for a sequence that is probable as a whole, token after token."""

from collections.abc import Callable

import keras
from keras import ops

from ...data.features.line import END, PADDING, START, UNKNOWN_NUMBER

Step = Callable[[object, object], tuple[object, object]]


def beam_search(step: Step, states, rows, *, beam, length: int):
    """The best sequences that are found where the most probable beginnings are gone on with.

    Beginnings are ranked by their probability; of those that remain the one is taken whose
    logarithm of the probability, divided by the number of tokens, the end included, is largest
    (length normalisation). With a beam of 1 each token is the most probable one (greedy decoding).

    Args:
        step: From tokens, `(rows · beam,)`, and states to the log-probabilities of the next one,
            `(rows · beam, tokens)`, and the states after it.
        states: At first, tensors whose first axis is `rows`, in any structure.
        rows: How many sequences are looked for.
        beam: Beginnings that are kept for each of them; a tensor on TensorFlow, if need be.
        length: Tokens of a sequence at the most, the start included.

    Returns:
        The sequences, `(rows, length)`, from their start, with padding behind their end; and the
        mean log-probability of their tokens, `(rows,)`.

    Reference:
        Graves 2012, "Sequence Transduction with Recurrent Neural Networks":
        https://arxiv.org/abs/1211.3711;
        Wu et al. 2016 on length normalisation, here with the exponent 1 and no constant:
        https://arxiv.org/abs/1609.08144, section 7
    """
    places = ops.arange(length, dtype="int32")[None]
    row_of = ops.arange(rows * beam, dtype="int32") // beam
    first = ops.arange(rows, dtype="int32") * beam
    states = keras.tree.map_structure(lambda state: ops.take(state, row_of, axis=0), states)
    numbers = ops.where(places == 0, START, PADDING) + ops.zeros_like(row_of)[:, None]
    # At first all of a beam are the same, and one of them counts.
    alone = ops.where(ops.arange(beam, dtype="int32") == 0, 0.0, -float("inf"))
    scores = alone[None] + ops.zeros((rows, 1), "float32")
    ended = row_of < 0
    counts = ops.zeros_like(row_of)

    def go_on(position, numbers, scores, ended, counts, states):
        return (position < length) & ops.logical_not(ops.all(ended))

    def one_more(position, numbers, scores, ended, counts, states):
        last = ops.take(numbers, position - 1, axis=1)
        scored, states = step(last, states)
        size = scored.shape[-1]
        tokens = ops.arange(size, dtype="int32")
        written = (tokens != PADDING) & (tokens != START) & (tokens != UNKNOWN_NUMBER)
        scored = ops.where(written, scored, -float("inf"))
        rest = ops.where(tokens == PADDING, 0.0, -float("inf"))
        scored = ops.where(ended[:, None], rest, scored)
        every = scores[:, :, None] + ops.reshape(scored, (rows, beam, size))
        scores, best = ops.top_k(ops.reshape(every, (rows, beam * size)), beam)
        best = ops.cast(best, "int32")
        token = ops.reshape(best % size, (-1,))
        before = ops.reshape(best // size + first[:, None], (-1,))
        numbers, ended, counts, states = keras.tree.map_structure(
            lambda each: ops.take(each, before, axis=0), (numbers, ended, counts, states)
        )
        counts = counts + ops.cast(ops.logical_not(ended), "int32")
        numbers = ops.where(places == position, token[:, None], numbers)
        return position + 1, numbers, scores, ended | (token == END), counts, states

    position = ops.convert_to_tensor(1, "int32")
    begun = (position, numbers, scores, ended, counts, states)
    _, numbers, scores, _, counts, _ = ops.while_loop(go_on, one_more, begun)
    means = scores / ops.cast(ops.reshape(ops.maximum(counts, 1), (rows, beam)), "float32")
    # Not `argmax`, which is made of bits on TensorFlow, and ONNX has none.
    score, best = ops.top_k(means, 1)
    best = first + ops.cast(best[:, 0], "int32")
    return ops.take(numbers, best, axis=0), score[:, 0]
