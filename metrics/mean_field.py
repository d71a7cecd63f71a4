"""The variational lower bound of the log-likelihood of a deep Boltzmann machine."""

import numpy as np
from keras import ops
from scipy.special import entr

from ..layers import DBM


def mean_field_bound(
    dbm: DBM, visible: np.ndarray, log_partition: float, *, steps: int | None = None
) -> np.ndarray:
    """Lower bound of the log-probability of visible states under a deep Boltzmann machine.

    It is `E_q[−E(v, h)] + H(q) − log Z`, where q is the mean-field posterior of the hidden units.

    Args:
        dbm: A built machine.
        visible: Binary states, `(batch, visible)`.
        log_partition: log Z: that of the folded machine, `dbm.as_rbm()`, exact or estimated.
        steps: How often the hidden layers are adjusted; as the machine itself if not given.

    Returns:
        `(batch,)`, in nats.

    Reference:
        Salakhutdinov & Hinton 2009, "Deep Boltzmann Machines":
        https://proceedings.mlr.press/v5/salakhutdinov09a.html
    """
    hidden = dbm.mean_field(ops.convert_to_tensor(visible, "float32"), steps)
    means = [np.asarray(visible, "float64")]
    means += [ops.convert_to_numpy(units).astype("float64") for units in hidden]
    bound = sum((entr(units) + entr(1 - units)).sum(-1) for units in means[1:]) - log_partition
    for layer, units in enumerate(means):
        # The kernel below a layer counts with it, so every kernel counts once.
        below = ops.convert_to_tensor(means[layer - 1], "float32") if layer else None
        inputs = ops.convert_to_numpy(dbm.unit_input(layer, below)).astype("float64")
        bound = bound + (units * inputs).sum(-1)
    return bound
