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
from .autoregressive.conditional_gated_pixelcnn import conditional_gated_pixelcnn  # noqa: E402
from .autoregressive.gated_pixelcnn import gated_pixelcnn, gated_pixelcnn_64  # noqa: E402
from .autoregressive.pixelcnn import (  # noqa: E402
    pixelcnn,
    pixelcnn_cifar10,
    pixelcnn_keras,
)
from .autoregressive.pixelrnn import pixelrnn  # noqa: E402
from .boltzmann.boltzmann_machine import boltzmann_machine  # noqa: E402
from .boltzmann.dbm import dbm  # noqa: E402
from .boltzmann.dbn import dbn  # noqa: E402
from .boltzmann.dbn_classifier import dbn_classifier  # noqa: E402
from .boltzmann.gaussian_rbm import gaussian_rbm  # noqa: E402
from .boltzmann.hopfield import hopfield  # noqa: E402
from .boltzmann.multimodal_dbn import multimodal_dbn  # noqa: E402
from .boltzmann.rbm import rbm  # noqa: E402
from .classifiers.alexnet import alexnet, alexnet_one_tower  # noqa: E402
from .classifiers.densenet import (  # noqa: E402
    densenet,
    densenet121,
    densenet169,
    densenet201,
    densenet264,
    densenet_40_12,
    densenet_100_12,
    densenet_bc_100_12,
    densenet_bc_190_40,
    densenet_bc_250_24,
)
from .classifiers.fractalnet import fractalnet  # noqa: E402
from .classifiers.googlenet import googlenet  # noqa: E402
from .classifiers.greedy_classifier import greedy_classifier  # noqa: E402
from .classifiers.lenet5 import lenet5  # noqa: E402
from .classifiers.maxout_network import maxout_network  # noqa: E402
from .classifiers.mlp import (  # noqa: E402
    dropout_mlp_1024,
    dropout_mlp_8192,
    mlp,
    mlp_128,
    mlp_512,
    mlp_800,
)
from .classifiers.network_in_network import (  # noqa: E402
    network_in_network,
    network_in_network_imagenet,
)
from .classifiers.perceptron import perceptron  # noqa: E402
from .classifiers.resnet import (  # noqa: E402
    preactivation_resnet18,
    preactivation_resnet34,
    preactivation_resnet50,
    preactivation_resnet101,
    preactivation_resnet110,
    preactivation_resnet152,
    preactivation_resnet164,
    resnet,
    resnet18,
    resnet20,
    resnet32,
    resnet34,
    resnet44,
    resnet50,
    resnet56,
    resnet101,
    resnet110,
    resnet152,
)
from .classifiers.softmax_regression import softmax_regression  # noqa: E402
from .classifiers.squeezenet import squeezenet, squeezenet_1_0, squeezenet_1_1  # noqa: E402
from .classifiers.tagger import tagger  # noqa: E402
from .classifiers.vgg import vgg, vgg11, vgg13, vgg16, vgg19  # noqa: E402
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
from .language.skip_gram import skip_gram  # noqa: E402
from .language.word_lm import word_lm, word_lm_large, word_lm_medium  # noqa: E402
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
from .sequences.echo_state import echo_state  # noqa: E402
from .sequences.forecaster import forecaster  # noqa: E402
from .sequences.recurrent_classifier import irnn, recurrent_classifier  # noqa: E402
from .sequences.recurrent_tagger import recurrent_tagger  # noqa: E402
from .sequences.recurrent_text_classifier import recurrent_text_classifier  # noqa: E402
from .sequences.translator import translator  # noqa: E402

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
    "alexnet",
    "alexnet_one_tower",
    "autoencoder",
    "boltzmann_machine",
    "char_rnn",
    "conditional_dcgan",
    "conditional_gan",
    "conditional_gated_pixelcnn",
    "conditional_variational_autoencoder",
    "convolutional_autoencoder",
    "dbm",
    "dbn",
    "dbn_classifier",
    "dcgan",
    "dcgan_64",
    "deep_autoencoder",
    "denoising_autoencoder",
    "densenet",
    "densenet121",
    "densenet169",
    "densenet201",
    "densenet264",
    "densenet_40_12",
    "densenet_100_12",
    "densenet_bc_100_12",
    "densenet_bc_190_40",
    "densenet_bc_250_24",
    "dropout_mlp_1024",
    "dropout_mlp_8192",
    "echo_state",
    "forecaster",
    "fractalnet",
    "gan",
    "gated_pixelcnn",
    "gated_pixelcnn_64",
    "gaussian_rbm",
    "get_recipe",
    "googlenet",
    "greedy_autoencoder",
    "greedy_classifier",
    "hopfield",
    "irnn",
    "lenet5",
    "linear_regression",
    "list_recipes",
    "localizer",
    "maxout_network",
    "minibatch_discrimination_gan",
    "mlp",
    "mlp_128",
    "mlp_512",
    "mlp_800",
    "multimodal_dbn",
    "network_in_network",
    "network_in_network_imagenet",
    "perceptron",
    "pixelcnn",
    "pixelcnn_cifar10",
    "pixelcnn_keras",
    "pixelrnn",
    "preactivation_resnet18",
    "preactivation_resnet34",
    "preactivation_resnet50",
    "preactivation_resnet101",
    "preactivation_resnet110",
    "preactivation_resnet152",
    "preactivation_resnet164",
    "progan",
    "progan_1024",
    "rbm",
    "recipe",
    "recurrent_autoencoder",
    "recurrent_classifier",
    "recurrent_tagger",
    "recurrent_text_classifier",
    "resnet",
    "resnet18",
    "resnet20",
    "resnet32",
    "resnet34",
    "resnet44",
    "resnet50",
    "resnet56",
    "resnet101",
    "resnet110",
    "resnet152",
    "skip_gram",
    "softmax_regression",
    "sparse_autoencoder",
    "squeezenet",
    "squeezenet_1_0",
    "squeezenet_1_1",
    "stylegan",
    "stylegan_1024",
    "tagger",
    "tied_autoencoder",
    "toy_gan",
    "translator",
    "unet",
    "unet_572",
    "variant",
    "variational_autoencoder",
    "vgg",
    "vgg11",
    "vgg13",
    "vgg16",
    "vgg19",
    "wgan_gp",
    "word_lm",
    "word_lm_large",
    "word_lm_medium",
]
