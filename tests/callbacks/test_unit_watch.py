import warnings

import numpy as np
import pytest

from amalthea.callbacks import UnitWatch
from amalthea.errors import UserError
from amalthea.recipes import dbm, rbm, tied_autoencoder

from harness import one_sentence

IMAGES = np.random.default_rng(0).random((20, 4, 4, 1), dtype="float32")


def fit(model):
    model.fit(IMAGES, epochs=2, callbacks=[UnitWatch(IMAGES)], verbose=0)


@pytest.mark.parametrize("model", [rbm, dbm, tied_autoencoder])
def test_a_healthy_training_is_left_alone(model):
    hidden = (4, 3) if model is dbm else (4,) if model is tied_autoencoder else 4
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(model((4, 4, 1), hidden_units=hidden, seed=0))


def test_weights_that_are_no_numbers_end_the_training():
    model = rbm((4, 4, 1), hidden_units=4, seed=0)
    bias = model.get_layer("rbm").hidden_bias
    bias.assign(np.full(4, np.nan))
    with pytest.raises(UserError, match="is no number any more after epoch 1") as error:
        fit(model)
    one_sentence(error)


def test_units_that_are_always_on_are_told_of_once():
    model = rbm((4, 4, 1), hidden_units=4, seed=0)
    model.get_layer("rbm").hidden_bias.assign([90.0, 90.0, -90.0, 0.0])
    with pytest.warns(UserWarning, match="3 of 4 hidden units of rbm are on, or off") as caught:
        fit(model)
    assert len(caught) == 1
