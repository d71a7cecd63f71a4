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
RECIPES = list_recipes()
KINDS = [name for name in RECIPES if name not in LIKE]


def each_recipe(quick, *, among=RECIPES, rest=pytest.mark.exhaustive, jax=()):
    """Parametrizes a test by the recipes, each in the first tier that is for it.

    Args:
        quick: Those of the default tests. One of each kind of the others is slow.
        among: All that the test is for.
        rest: The marker of those that are neither.
        jax: Those that are tried on JAX, too, though they are slow.
    """

    def marks(name):
        if name in quick:
            return []
        return [rest if name in LIKE else pytest.mark.slow] + [pytest.mark.jax] * (name in jax)

    return pytest.mark.parametrize("name", [pytest.param(n, marks=marks(n)) for n in among])
