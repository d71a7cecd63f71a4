import doctest

import keras
import numpy as np
import pytest

from amalthea.callbacks import KLWarmUp
from amalthea.recipes import autoencoder, get_recipe, variational_autoencoder

IMAGES = np.random.default_rng(0).random((16, 4, 4, 1), dtype="float32")


def fit(epochs, *callbacks, first=0):
    model = variational_autoencoder((4, 4, 1), hidden_units=(5,), latent_dim=2, seed=0)
    fit = {"verbose": 0, "shuffle": False, "initial_epoch": first, "epochs": epochs}
    return model, model.fit(IMAGES, callbacks=list(callbacks), **fit).history


def test_the_weight_rises_by_equal_parts_and_stays():
    assert fit(6, KLWarmUp(4))[1]["kl_weight"] == [0, 0.25, 0.5, 0.75, 1, 1]


def test_resumed_it_goes_on_where_it_was():
    assert fit(4, KLWarmUp(4), first=2)[1]["kl_weight"] == [0.5, 0.75]


def test_without_epochs_the_weight_is_full_and_not_logged():
    model, history = fit(1, KLWarmUp(0))
    assert "kl_weight" not in history
    assert float(model.kl_weight) == 1


def test_with_no_weight_the_loss_is_the_reconstruction():
    _, history = fit(1, KLWarmUp(3))
    assert history["loss"][0] == pytest.approx(history["reconstruction"][0], rel=1e-5)
    assert history["negative_bound"][0] > history["loss"][0]


def test_a_job_warms_up_for_as_many_epochs_as_the_recipe_is_told():
    schedule = get_recipe("variational_autoencoder").schedule
    assert schedule({"warm_up_epochs": 3}).epochs == 3


def test_a_model_that_is_not_variational_is_named():
    with pytest.raises(ValueError, match="no kl_weight that could be raised"):
        autoencoder((4, 4, 1)).fit(IMAGES, callbacks=[KLWarmUp(2)], verbose=0)


def test_epochs_must_be_a_number():
    with pytest.raises(ValueError, match="epochs must be a whole number of at least 0, got -1"):
        KLWarmUp(-1)


def test_its_example_runs():
    (test,) = doctest.DocTestFinder(recurse=False).find(KLWarmUp, globs={"keras": keras})
    runner = doctest.DocTestRunner()
    assert runner.run(test).failed == 0
    assert runner.tries > 0
