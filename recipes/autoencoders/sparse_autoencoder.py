"""The autoencoder of whose units few are active at a time."""

from typing import Annotated

import keras
from keras import ops

from ...layers import KLSparsity, KSparse
from ..registry import Objective, Published, recipe
from ..search import LOSS, Changes, Choice, Float, ImageShape, LearningRate, Rank, Seed, Units
from ..tasks import RECONSTRUCTION
from .dense import compile_reconstruction, dense_autoencoder
from .endpoints import ENDPOINTS
from .reconstruction import reconstruction

# As in the papers: Ng's units are logistic, Makhzani and Frey's linear.
ACTIVATIONS = {"kl": "sigmoid", "l1": "relu", "k_sparse": "linear"}
# Penalties are part of the loss.
PENALTY = Changes(*LOSS)


@keras.saving.register_keras_serializable("amalthea")
class HalfSquaredError(keras.losses.Loss):
    """Half of the squared error of an image, summed over its pixels, averaged over the images."""

    def call(self, y_true, y_pred):
        squares = ops.square(ops.cast(y_true, y_pred.dtype) - y_pred)
        return ops.sum(squares, axis=range(1, len(squares.shape))) / 2


@recipe(
    family="autoencoders",
    task=RECONSTRUCTION,
    data="fashion_mnist",
    paper="Ng 2011: https://web.stanford.edu/class/cs294a/sparseAutoencoder_2011new.pdf",
    objective=Objective("val_mean_squared_error", "min"),
    endpoints=ENDPOINTS,
    measures=reconstruction,
    smoke={"image_shape": (4, 4, 1), "latent_dim": 5},
    published=(
        Published(
            "64-25-64",
            3_289,
            "Ng 2011, patches of 8×8 pixels: weights 3,200, biases 89",
            {"image_shape": (8, 8, 1), "latent_dim": 25, "target": 0.01, "weight_decay": 1e-4},
        ),
    ),
)
def sparse_autoencoder(
    image_shape: ImageShape = (28, 28, 1),
    *,
    latent_dim: Units = 196,
    penalty: Annotated[str, Choice(*ACTIVATIONS, rank=Rank.REGULARIZATION), PENALTY] = "kl",
    target: Annotated[
        float, Float(0.01, 0.3, log=True, below=1, rank=Rank.REGULARIZATION), PENALTY
    ] = 0.1,
    sparsity_weight: Annotated[
        float, Float(0.01, 10.0, log=True, rank=Rank.REGULARIZATION), PENALTY
    ] = 3.0,
    weight_decay: Annotated[float, Float(0.0, 1e-2, rank=Rank.REGULARIZATION), PENALTY] = 3e-3,
    learning_rate: LearningRate = 1e-3,
    seed: Seed = None,
) -> keras.Model:
    """Sparse autoencoder: a code of many units, few of which say anything about one image.

    Of one hidden layer, the code, which may be as large as the image: sparsity keeps it from being
    a copy. The penalty `"kl"` draws the mean activity of each logistic unit to a target, `"l1"`
    charges for each activity of rectified units, `"k_sparse"` lets only the largest activities of
    linear units through. The loss is the paper's: half the squared error of an image and penalties.

    Deviations:
        * Adam on batches instead of L-BFGS on all images; the mean activities are running ones.

    Args:
        image_shape: Height, width and channels of the images.
        latent_dim: Units of the code.
        penalty: `"kl"`, `"l1"` or `"k_sparse"`.
        target: Mean activity of a unit, the paper's rho, for `"kl"`; share of the units that are
            let through for `"k_sparse"`; without effect on `"l1"`. Below 1.
        sparsity_weight: Weight of the penalty `"kl"`, the paper's beta, or `"l1"`.
        weight_decay: Coefficient of half the sum of the squared weights, the paper's lambda.
        learning_rate: Step size of Adam.
        seed: Makes the initial weights reproducible.

    Returns:
        A compiled model from images in [0, 1] to their reconstructions, both
        `(batch, height, width, channels)`, that logs the mean squared error for each pixel. The
        output of its layer `code` is `(batch, latent_dim)`.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import sparse_autoencoder
        >>> model = sparse_autoencoder((8, 8, 1), latent_dim=25, target=0.01)
        >>> history = model.fit(np.random.rand(32, 8, 8, 1), epochs=1, verbose=0)
        >>> model.predict(np.zeros((1, 8, 8, 1)), verbose=0).shape
        (1, 8, 8, 1)

    Reference:
        Ng 2011, "Sparse autoencoder", CS294A lecture notes:
        https://web.stanford.edu/class/cs294a/sparseAutoencoder_2011new.pdf; sizes and weights for
        28×28 pixels are those of its exercise on handwritten digits;
        Makhzani & Frey 2013, "k-Sparse Autoencoders": https://arxiv.org/abs/1312.5663
    """
    sparsity = {
        "kl": lambda: KLSparsity(target, sparsity_weight),
        "l1": lambda: keras.layers.ActivityRegularization(l1=sparsity_weight),
        "k_sparse": lambda: KSparse(max(1, round(target * latent_dim))),
    }[penalty]()
    model = dense_autoencoder(
        image_shape,
        (),
        latent_dim,
        tied=False,
        activation=None,
        code_activation=ACTIVATIONS[penalty],
        on_code=sparsity,
        kernel_regularizer=keras.regularizers.L2(weight_decay / 2),
    )
    compile_reconstruction(model, learning_rate, HalfSquaredError(name="half_squared_error"))
    return model
