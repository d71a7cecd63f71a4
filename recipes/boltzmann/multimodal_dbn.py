"""The deep belief net over images and captions."""

import functools
from typing import Annotated

import keras
import numpy as np
from keras import ops

from ...callbacks import GreedyLayerwise
from ...layers import RBM, Binarize, CaptionedRBM
from ...layers.seed_stream import SeedStream
from ...metrics import annealed_importance_sampling, log_likelihood
from ...metrics.belief_net import drawn_features, features_and_bound
from ..endpoint import Function, Images, Part, Whole
from ..registry import Objective, recipe
from ..search import (
    Flag,
    FromData,
    ImageShape,
    LearningRate,
    Momentum,
    Seed,
    Units,
    WeightDecay,
    at_least,
)
from ..tasks import JOINT_DENSITY_ESTIMATION
from .joint import JointModel
from .machine import (
    OF_FEATURES,
    QUICK,
    TEMPERATURES,
    GibbsSteps,
    HiddenUnits,
    PretrainingEpochs,
    go_down,
    images_of,
    machines_of,
    units_of,
)
from .momentum_ramp import MomentumRamp

# A class is a caption of one word.
Length = Annotated[int, at_least(1), FromData("label", "length")]
VocabularySize = Annotated[int, at_least(2), FromData("label", "count")]
# Below any probability of a word, so that its logarithm is finite.
TINY = 1e-30


class Captions:
    """An endpoint's input: words of a caption for each image, `(batch, caption_length)`."""

    @staticmethod
    def input(model, name):
        return keras.Input(model.outputs[0].shape[1:-1], dtype="int32", name=name)


def schedule(arguments) -> GreedyLayerwise:
    """The machine over captions beside the lowest over images, those above one by one."""
    depth = len(arguments["hidden_units"])
    stages = [{f"rbm_{layer}": True} for layer in range(1, depth + 1)]
    stages[0]["joint"] = "captions"
    return GreedyLayerwise([*stages, {"joint": "joint"}], arguments["pretraining_epochs"])


def _start(model, count, seed, steps):
    """Features of images and captions for chains to start at."""
    joint = model.get_layer("joint")
    visible = joint.joint.start(count, SeedStream(seed, 2 * steps))
    return visible[:, : -joint.caption_units], visible[:, -joint.caption_units :]


def _images(model, features, means, steps, seed):
    after = SeedStream(seed, 2 * steps + 2)
    return images_of(model, go_down(machines_of(model), features, means, after)[1])


def _sample(model, n: Whole, steps: Whole, seed: Whole):
    joint = model.get_layer("joint")
    features, caption, means, _ = joint.gibbs(*_start(model, n, seed, steps), steps, seed)
    return {
        "images": _images(model, features, means, steps, seed),
        "words": joint.draw_words(caption, seed),
    }


def _generate(model, words: Captions, steps: Whole, seed: Whole):
    joint = model.get_layer("joint")
    caption = joint.caption_features(words)
    features, _ = _start(model, ops.shape(words)[0], seed, steps)
    features, _, means, _ = joint.gibbs(features, caption, steps, seed, given="caption")
    return {"images": _images(model, features, means, steps, seed)}


def _caption(model, images: Images, steps: Whole, seed: Whole):
    joint, features = model.get_layer("joint"), units_of(model, images)
    for rbm in machines_of(model):
        features = rbm.hidden_mean(features)
    _, caption = _start(model, ops.shape(features)[0], seed, steps)
    _, caption, _, _ = joint.gibbs(features, caption, steps, seed, given="features")
    return {"words": joint.draw_words(caption, seed)}


def likelihood_bound(
    model: keras.Model,
    images: np.ndarray,
    labels: np.ndarray | None,
    batch_size: int,
    *,
    temperatures: int = TEMPERATURES,
    samples: int = 10,
) -> dict[str, float]:
    """Lower bound of the mean log-likelihood, in nats, of images together with their captions.

    Where pixels are not made binary there is none. The labels are captions.
    """
    if labels is None or model.get_layer("visible").threshold is None:
        return {}
    machines, joint = machines_of(model), model.get_layer("joint")
    visible = ops.convert_to_numpy(units_of(model, images))
    features, of_words = visible, ops.convert_to_numpy(joint.caption_features(labels))
    for rbm in machines:
        features = ops.convert_to_numpy(rbm.hidden_mean(features))
    means = np.concatenate([features.mean(axis=0), of_words.mean(axis=0)])
    annealed = annealed_importance_sampling(joint.joint, means, temperatures=temperatures)
    words = np.reshape(np.asarray(labels, "int64"), (-1, joint.caption_length, 1))
    bounds, random = np.zeros(len(visible)), np.random.default_rng(0)
    for _ in range(samples):
        states = np.asarray(visible, "float64")
        for rbm in machines:
            states, bound = features_and_bound(rbm, states, random)
            bounds += bound
        caption, entropies = drawn_features(of_words.astype("float64"), random)
        likely = joint.words(joint.captions.visible_mean(caption.astype("float32")))
        likely = np.take_along_axis(ops.convert_to_numpy(likely), words, axis=2)
        bounds += np.log(np.maximum(likely, TINY)).sum(axis=(1, 2)) + entropies
        top = np.concatenate([states, caption], axis=1)
        bounds += log_likelihood(joint.joint, top, annealed.log_partition)
    return {
        "log_likelihood_bound": float(bounds.mean() / samples),
        "standard_error": annealed.standard_error,
    }


