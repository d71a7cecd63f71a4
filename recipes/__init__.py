"""Recipes: one function per model, each building a complete, compiled `keras.Model`."""

from ..compatibility import check_keras

check_keras()

from .autoencoders.autoencoder import autoencoder  # noqa: E402
from .autoencoders.conditional_variational_autoencoder import (  # noqa: E402
    conditional_variational_autoencoder,
)
from .autoencoders.convolutional_autoencoder import convolutional_autoencoder  # noqa: E402
from .autoencoders.deep_autoencoder import deep_autoencoder  # noqa: E402
from .autoencoders.denoising_autoencoder import denoising_autoencoder  # noqa: E402
from .autoencoders.greedy_autoencoder import greedy_autoencoder  # noqa: E402
from .autoencoders.recurrent_autoencoder import recurrent_autoencoder  # noqa: E402
from .autoencoders.sparse_autoencoder import sparse_autoencoder  # noqa: E402
from .autoencoders.tied_autoencoder import tied_autoencoder  # noqa: E402
from .autoencoders.variational_autoencoder import variational_autoencoder  # noqa: E402
from .boltzmann.boltzmann_machine import boltzmann_machine  # noqa: E402
from .boltzmann.dbm import dbm  # noqa: E402
from .boltzmann.dbn import dbn  # noqa: E402
from .boltzmann.dbn_classifier import dbn_classifier  # noqa: E402
from .boltzmann.gaussian_rbm import gaussian_rbm  # noqa: E402
from .boltzmann.hopfield import hopfield  # noqa: E402
from .boltzmann.multimodal_dbn import multimodal_dbn  # noqa: E402
from .boltzmann.rbm import rbm  # noqa: E402
from .classifiers.greedy_classifier import greedy_classifier  # noqa: E402
from .classifiers.lenet5 import lenet5  # noqa: E402
from .detectors.localizer import localizer  # noqa: E402
from .endpoint import (  # noqa: E402
    Endpoint,
    Function,
    Images,
    Like,
    Number,
    Part,
    PerRow,
    Strings,
    Whole,
)
from .gans.conditional_dcgan import conditional_dcgan  # noqa: E402
from .gans.conditional_gan import conditional_gan  # noqa: E402
from .gans.dcgan import dcgan, dcgan_64  # noqa: E402
from .gans.gan import gan  # noqa: E402
from .gans.minibatch_discrimination_gan import minibatch_discrimination_gan  # noqa: E402
from .gans.progan import progan, progan_1024  # noqa: E402
from .gans.stylegan import stylegan, stylegan_1024  # noqa: E402
from .gans.toy_gan import toy_gan  # noqa: E402
from .gans.wgan_gp import wgan_gp  # noqa: E402
from .language.char_rnn import char_rnn  # noqa: E402
from .registry import (  # noqa: E402
    Objective,
    Origin,
    Parameter,
    Published,
    Recipe,
    get_recipe,
    list_recipes,
    recipe,
    variant,
)
from .regressors.linear_regression import linear_regression  # noqa: E402
from .segmenters.unet import unet, unet_572  # noqa: E402

__all__ = [
    "Endpoint",
    "Function",
    "Images",
    "Like",
    "Number",
    "Objective",
    "Origin",
    "Parameter",
    "Part",
    "PerRow",
    "Published",
    "Recipe",
    "Strings",
    "Whole",
    "autoencoder",
    "boltzmann_machine",
    "char_rnn",
    "conditional_dcgan",
    "conditional_gan",
    "conditional_variational_autoencoder",
    "convolutional_autoencoder",
    "dbm",
    "dbn",
    "dbn_classifier",
    "dcgan",
    "dcgan_64",
    "deep_autoencoder",
    "denoising_autoencoder",
    "gan",
    "gaussian_rbm",
    "get_recipe",
    "greedy_autoencoder",
    "greedy_classifier",
    "hopfield",
    "lenet5",
    "linear_regression",
    "list_recipes",
    "localizer",
    "minibatch_discrimination_gan",
    "multimodal_dbn",
    "progan",
    "progan_1024",
    "rbm",
    "recipe",
    "recurrent_autoencoder",
    "sparse_autoencoder",
    "stylegan",
    "stylegan_1024",
    "tied_autoencoder",
    "toy_gan",
    "unet",
    "unet_572",
    "variant",
    "variational_autoencoder",
    "wgan_gp",
]
