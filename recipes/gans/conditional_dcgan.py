"""The DCGAN whose images are of a class that is asked for."""

import keras

from ..registry import Objective, recipe
from ..search import ImageShape, LatentDim, LearningRate, NumClasses, Seed
from ..tasks import CONDITIONAL_GENERATION
from .adversarial_model import AdversarialModel
from .arguments import AverageDecay, Beta1, Minibatch, Width
from .convolutional import discriminator, generator
from .endpoints import CONDITIONAL_ENDPOINTS, distances
from .games import FIGURES


@recipe(
    family="gans",
    task=CONDITIONAL_GENERATION,
    data="fashion_mnist",
    paper="Mirza & Osindero 2014: https://arxiv.org/abs/1411.1784",
    objective=Objective("val_sliced_wasserstein", "min", measured=True),
    incomparable=FIGURES,
    endpoints=CONDITIONAL_ENDPOINTS,
    measures=distances,
    smoke={"image_shape": (8, 8, 1), "num_classes": 3, "latent_dim": 3, "width": 4},
    batch_size=128,
    epochs=20,
)
def conditional_dcgan(
    image_shape: ImageShape = (28, 28, 1),
    num_classes: NumClasses = 10,
    *,
    latent_dim: LatentDim = 100,
    width: Width = 64,
    minibatch: Minibatch = None,
    average_decay: AverageDecay = 0.0,
    learning_rate: LearningRate = 2e-4,
    beta_1: Beta1 = 0.5,
    seed: Seed = None,
) -> keras.Model:
    """Conditional generative adversarial net of convolutions: the DCGAN, told the class.

    The generator has the class beside its noise, the discriminator as a plane beside the image; so
    an image must be good, and of its class.

    Deviations:
        * The networks are those of Radford et al. 2015; the paper's own are dense:
          `conditional_gan`.

    Args:
        image_shape: Height, width and channels of the images; each side a number from 4 to 7,
            doubled equally often.
        num_classes: Number of classes.
        latent_dim: Number of latents beside the class.
        width: Filters beside the images; twice as many at each halving of their size.
        minibatch: `"discrimination"` or `"stddev"`, for a discriminator that sees how alike the
            images of a batch are.
        average_decay: What the moving average of the generator, which then draws the samples, keeps
            in each step; 0 for none.
        learning_rate: Step size of Adam.
        beta_1: Decay of Adam's first moment.
        seed: Makes initial weights and latents reproducible.

    Returns:
        A compiled `AdversarialModel` that trains on images in [0, 1], `(batch, height, width,
        channels)`, and their classes, `(batch,)`. Called with images it gives the discriminator's
        scores of each as each class, `(batch, num_classes)`.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import conditional_dcgan
        >>> model = conditional_dcgan((8, 8, 1), 3, width=4)
        >>> images, labels = np.random.rand(32, 8, 8, 1), np.arange(32) % 3
        >>> history = model.fit(images, labels, epochs=1, verbose=0)
        >>> tuple(model.generate(np.zeros((1, 100)), [2]).shape)
        (1, 8, 8, 1)

    Reference:
        Mirza & Osindero 2014, "Conditional Generative Adversarial Nets":
        https://arxiv.org/abs/1411.1784;
        Radford, Metz & Chintala 2015, "Unsupervised Representation Learning with Deep Convolutional
        Generative Adversarial Networks": https://arxiv.org/abs/1511.06434
    """
    model = AdversarialModel(
        generator(image_shape, latent_dim, width, num_classes),
        discriminator(image_shape, width, num_classes, minibatch=minibatch),
        prior="uniform",
        average_decay=average_decay,
        seed=seed,
    )
    model.compile(keras.optimizers.Adam(learning_rate, beta_1), steps_per_execution=10)
    return model