@recipe(
    family="boltzmann",
    task=JOINT_DENSITY_ESTIMATION,
    data="fashion_mnist",
    paper="Srivastava & Salakhutdinov 2012: "
    "https://www.cs.toronto.edu/~rsalakhu/papers/Multimodal_DBN.pdf",
    objective=Objective("val_log_likelihood_bound", "max", measured=True),
    endpoints={
        "serve": Part("images", "probabilities"),
        "caption": Function(_caption, ("words",)),
        "generate": Function(_generate, ("images",)),
        "sample": Function(_sample, ("images", "words")),
    },
    schedule=schedule,
    measures=likelihood_bound,
    quick_measures=functools.partial(likelihood_bound, samples=1, **QUICK),
    epochs=15,
    weighed=False,
    smoke={
        "image_shape": (4, 4, 1),
        "vocabulary_size": 5,
        "hidden_units": (5,),
        "caption_units": 4,
        "joint_units": 6,
        "pretraining_epochs": 1,
    },
)
def multimodal_dbn(
    image_shape: ImageShape = (28, 28, 1),
    vocabulary_size: VocabularySize = 10,
    caption_length: Length = 1,
    *,
    hidden_units: Annotated[HiddenUnits, OF_FEATURES] = (500,),
    caption_units: Annotated[Units, OF_FEATURES] = 64,
    joint_units: Units = 500,
    pretraining_epochs: PretrainingEpochs = 5,
    gibbs_steps: GibbsSteps = 1,
    binary: Flag = True,
    weight_decay: WeightDecay = 2e-4,
    learning_rate: LearningRate = 0.01,
    momentum: Momentum = 0.9,
    seed: Seed = None,
) -> keras.Model:
    """Deep belief net over images and captions, which draws each from the other.

    Restricted Boltzmann machines over images and one over captions give features, and one more
    joins the features of both. Gibbs sampling there, with one kind of features given, and one pass
    down draw a caption of an image or an image of a caption.

    A caption is a sequence of words, whole numbers from 0 to `vocabulary_size` − 1; shorter ones
    are filled up with a word that stands for none. Where a job trains the net, the class of an
    image is its caption of one word.

    Deviations:
        * The words of a caption have an order, each its own softmax group, instead of being counted
          by a replicated softmax.
        * There is one machine over captions; over images there can be several.
        * The gradient of the machines is centred (Melchior, Fischer & Wiskott 2016).

    Args:
        image_shape: Height, width and channels of the images.
        vocabulary_size: Number of different words.
        caption_length: Number of words of a caption.
        hidden_units: Number of hidden units of each machine over images, the lowest first.
        caption_units: Number of hidden units of the machine over captions.
        joint_units: Number of hidden units of the machine that joins both.
        pretraining_epochs: Epochs in which each machine but the joint one learns; that one goes on
            to the end.
        gibbs_steps: Gibbs steps of the chains for each update, the k of CD-k.
        binary: Whether pixels become 0 or 1 at ½; otherwise they are taken as probabilities, and
            chains that start at them end with probabilities, not states.
        weight_decay: Coefficient of the quadratic penalty on the weights.
        learning_rate: Step size of gradient descent.
        momentum: Momentum of gradient descent, to which it grows from 0.5 in the first 5,000 steps
            of each stage.
        seed: Makes initial weights and chains reproducible.

    Returns:
        A compiled model from images in [0, 1], `(batch, height, width, channels)`, to the
        probabilities of words, `(batch, caption_length, vocabulary_size)`; it learns from `x` and
        `y`, captions of shape `(batch, caption_length)`. Its loss is the sum of the losses of the
        machines that learn.

    Raises:
        UserError: If an argument is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea.recipes import get_recipe, multimodal_dbn
        >>> model = multimodal_dbn((8, 8, 1), 6, 2, hidden_units=(16,), pretraining_epochs=1)
        >>> schedule = get_recipe("multimodal_dbn").schedule(model.origin.arguments)
        >>> images, captions = np.random.rand(32, 8, 8, 1), np.random.randint(6, size=(32, 2))
        >>> history = model.fit(images, captions, epochs=2, callbacks=[schedule], verbose=0)
        >>> model.predict(images[:1], verbose=0).shape
        (1, 2, 6)

    Reference:
        Srivastava & Salakhutdinov 2012, "Learning Representations for Multimodal Data with Deep
        Belief Nets": https://www.cs.toronto.edu/~rsalakhu/papers/Multimodal_DBN.pdf;
        Ngiam et al. 2011, "Multimodal Deep Learning":
        https://icml.cc/2011/papers/399_icmlpaper.pdf
    """
    settings = {"gibbs_steps": gibbs_steps, "weight_decay": weight_decay}
    images = keras.Input(image_shape, name="images")
    units = keras.layers.Flatten(name="pixels")(images)
    units = Binarize(0.5 if binary else None, name="visible")(units)
    for layer, count in enumerate(hidden_units, start=1):
        by_means = layer > 1 or not binary  # as the data of the machine
        units = RBM(count, visible_means=by_means, name=f"rbm_{layer}", **settings)(units)
    joint = CaptionedRBM(
        joint_units, caption_units, caption_length, vocabulary_size, settings=settings, name="joint"
    )
    words = keras.layers.Identity(dtype="float32", name="words")(joint(units))
    model = JointModel(images, words)
    # A step is short beside Keras' own work around it, so 20 are one execution.
    model.compile(MomentumRamp(learning_rate, momentum), steps_per_execution=20)
    return model
