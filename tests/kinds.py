"""Which recipes stand for which in tests that take their time, so that theirs grows with kinds."""

import pytest

from amalthea.recipes import list_recipes

# What a recipe is like in all but its layers and sizes: training, data, endpoints.
LIKE = {
    "alexnet": "resnet",
    "conditional_dcgan": "conditional_gan",
    "conditional_variational_autoencoder": "variational_autoencoder",
    "convolutional_autoencoder": "autoencoder",
    "dcgan": "gan",
    "deep_autoencoder": "greedy_autoencoder",
    "densenet": "resnet",
    "echo_state": "linear_regression",
    "forecaster": "linear_regression",
    "fractalnet": "resnet",
    "gated_pixelcnn": "conditional_gated_pixelcnn",
    "gaussian_rbm": "rbm",
    "greedy_classifier": "greedy_autoencoder",
    "maxout_network": "lenet5",
    "minibatch_discrimination_gan": "gan",
    "mlp": "lenet5",
    "network_in_network": "resnet",
    "recurrent_classifier": "lenet5",
    "recurrent_tagger": "recurrent_text_classifier",
    "softmax_regression": "lenet5",
    "sparse_autoencoder": "autoencoder",
    "squeezenet": "resnet",
    "stylegan": "progan",
    "tied_autoencoder": "autoencoder",
    "vgg": "resnet",
    "word_lm": "char_rnn",
}
# Kinds whose model is of a class that another's is of, too, and has nothing else that Keras would
# treat in another way: what goes through the class alone is tried on the other.
SAME_CLASS = {
    "boltzmann_machine": "rbm",
    "dbm": "rbm",
    "dbn": "rbm",
    "denoising_autoencoder": "autoencoder",
    "gan": "toy_gan",
    "greedy_autoencoder": "autoencoder",
    "hopfield": "rbm",
    "linear_regression": "lenet5",
    "localizer": "lenet5",
    "multimodal_dbn": "dbn_classifier",
    "perceptron": "lenet5",
    "pixelrnn": "pixelcnn",
    "recurrent_autoencoder": "autoencoder",
    "recurrent_text_classifier": "lenet5",
    "tagger": "lenet5",
    "unet": "resnet",
}
# Kinds whose layers and endpoints are among those of another: what exports one exports the other.
SAME_PARTS = {
    "dbn": "rbm",
    "gan": "conditional_gan",
    "linear_regression": "lenet5",
    "perceptron": "lenet5",
}
RECIPES = list_recipes()
KINDS = [name for name in RECIPES if name not in LIKE]


def each_recipe(quick, *, among=RECIPES, like=LIKE, rest=pytest.mark.exhaustive, jax=()):
    """Parametrizes a test by the recipes, each in the first tier that is for it.

    Args:
        quick: Those of the default tests. One of each kind of the others is slow.
        among: All that the test is for.
        like: What is of no kind of its own, beside `LIKE`.
        rest: The marker of those that are neither.
        jax: Those that are tried on JAX, too, though they are slow.
    """

    def marks(name):
        if name in quick:
            return []
        of_a_kind = name not in LIKE and name not in like
        return [pytest.mark.slow if of_a_kind else rest] + [pytest.mark.jax] * (name in jax)

    return pytest.mark.parametrize("name", [pytest.param(n, marks=marks(n)) for n in among])
