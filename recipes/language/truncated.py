"""Which tokens a language model may draw: the most probable ones."""

from keras import ops


def truncated(scores, temperature, top_k, top_p):
    """Scores, −∞ for all but the most probable tokens.

    Args:
        scores: Logarithms of probabilities, up to a constant, `(rows, tokens)`.
        temperature: What they are divided by.
        top_k: Only so many of the highest scores stay, and those that are equal to the last of
            them; 0 for all.
        top_p: Of these the fewest stay whose probabilities add up to that share; 1 for all.

    Reference:
        Fan, Lewis & Dauphin 2018 on the k highest: https://arxiv.org/abs/1805.04833;
        Holtzman et al. 2019 on their share: https://arxiv.org/abs/1904.09751
    """
    size = scores.shape[-1]
    falling = ops.flip(ops.sort(scores, axis=-1), axis=-1)
    k = ops.where(top_k > 0, top_k, size)
    kept = ops.arange(size)[None] < k
    logits = ops.where(kept, falling / ops.maximum(temperature, 1e-6), -float("inf"))
    shares = ops.softmax(logits - logits[:, :1])
    # A token is kept if those before it do not reach the share; the first one always is.
    before = ops.cumsum(shares, axis=-1) - shares
    kept = kept & ((before < top_p) | (ops.arange(size)[None] == 0))
    least = ops.min(ops.where(kept, falling, float("inf")), axis=-1, keepdims=True)
    return ops.where(scores >= least, scores, -float("inf"))
