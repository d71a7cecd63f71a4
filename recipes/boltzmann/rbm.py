"""The restricted Boltzmann machine over binary images."""

import functools

import keras

from ...layers import RBM, Binarize
from ..registry import Objective, Published, recipe
from ..search import (
    Flag,
    ImageShape,
    LearningRate,
    LearningRateDecay,
    Momentum,
    Seed,
    Units,
    WeightDecay,
)
from ..tasks import DENSITY_ESTIMATION
from .machine import (
    ENDPOINTS,
    QUICK,
    GibbsSteps,
    PersistentChains,
    SparsityTarget,
    likelihood,
    machines_over_images,
)
from .momentum_ramp import MomentumRamp


@recipe(
    family="boltzmann",
    task=DENSITY_ESTIMATION,
    data="fashion_mnist",
    paper="Hinton 2002, Neural Computation 14: https://doi.org/10.1162/089976602760128018",
    objective=Objective("val_log_likelihood", "max", measured=True),
    endpoints=ENDPOINTS,
    measures=likelihood,
    weighed=False,
    quick_measures=functools.partial(likelihood, **QUICK),
    smoke={"image_shape": (4, 4, 1), "hidden_units": 5},
    published=(
        Published(
            "784-500",
            393_284,
            "Salakhutdinov & Murray 2008; visible × hidden + visible + hidden",
        ),
    ),
)
def rbm(
    image_shape: ImageShape = (28, 28, 1),
    *,
    hidden_units: Units = 500,
    gibbs_steps: GibbsSteps = 1,
    persistent_chains: PersistentChains = 100,
    centered: Flag = True,
    binary: Flag = True,
    weight_decay: WeightDecay = 2e-4,
    sparsity_target: SparsityTarget = None,
    learning_rate: LearningRate = 0.05,
    learning_rate_decay: LearningRateDecay = 0.3,
    momentum: Momentum = 0.0,
    seed: Seed = None,
) -> keras.Model:
    """Restricted Boltzmann machine: one layer of hidden units that explains binary pixels.

    Contrastive divergence lowers the free energy of the images and raises that of what the machine
    makes of them in a few Gibbs steps. The features of an image are the probabilities of the hidden
    units.

    Deviations:
        * The gradient is centred (Melchior, Fischer & Wiskott 2016) unless `centered=False`.
        * Hinton's guide has a momentum of 0.9 and initial weights of 0.01. With such a momentum
          persistent chains do not keep up with the weights; for chains that start at the images,
          `persistent_chains=0, momentum=0.9, learning_rate=0.01` is the guide's way.

    Args:
        image_shape: Height, width and channels of the images.
        hidden_units: Number of hidden units.
        gibbs_steps: Gibbs steps of the chains for each update, the k of CD-k.
        persistent_chains: Number of chains that go on from update to update; 0 for chains that
            start at the images.
        centered: Whether the gradient is the centred one.
        binary: Whether pixels become 0 or 1 at ½; otherwise they are taken as probabilities, and
            chains that start at them end with probabilities, not states.
        weight_decay: Coefficient of the quadratic penalty on the weights.
        sparsity_target: Mean activity that the hidden units are driven to, or None.
        learning_rate: Step size of gradient descent in the first step.
        learning_rate_decay: After n thousand steps the step size is divided by 1 + n times this.
        momentum: Momentum of gradient descent, to which it grows from 0.5 in the first 5,000 steps.
        seed: Makes initial weights and chains reproducible.

    Returns:
        A compiled model from images in [0, 1], `(batch, height, width, channels)`, to features,
        `(batch, hidden_units)`. Its loss is minus the pseudo-log-likelihood of an image, in nats.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import rbm
        >>> model = rbm((8, 8, 1), hidden_units=16)
        >>> history = model.fit(np.random.rand(32, 8, 8, 1), epochs=1, verbose=0)
        >>> model.predict(np.zeros((1, 8, 8, 1)), verbose=0).shape
        (1, 16)

    Reference:
        Hinton 2002, "Training Products of Experts by Minimizing Contrastive Divergence":
        https://doi.org/10.1162/089976602760128018;
        Hinton 2010, "A Practical Guide to Training Restricted Boltzmann Machines":
        https://www.cs.toronto.edu/~hinton/absps/guideTR.pdf
    """
    return machines_over_images(
        image_shape,
        Binarize(0.5 if binary else None, name="visible"),
        [
            RBM(
                hidden_units,
                gibbs_steps=gibbs_steps,
                persistent_chains=persistent_chains,
                visible_means=not binary,
                centered=centered,
                weight_decay=weight_decay,
                sparsity_target=sparsity_target,
                name="rbm",
            )
        ],
        lambda: MomentumRamp(learning_rate, momentum, decay=learning_rate_decay),
    )
