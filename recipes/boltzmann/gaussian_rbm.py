"""The restricted Boltzmann machine over real-valued images."""

import functools

import keras

from ...layers import RBM, Standardize
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
    density,
    machines_over_images,
)
from .momentum_ramp import MomentumRamp


@recipe(
    family="boltzmann",
    task=DENSITY_ESTIMATION,
    data="fashion_mnist",
    paper="Hinton & Salakhutdinov 2006, Science 313: https://doi.org/10.1126/science.1127647",
    objective=Objective("val_log_density", "max", measured=True),
    endpoints=ENDPOINTS,
    weighed=False,
    measures=density,
    quick_measures=functools.partial(density, **QUICK),
    smoke={"image_shape": (4, 4, 1), "hidden_units": 5},
    published=(
        Published(
            "3072-10000",
            30_733_072,
            "Krizhevsky 2009; visible × hidden + visible + hidden",
            {"image_shape": (32, 32, 3), "hidden_units": 10_000},
        ),
    ),
)
def gaussian_rbm(
    image_shape: ImageShape = (28, 28, 1),
    *,
    hidden_units: Units = 500,
    gibbs_steps: GibbsSteps = 1,
    persistent_chains: PersistentChains = 100,
    centered: Flag = True,
    weight_decay: WeightDecay = 2e-4,
    sparsity_target: SparsityTarget = None,
    learning_rate: LearningRate = 0.01,
    learning_rate_decay: LearningRateDecay = 0.3,
    momentum: Momentum = 0.0,
    seed: Seed = None,
) -> keras.Model:
    """Restricted Boltzmann machine over real-valued pixels: visible units are Gaussian.

    Pixels are standardised by running statistics, and given the hidden units each is normal with
    variance 1. The features of an image are the probabilities of the hidden units.

    Deviations:
        * The gradient is centred (Melchior, Fischer & Wiskott 2016) unless `centered=False`.
        * Persistent chains, as those that start at the images leave the model with modes that no
          image is near to; without momentum, with which they do not keep up with the weights.
        * The initial weights are larger than those of Hinton's guide.

    Args:
        image_shape: Height, width and channels of the images.
        hidden_units: Number of hidden units.
        gibbs_steps: Gibbs steps of the chains for each update, the k of CD-k.
        persistent_chains: Number of chains that go on from update to update; 0 for chains that
            start at the images.
        centered: Whether the gradient is the centred one.
        weight_decay: Coefficient of the quadratic penalty on the weights.
        sparsity_target: Mean activity that the hidden units are driven to, or None.
        learning_rate: Step size of gradient descent in the first step.
        learning_rate_decay: After n thousand steps the step size is divided by 1 + n times this.
        momentum: Momentum of gradient descent, to which it grows from 0.5 in the first 5,000 steps.
        seed: Makes initial weights and chains reproducible.

    Returns:
        A compiled model from images in [0, 1], `(batch, height, width, channels)`, to features,
        `(batch, hidden_units)`. Its loss is half the squared error of one
        reconstruction, summed over the standardised pixels.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import gaussian_rbm
        >>> model = gaussian_rbm((8, 8, 1), hidden_units=16)
        >>> history = model.fit(np.random.rand(32, 8, 8, 1), epochs=1, verbose=0)
        >>> model.predict(np.zeros((1, 8, 8, 1)), verbose=0).shape
        (1, 16)

    Reference:
        Hinton & Salakhutdinov 2006, "Reducing the Dimensionality of Data with Neural Networks":
        https://doi.org/10.1126/science.1127647;
        Krizhevsky 2009, "Learning Multiple Layers of Features from Tiny Images":
        https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf
    """
    return machines_over_images(
        image_shape,
        Standardize(name="visible"),
        [
            RBM(
                hidden_units,
                "gaussian",
                gibbs_steps=gibbs_steps,
                persistent_chains=persistent_chains,
                centered=centered,
                weight_decay=weight_decay,
                sparsity_target=sparsity_target,
                name="rbm",
            )
        ],
        lambda: MomentumRamp(learning_rate, momentum, decay=learning_rate_decay),
    )
